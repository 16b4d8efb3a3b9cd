//! A limit on how long a piece of code may take, whatever it does.
//!
//! When time is up the current task is cancelled where it waits, and the timeout turns that
//! cancellation into [`TimedOut`] as it leaves the body. It counts: only if nobody else has asked
//! for a cancellation is it the timeout's to convert. So timeouts nest, and a cancellation from
//! outside stays one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use corio_futures::{Result, TimedOut};
use corio_reactor::TimerKey;

use crate::event_loop::{Alarm, EventLoop};
use crate::task::Runnable;

/// Runs `body` in the current task, and cancels it when it takes longer than `delay`. asyncio's
/// `timeout`.
///
/// The cancellation becomes [`TimedOut`] when it leaves `body`. Timeouts nest: the one that ran
/// out converts, the others pass it on. A body that never waits is never interrupted.
///
/// A [`generator`](crate::generator()) cannot yield out of the body: the timeout would go on, and
/// cancel the task while that does something else. A [`contextmanager`](crate::contextmanager) can.
///
/// # Cancellation
///
/// Reaches `body` and stays a cancellation, also if time runs out as well.
///
/// # Errors
///
/// What `body` returns; [`TimedOut`] if that is a cancellation which this timeout caused.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// corio::run(|| {
///     let slow = || corio::sleep(Duration::from_secs(60));
///     let error = corio::timeout(Duration::from_millis(1), slow).unwrap_err();
///     assert!(error.is_timeout());
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub fn timeout<T>(delay: Duration, body: impl FnOnce() -> Result<T>) -> Result<T> {
    Timeout::after(delay).run(body)
}

/// As [`timeout`], with a point in time for a limit. asyncio's `timeout_at`.
///
/// # Errors
///
/// As [`timeout`].
pub fn timeout_at<T>(when: Instant, body: impl FnOnce() -> Result<T>) -> Result<T> {
    Timeout::at(when).run(body)
}

/// A timeout that can be looked at and moved. asyncio's `Timeout`.
///
/// # Examples
///
/// A limit that is put off as long as there is progress:
///
/// ```
/// use std::time::Duration;
///
/// let mut runner = corio::Runner::with_virtual_clock()?;
/// runner.run(|| {
///     let limit = Duration::from_secs(2);
///     let timeout = corio::Timeout::after(limit);
///     timeout.run(|| {
///         for _ in 0..10 {
///             corio::sleep(Duration::from_secs(1))?;
///             timeout.reschedule(Some(corio::get_running_loop()?.time() + limit))?;
///         }
///         Ok(())
///     })?;
///     assert!(!timeout.expired());
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a timeout does nothing until a body is run under it"]
pub struct Timeout {
    limit: Cell<Limit>,
    state: Cell<State>,
    active: RefCell<Option<Active>>,
}

#[derive(Clone, Copy, Debug)]
enum Limit {
    Never,
    After(Duration),
    At(Instant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Created,
    Running,
    Expired,
    Finished,
}

/// What a running timeout holds.
struct Active {
    event_loop: Rc<EventLoop>,
    task: Rc<dyn Runnable>,
    timer: Option<TimerKey>,
}

impl std::fmt::Debug for Active {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Active").field("timer", &self.timer).finish_non_exhaustive()
    }
}

impl Timeout {
    /// A timeout that ends `delay` after its body begins.
    pub const fn after(delay: Duration) -> Self {
        Self::new(Limit::After(delay))
    }

    /// A timeout that ends at `when`, by the loop's clock.
    pub const fn at(when: Instant) -> Self {
        Self::new(Limit::At(when))
    }

    /// A timeout without a limit, until [`reschedule`](Self::reschedule) gives it one.
    pub const fn never() -> Self {
        Self::new(Limit::Never)
    }

    const fn new(limit: Limit) -> Self {
        Self {
            limit: Cell::new(limit),
            state: Cell::new(State::Created),
            active: RefCell::new(None),
        }
    }

    /// Runs `body` in the current task under this timeout. To be called once.
    ///
    /// # Cancellation
    ///
    /// As [`timeout`].
    ///
    /// # Errors
    ///
    /// As [`timeout`]; [`TimeoutMisused::Entered`] the second time.
    pub fn run<T>(&self, body: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.state.get() != State::Created {
            return Err(TimeoutMisused::Entered.into());
        }
        let event_loop = EventLoop::current("a timeout")?;
        let task = event_loop.current_task("a timeout")?;
        let cancelling = task.header().cancelling();
        self.state.set(State::Running);
        if let Limit::After(delay) = self.limit.get() {
            // A limit past the end of the clock's range never comes.
            let when = event_loop.now().checked_add(delay);
            self.limit.set(when.map_or(Limit::Never, Limit::At));
        }
        let active = Active { event_loop, task: Rc::clone(&task), timer: None };
        self.active.replace(Some(active));
        self.arm();
        task.header().enter_scope();
        let finish = Finish { timeout: self, task: &*task };
        let result = body();
        drop(finish);
        let ours = self.expired() && task.header().cancelling() <= cancelling;
        match result {
            Err(error) if ours && error.is_cancelled() => Err(TimedOut.into()),
            result => result,
        }
    }

    /// When time is up: `None` if never, or if the timeout counts from a beginning that it has not
    /// had yet.
    pub fn when(&self) -> Option<Instant> {
        match self.limit.get() {
            Limit::At(when) => Some(when),
            Limit::Never | Limit::After(_) => None,
        }
    }

    /// Moves the limit, or takes it away. A limit in the past is up at once.
    ///
    /// # Errors
    ///
    /// [`TimeoutMisused`] unless the body is running and its time is not up.
    pub fn reschedule(&self, when: Option<Instant>) -> Result<(), TimeoutMisused> {
        self.look_at_the_timer();
        match self.state.get() {
            State::Running => {}
            State::Created => return Err(TimeoutMisused::NotEntered),
            State::Expired => return Err(TimeoutMisused::Expired),
            State::Finished => return Err(TimeoutMisused::Finished),
        }
        self.disarm();
        self.limit.set(when.map_or(Limit::Never, Limit::At));
        self.arm();
        Ok(())
    }

    /// Whether time was up before the body ended.
    pub fn expired(&self) -> bool {
        self.look_at_the_timer();
        self.state.get() == State::Expired
    }

    fn arm(&self) {
        if let (Limit::At(when), Some(active)) = (self.limit.get(), &mut *self.active.borrow_mut())
        {
            let alarm = Alarm::Expire(Rc::clone(&active.task));
            active.timer = Some(active.event_loop.set_limit(when, alarm));
        }
    }

    fn disarm(&self) {
        if let Some(active) = &mut *self.active.borrow_mut()
            && let Some(timer) = active.timer.take()
        {
            active.event_loop.unset_alarm(timer);
        }
    }

    /// The timer tells nobody that it has fired but the task, whom it cancels.
    fn look_at_the_timer(&self) {
        if let Some(Active { event_loop, timer: Some(timer), .. }) = &*self.active.borrow()
            && !event_loop.is_set(*timer)
        {
            self.state.set(State::Expired);
        }
    }
}

/// Ends a timeout when its body has ended, however it did, and undoes what it did to the task.
struct Finish<'a> {
    timeout: &'a Timeout,
    task: &'a dyn Runnable,
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        if self.timeout.expired() {
            self.task.header().uncancel();
        } else {
            self.timeout.state.set(State::Finished);
        }
        self.timeout.disarm();
        self.timeout.active.replace(None);
        self.task.header().leave_scope();
    }
}

/// A [`Timeout`] was used in a state that does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeoutMisused {
    /// It has run a body already.
    #[error("this timeout has been used: make a new one for each body")]
    Entered,
    /// It has run none yet.
    #[error("this timeout is not running: it can be moved while its body runs")]
    NotEntered,
    /// Its time is up.
    #[error("the time of this timeout is up: it can no longer be moved")]
    Expired,
    /// Its body has ended.
    #[error("the body of this timeout has ended: it can no longer be moved")]
    Finished,
}
