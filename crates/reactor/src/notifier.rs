//! Wake-ups from other threads.
//!
//! The protocol is that of a doorbell: put the message where the reactor's thread will look (a
//! queue of your choosing), then ring. A bell that has rung and was not yet answered need not ring
//! again, so a burst of messages costs one system call. What makes this sound is that both sides
//! *exchange* the flag: whoever finds it already set is ordered before the reactor's thread taking
//! it down, so the message is seen by the look that follows.
//!
//! Deliberately absent: the queue. It belongs to whoever knows what is in it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_utils::CachePadded;

use crate::sys::Waker;

/// Wakes a [`Reactor`](crate::Reactor) from any thread.
///
/// Clones wake the same reactor. A notifier may outlive its reactor and then does nothing.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use std::thread;
///
/// use corio_reactor::Reactor;
///
/// let reactor: Reactor = Reactor::new()?;
/// let notifier = reactor.notifier();
/// let (sender, receiver) = mpsc::channel();
/// let worker = thread::spawn(move || {
///     sender.send(6 * 7).unwrap();
///     notifier.notify(); // after sending, so that the look below finds it
/// });
///
/// let answer = loop {
///     if let Ok(answer) = receiver.try_recv() {
///         break answer;
///     }
///     reactor.wait(None, |(), _| {})?;
/// };
/// assert_eq!(answer, 42);
/// # worker.join().unwrap();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Notifier {
    bell: Arc<Bell>,
}

struct Bell {
    /// Set from the first `notify` until the reactor's thread answers. On a cache line of its own:
    /// threads that clone or drop notifiers write to the counts beside it.
    rung: CachePadded<AtomicBool>,
    waker: Waker,
}

impl Notifier {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { bell: Arc::new(Bell { rung: CachePadded::default(), waker }) }
    }

    /// Ends the reactor's current wait, or else the next one as soon as it begins.
    ///
    /// Everything that this thread did before is visible to the reactor's thread when that wait
    /// returns. Calls made before the reactor answers are one: only the first makes a system call.
    ///
    /// It neither blocks nor fails. A signal handler may call it, on Unix: it is an atomic exchange
    /// and at most one `write` or `send`, and leaves `errno` as it was unless that fails.
    pub fn notify(&self) {
        if !self.bell.rung.swap(true, Ordering::AcqRel) {
            // The one way to fail is a full counter, after 2⁶⁴ wake-ups.
            let _ = self.bell.waker.wake();
        }
    }

    /// Takes the flag down after a wait that the bell may have ended. Returns whether it was up.
    pub(crate) fn answer(&self) -> bool {
        self.bell.rung.swap(false, Ordering::AcqRel)
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("rung", &*self.bell.rung).finish_non_exhaustive()
    }
}
