//! Signals, one after the other.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use corio_futures::contract::Wait;
use corio_futures::{Error, Result, WaitList};

use super::inbox::SignalSet;
use super::registry::Listening;
use crate::event_loop::EventLoop;

/// The signals that arrive, to be waited for: an iterator without end.
///
/// From [`new`](Self::new) until it is dropped, the signals do nothing but appear here (and
/// wherever else they are listened to); what arrives between two waits is kept. Those that have
/// arrived together come by number, and several of one kind are one.
///
/// # Examples
///
/// ```
/// use corio::signal::{self, SIGTERM, SIGUSR1, Signals};
///
/// corio::run(|| {
///     let signals = Signals::new([SIGTERM, SIGUSR1])?;
///     signal::raise(SIGTERM)?;
///     assert_eq!(signals.wait()?, SIGTERM);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct Signals {
    arrivals: Rc<Arrivals>,
    event_loop: Rc<EventLoop>,
    _listening: Vec<Listening>,
}

/// What has arrived and was not waited for yet.
#[derive(Default)]
pub(super) struct Arrivals {
    wanted: SignalSet,
    arrived: Cell<SignalSet>,
    waiters: WaitList,
}

impl Arrivals {
    pub(super) fn add(&self, signals: SignalSet) {
        self.arrived.set(self.arrived.get().or(signals.and(self.wanted)));
        self.wake_next();
    }

    /// Wakes whoever has waited longest, if there is something for it.
    fn wake_next(&self) {
        if !self.arrived.get().is_empty() {
            self.waiters.notify_one();
        }
    }

    fn pop(&self) -> Option<i32> {
        let mut arrived = self.arrived.get();
        let signal = arrived.pop();
        self.arrived.set(arrived);
        signal
    }
}

impl Signals {
    /// Listens to `signals` from now on.
    ///
    /// # Errors
    ///
    /// [`BadSignal`](super::BadSignal) if there is no such signal, or it cannot be handled;
    /// [`NoRunningLoop`](crate::NoRunningLoop) off the loop.
    pub fn new(signals: impl IntoIterator<Item = i32>) -> Result<Self> {
        let event_loop = EventLoop::current("a signal")?;
        let inbox = event_loop.signals().inbox(&event_loop);
        let mut wanted = SignalSet::default();
        let mut listening = Vec::new();
        for signal in signals {
            listening.push(Listening::begin(signal, inbox)?);
            wanted = wanted.or(SignalSet::of(signal));
        }
        let arrivals = Rc::new(Arrivals { wanted, ..Arrivals::default() });
        event_loop.signals().add_stream(&arrivals);
        Ok(Self { arrivals, event_loop, _listening: listening })
    }

    /// Waits for the next signal. If several tasks wait, it goes to the one that has waited longest.
    ///
    /// # Cancellation
    ///
    /// Ends the wait; no signal is lost.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled); an error on another loop than the one it was made on.
    #[track_caller]
    pub fn wait(&self) -> Result<i32> {
        const WHAT: &str = "a signal";
        let wait = Wait::new(WHAT).which(self);
        loop {
            if let Some(signal) = self.arrivals.pop() {
                self.arrivals.wake_next();
                return Ok(signal);
            }
            let event_loop = EventLoop::current(WHAT)?;
            if !Rc::ptr_eq(&event_loop, &self.event_loop) {
                return Err(OtherLoop.into());
            }
            event_loop.while_waiting_for_io(|| self.arrivals.waiters.wait(&wait)).map_err(
                |interrupted| {
                    if interrupted.notified {
                        self.arrivals.wake_next();
                    }
                    interrupted.error
                },
            )?;
        }
    }
}

impl Iterator for Signals {
    type Item = Result<i32, Error>;

    /// Waits for the next signal; never the last one.
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.wait())
    }
}

impl Iterator for &Signals {
    type Item = Result<i32, Error>;

    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.wait())
    }
}

/// The names of the signals.
impl fmt::Display for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, signal) in self.arrivals.wanted.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            match super::name(signal) {
                Some(name) => write!(f, "{separator}{name}")?,
                None => write!(f, "{separator}{signal}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signals {self}")
    }
}

/// Signals were waited for on another loop than the one that listens to them.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("these signals belong to another event loop: listen on the loop that waits for them")]
struct OtherLoop;
