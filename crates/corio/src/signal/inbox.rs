//! What a signal handler leaves for a loop.
//!
//! Atomics and a bell, for a handler may do no more: it must not allocate, lock or wait.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use corio_reactor::Notifier;

use super::registry::LAST;

/// A loop's inbox for signals.
pub(super) struct Inbox {
    /// Something has arrived since this was last taken down.
    news: AtomicBool,
    arrived: AtomicU64,
    /// The loop's main task is to be cancelled.
    interrupted: AtomicBool,
    notifier: Notifier,
}

/// A set of signals.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SignalSet(u64);

impl Inbox {
    pub(super) fn new(notifier: Notifier) -> Self {
        Self {
            news: AtomicBool::new(false),
            arrived: AtomicU64::new(0),
            interrupted: AtomicBool::new(false),
            notifier,
        }
    }

    /// Puts a signal in. May be called by a signal handler.
    pub(super) fn put(&self, signal: i32) {
        self.arrived.fetch_or(SignalSet::of(signal).0, Ordering::Release);
        self.ring();
    }

    /// Asks for the cancellation of the main task. May be called by a signal handler.
    pub(super) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Release);
        self.ring();
    }

    fn ring(&self) {
        self.news.store(true, Ordering::Release);
        self.notifier.notify();
    }

    /// Whether it is worth looking inside.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.news.load(Ordering::Relaxed)
    }

    /// Takes the flag down. What is put in from now on is news again.
    pub(super) fn take_news(&self) -> bool {
        self.news.swap(false, Ordering::AcqRel)
    }

    /// Takes out the signals that have arrived.
    pub(super) fn take(&self) -> SignalSet {
        SignalSet(self.arrived.swap(0, Ordering::Acquire))
    }

    pub(super) fn take_interrupt(&self) -> bool {
        self.interrupted.swap(false, Ordering::Acquire)
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("news", &self.news).finish_non_exhaustive()
    }
}

impl SignalSet {
    /// The set of one signal, which is no greater than [`LAST`].
    pub(super) fn of(signal: i32) -> Self {
        debug_assert!((1..=LAST).contains(&signal));
        Self(1 << (signal - 1))
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn contains(self, signal: i32) -> bool {
        self.0 & Self::of(signal).0 != 0
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Takes out the lowest.
    pub(super) fn pop(&mut self) -> Option<i32> {
        let lowest = self.iter().next()?;
        self.0 &= self.0 - 1;
        Some(lowest)
    }

    /// The signals in the set, the lowest first.
    pub(super) fn iter(self) -> impl Iterator<Item = i32> {
        (1..=LAST).filter(move |signal| self.contains(*signal))
    }
}

impl fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
