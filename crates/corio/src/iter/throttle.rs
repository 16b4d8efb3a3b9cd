//! Items no faster than that.

use std::fmt;
use std::time::{Duration, Instant};

use corio_futures::Result;

use crate::event_loop::EventLoop;
use crate::sleep::sleep;

/// The items of a source, some time apart. Made by [`throttle`](super::IteratorExt::throttle).
#[must_use = "iterators are lazy: nothing happens before the first `next`"]
pub struct Throttle<I: Iterator> {
    source: I,
    period: Duration,
    /// An item that has come too early.
    held: Option<I::Item>,
    /// When the last was given out.
    last: Option<Instant>,
}

impl<I: Iterator> Throttle<I> {
    pub(super) fn new(source: I, period: Duration) -> Self {
        Self { source, period, held: None, last: None }
    }

    /// Waits until an item may be given out; says when that is.
    #[track_caller]
    fn wait(&self) -> Result<Instant> {
        let event_loop = EventLoop::current("time to pass")?;
        if let Some(last) = self.last {
            let passed = event_loop.now().saturating_duration_since(last);
            if passed < self.period {
                sleep(self.period - passed)?;
            }
        }
        Ok(event_loop.now())
    }
}

impl<I: Iterator> Iterator for Throttle<I> {
    type Item = Result<I::Item>;

    /// Waits for the next item, and until its time has come.
    ///
    /// # Cancellation
    ///
    /// Is an item, and ends nothing: an item that has come too early is the next.
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        if self.held.is_none() {
            self.held = Some(self.source.next()?);
        }
        match self.wait() {
            Ok(now) => {
                self.last = Some(now);
                self.held.take().map(Ok)
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl<I: Iterator> fmt::Debug for Throttle<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("period", &self.period).finish_non_exhaustive()
    }
}
