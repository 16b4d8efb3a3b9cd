//! One selector with several insides.
//!
//! An enum rather than a trait object or a type parameter: users choose at run time, the branch is
//! predicted, and `Reactor` keeps one parameter.

use std::io;
use std::time::Duration;

use super::{Handle, manual, native, portable};
use crate::Readiness;

/// How a [`Reactor`](crate::Reactor) talks to the operating system.
///
/// All that do talk to it behave the same; they differ in speed and in which systems have them.
/// [`Manual`](Self::Manual) does not.
///
/// # Examples
///
/// ```
/// use corio_reactor::{Backend, Reactor};
///
/// let reactor: Reactor = Reactor::with_backend(Backend::Portable)?;
/// assert_eq!(reactor.backend(), Backend::Portable);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Backend {
    /// The fastest one the system has: on Linux `epoll`, one system call for a wait; elsewhere the
    /// same as [`Portable`](Self::Portable).
    #[default]
    Native,
    /// [`polling`](https://docs.rs/polling), in edge mode where the system has one.
    Portable,
    /// [`polling`](https://docs.rs/polling) without edge mode, as on Windows and illumos: each
    /// event disarms its source, and finding it not ready arms it again. Here to be tested on
    /// systems that have better.
    Oneshot,
    /// No system at all, for tests of what is built on a reactor: nothing happens but what the test
    /// says. On every platform, and without a file descriptor of its own.
    ///
    /// - Readiness comes by [`Source::inject`](crate::Source::inject) alone. What is registered need
    ///   not be something that can be waited for; twice the same is refused, as ever.
    /// - A wait never blocks. It reports what was injected since the last one. If that is nothing it
    ///   returns `Ok(0)` at once, whatever the timeout, and also without one. What it would have
    ///   taken is in [`Reactor::skipped_wait`](crate::Reactor::skipped_wait), to move a
    ///   [`Clock::manual`](crate::Clock::manual) by.
    /// - A [`Notifier`](crate::Notifier) is heard by the next wait. Other threads are not waited for,
    ///   so when that is depends on them, not on the test.
    ///
    /// So code to be tested in this way must be given its turns one by one, rather than go round
    /// until something has happened. The crate's documentation has an example.
    Manual,
}

/// One report by the kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// As given to [`Selector::add`].
    pub(crate) key: usize,
    pub(crate) readiness: Readiness,
    /// The end of the stream may follow what can be read, unannounced.
    pub(crate) end_hint: bool,
}

#[derive(Debug)]
pub(crate) enum Selector {
    Native(native::Selector),
    Portable(portable::Selector),
    Manual(manual::Selector),
}

impl Selector {
    pub(crate) fn new(backend: Backend) -> io::Result<Self> {
        Ok(match backend {
            Backend::Native => Self::Native(native::Selector::new()?),
            Backend::Portable => Self::Portable(portable::Selector::new()?),
            Backend::Oneshot => Self::Portable(portable::Selector::oneshot()?),
            Backend::Manual => Self::Manual(manual::Selector::new()),
        })
    }

    /// What wakes a wait from another thread.
    pub(crate) fn waker(&self) -> Waker {
        match self {
            Self::Native(selector) => Waker::Native(selector.waker()),
            Self::Portable(selector) => Waker::Portable(selector.waker()),
            Self::Manual(selector) => Waker::Manual(selector.waker()),
        }
    }

    /// Watches a source in both directions.
    ///
    /// # Safety
    ///
    /// The source must stay open until [`delete`](Self::delete) was called for it.
    pub(crate) unsafe fn add(&self, handle: Handle, key: usize) -> io::Result<()> {
        match self {
            // SAFETY: the caller's promise is the one that is asked for.
            Self::Native(selector) => unsafe { selector.add(handle, key) },
            // SAFETY: the caller's promise is the one that is asked for.
            Self::Portable(selector) => unsafe { selector.add(handle, key) },
            Self::Manual(selector) => selector.add(handle),
        }
    }

    /// Stops watching a source.
    pub(crate) fn delete(&self, handle: Handle) -> io::Result<()> {
        match self {
            Self::Native(selector) => selector.delete(handle),
            Self::Portable(selector) => selector.delete(handle),
            Self::Manual(selector) => selector.delete(handle),
        }
    }

    /// Says what is now known of a source, for backends that must be told what to watch for.
    pub(crate) fn update(&self, handle: Handle, key: usize, known: Readiness) -> io::Result<()> {
        match self {
            Self::Native(selector) => selector.update(handle, key, known),
            Self::Portable(selector) => selector.update(handle, key, known),
            Self::Manual(_) => Ok(()),
        }
    }

    /// Waits once and appends what happened. Returns whether a waker may have had a part in it. A
    /// signal ends the wait with no events.
    pub(crate) fn wait(
        &self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<bool> {
        match self {
            Self::Native(selector) => selector.wait(events, timeout),
            Self::Portable(selector) => selector.wait(events, timeout),
            Self::Manual(selector) => Ok(selector.wait(timeout)),
        }
    }

    /// What the last wait would have taken and did not.
    pub(crate) fn skipped(&self) -> Option<Duration> {
        match self {
            Self::Native(_) | Self::Portable(_) => Some(Duration::ZERO),
            Self::Manual(selector) => selector.skipped(),
        }
    }
}

/// Ends a wait from any thread.
#[derive(Debug)]
pub(crate) enum Waker {
    Native(native::Waker),
    Portable(portable::Waker),
    Manual(manual::Waker),
}

impl Waker {
    pub(crate) fn wake(&self) -> io::Result<()> {
        match self {
            Self::Native(waker) => waker.wake(),
            Self::Portable(waker) => waker.wake(),
            Self::Manual(waker) => {
                waker.wake();
                Ok(())
            }
        }
    }
}
