//! One selector with several insides.
//!
//! An enum rather than a trait object or a type parameter: users choose at run time, the branch is
//! predicted, and `Reactor` keeps one parameter.

use std::io;
use std::time::Duration;

use super::{Handle, native, portable};
use crate::Readiness;

/// How a [`Reactor`](crate::Reactor) talks to the operating system.
///
/// All backends behave the same; they differ in speed and in which systems have them.
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
}

impl Selector {
    pub(crate) fn new(backend: Backend) -> io::Result<Self> {
        Ok(match backend {
            Backend::Native => Self::Native(native::Selector::new()?),
            Backend::Portable => Self::Portable(portable::Selector::new()?),
            Backend::Oneshot => Self::Portable(portable::Selector::oneshot()?),
        })
    }

    /// What wakes a wait from another thread.
    pub(crate) fn waker(&self) -> Waker {
        match self {
            Self::Native(selector) => Waker::Native(selector.waker()),
            Self::Portable(selector) => Waker::Portable(selector.waker()),
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
        }
    }

    /// Stops watching a source.
    pub(crate) fn delete(&self, handle: Handle) -> io::Result<()> {
        match self {
            Self::Native(selector) => selector.delete(handle),
            Self::Portable(selector) => selector.delete(handle),
        }
    }

    /// Says what is now known of a source, for backends that must be told what to watch for.
    pub(crate) fn update(&self, handle: Handle, key: usize, known: Readiness) -> io::Result<()> {
        match self {
            Self::Native(selector) => selector.update(handle, key, known),
            Self::Portable(selector) => selector.update(handle, key, known),
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
        }
    }
}

/// Ends a wait from any thread.
#[derive(Debug)]
pub(crate) enum Waker {
    Native(native::Waker),
    Portable(portable::Waker),
}

impl Waker {
    pub(crate) fn wake(&self) -> io::Result<()> {
        match self {
            Self::Native(waker) => waker.wake(),
            Self::Portable(waker) => waker.wake(),
        }
    }
}
