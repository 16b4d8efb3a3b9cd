//! Ticks.

use std::time::{Duration, Instant};

use corio_futures::{Result, contract};

use crate::event_loop::EventLoop;
use crate::sleep::sleep;

/// A tick now, and another after each `period`.
///
/// The ticks are those of a clock: they do not shift by what is done in between. What becomes of
/// those that were missed is said by [`missed`](Interval::missed). Each item is the time at which
/// the tick was due. It never ends.
///
/// A period of zero has others run between two ticks, as [`sleep`] does.
///
/// # Cancellation
///
/// Is an item, and ends nothing: the tick comes when it is asked for again.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio::{iter::interval, sleep};
///
/// # let mut runner = corio::Runner::with_virtual_clock()?;
/// # runner.run(|| {
/// let event_loop = corio::get_running_loop()?;
/// let began = event_loop.time();
/// for tick in interval(Duration::from_secs(10)).take(3) {
///     tick?;
///     sleep(Duration::from_secs(4))?; // the next tick is not put off by this
/// }
/// assert_eq!(event_loop.time() - began, Duration::from_secs(24));
/// # Ok(())
/// # })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub const fn interval(period: Duration) -> Interval {
    Interval { period, next: Next::Now, missed: MissedTicks::Burst }
}

/// As [`interval`](interval()), with the first tick at `start`, by the loop's clock.
pub const fn interval_at(start: Instant, period: Duration) -> Interval {
    Interval { period, next: Next::At(start), missed: MissedTicks::Burst }
}

/// The ticks of a clock. Made by [`interval`](interval()).
#[derive(Clone, Debug)]
#[must_use = "iterators are lazy: the first tick is when it is asked for"]
pub struct Interval {
    period: Duration,
    next: Next,
    missed: MissedTicks,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Now,
    At(Instant),
    /// Past the end of the clock's range.
    Never,
}

/// What an [`Interval`] does when it is asked for a tick after the time of the one that follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "what is late can be caught up on, put off, or left out"
)]
pub enum MissedTicks {
    /// Catches up: the missed ticks come at once, one after another. None is lost.
    #[default]
    Burst,
    /// Puts the following ticks off: each is a period after the one before was given out.
    Delay,
    /// Leaves the missed ticks out: the next is the next that is still to come.
    Skip,
}

impl Interval {
    /// What becomes of missed ticks; [`Burst`](MissedTicks::Burst) if nothing is said.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use corio::iter::{MissedTicks, interval};
    ///
    /// fn seconds_of_ticks(missed: MissedTicks) -> corio::Result<Vec<u64>> {
    ///     let event_loop = corio::get_running_loop()?;
    ///     let began = event_loop.time();
    ///     let mut ticks = interval(Duration::from_secs(10)).missed(missed);
    ///     ticks.next();
    ///     corio::sleep(Duration::from_secs(25))?; // too long
    ///     ticks
    ///         .take(4)
    ///         .map(|tick| tick.map(|_| (event_loop.time() - began).as_secs()))
    ///         .collect()
    /// }
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// assert_eq!(seconds_of_ticks(MissedTicks::Burst)?, [25, 25, 30, 40]);
    /// assert_eq!(seconds_of_ticks(MissedTicks::Delay)?, [25, 35, 45, 55]);
    /// assert_eq!(seconds_of_ticks(MissedTicks::Skip)?, [25, 30, 40, 50]);
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub const fn missed(mut self, missed: MissedTicks) -> Self {
        self.missed = missed;
        self
    }

    /// The time between two ticks.
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// The tick after one that was due at `due` and is given out `now`.
    fn after(&self, due: Instant, now: Instant) -> Next {
        let next = match self.missed {
            MissedTicks::Burst => due.checked_add(self.period),
            MissedTicks::Delay => now.checked_add(self.period),
            MissedTicks::Skip => {
                let late = remainder(now.saturating_duration_since(due), self.period);
                now.checked_add(self.period - late)
            }
        };
        next.map_or(Next::Never, Next::At)
    }

    /// Waits until the tick is due; says when that was, and what time it is.
    #[track_caller]
    fn wait(&self) -> Result<(Instant, Instant)> {
        let event_loop = EventLoop::current("the next tick")?;
        let now = event_loop.now();
        let due = match self.next {
            Next::Now => now,
            Next::At(due) => due,
            Next::Never => {
                sleep(Duration::MAX)?;
                now
            }
        };
        if due > now {
            sleep(due - now)?;
        } else if self.period.is_zero() {
            sleep(Duration::ZERO)?;
        } else {
            contract::charge()?;
        }
        Ok((due, event_loop.now()))
    }
}

impl Iterator for Interval {
    type Item = Result<Instant>;

    /// Waits for the next tick.
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        let tick = self.wait().map(|(due, now)| {
            self.next = self.after(due, now);
            due
        });
        Some(tick)
    }
}

/// What is left of `time` when as many `period`s as possible are taken from it.
fn remainder(time: Duration, period: Duration) -> Duration {
    match time.as_nanos().checked_rem(period.as_nanos()) {
        Some(left) => Duration::from_nanos_u128(left),
        None => Duration::ZERO,
    }
}
