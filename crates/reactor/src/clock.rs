//! The time, real or made up.
//!
//! Both are `std::time::Instant`s, so code that computes deadlines does not know which it has. A
//! virtual clock stands still until it is moved; an owner that moves it to the next deadline
//! whenever nothing else is left to do runs a program of hours in no time, with the same order of
//! events each run.
//!
//! Deliberately absent: sleeping. Time passes in [`Reactor::wait`](crate::Reactor::wait).

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Says what time it is: the system's, or a virtual one that is moved by hand.
///
/// Clones of a virtual clock are the same clock.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use corio_reactor::Clock;
///
/// let clock = Clock::manual();
/// let start = clock.now();
/// clock.advance_to(start + Duration::from_secs(3600));
/// assert_eq!(clock.now() - start, Duration::from_secs(3600));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// The time of a virtual clock.
    virtual_now: Option<Rc<Cell<Instant>>>,
}

impl Clock {
    /// The system's monotonic clock.
    #[must_use]
    pub fn system() -> Self {
        Self { virtual_now: None }
    }

    /// A virtual clock. It shows the time at which it was made until
    /// [`advance_to`](Self::advance_to) moves it.
    #[must_use]
    pub fn manual() -> Self {
        Self { virtual_now: Some(Rc::new(Cell::new(Instant::now()))) }
    }

    /// The time by this clock. It never runs backwards.
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.virtual_now {
            None => Instant::now(),
            Some(now) => now.get(),
        }
    }

    /// Whether this is a virtual clock.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.virtual_now.is_some()
    }

    /// Moves a virtual clock forward. A time that has passed leaves it where it is.
    ///
    /// # Panics
    ///
    /// If this is the system's clock.
    #[track_caller]
    pub fn advance_to(&self, time: Instant) {
        let Some(now) = &self.virtual_now else {
            panic!(
                "only a virtual clock can be moved, and this is the system's; make one by `Clock::manual()`"
            );
        };
        now.set(now.get().max(time));
    }

    /// Moves a virtual clock forward by a span of time.
    ///
    /// # Panics
    ///
    /// If this is the system's clock, or if `span` leads beyond what an [`Instant`] can express.
    #[track_caller]
    pub fn advance(&self, span: Duration) {
        self.advance_to(self.now() + span);
    }
}
