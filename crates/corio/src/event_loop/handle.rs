//! The loop, as users hold it.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::time::{Duration, Instant};

use corio_futures::{NoRunningLoop, Result};
use corio_reactor::TimerKey;

use super::debug::note_place;
use super::{Alarm, EventLoop};
use crate::context::Inherited;
use crate::report::Report;

/// The loop that runs on this thread. asyncio's `get_running_loop`.
///
/// # Errors
///
/// [`NoRunningLoop`] if there is none.
pub fn get_running_loop() -> Result<EventLoopHandle, NoRunningLoop> {
    Ok(EventLoopHandle { event_loop: EventLoop::current("the running loop")? })
}

/// An event loop: its clock, its callbacks, its reports.
///
/// Given by [`get_running_loop`].
#[derive(Clone)]
pub struct EventLoopHandle {
    pub(crate) event_loop: Rc<EventLoop>,
}

impl EventLoopHandle {
    /// The time by the loop's clock, which may be a virtual one. asyncio's `loop.time()`.
    pub fn time(&self) -> Instant {
        self.event_loop.now()
    }

    /// Calls `callback` in a later step, after everything that is ready now. asyncio's
    /// `loop.call_soon`.
    ///
    /// A callback runs on the loop's own stack, in a copy of the context that is current now. It
    /// cannot wait; it may create a task that can. If it panics, that is reported and the loop goes
    /// on.
    ///
    /// The callback may be taken back by the handle, and is not if the handle is dropped.
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + 'static) -> CallHandle {
        let (call, take_back) = self.prepare(callback, Location::caller());
        self.event_loop.call_soon(call);
        CallHandle { take_back, timer: None }
    }

    /// A call of `callback` in the context that is current now, and what takes it back.
    fn prepare(
        &self,
        callback: impl FnOnce() + 'static,
        asked_for: &'static Location<'static>,
    ) -> (Box<dyn FnOnce()>, TakeBack) {
        let place = self.event_loop.place(asked_for);
        let context = Inherited::here();
        let callback = Rc::new(Cell::new(Some(callback)));
        let taken_back = Rc::downgrade(&callback);
        let call = move || {
            if let Some(callback) = callback.take() {
                note_place(place);
                context.enter();
                callback();
            }
        };
        let take_back = move || taken_back.upgrade().is_some_and(|call| call.take().is_some());
        (Box::new(call), Rc::new(take_back))
    }

    /// Calls `callback` after `delay`. asyncio's `loop.call_later`.
    ///
    /// As [`call_soon`](Self::call_soon) otherwise. A delay past the end of the clock's range is
    /// one that never ends.
    #[track_caller]
    pub fn call_later(&self, delay: Duration, callback: impl FnOnce() + 'static) -> CallHandle {
        match self.time().checked_add(delay) {
            Some(when) => self.call_at(when, callback),
            None => CallHandle { take_back: Rc::new(|| false), timer: None },
        }
    }

    /// Calls `callback` at `when`, by the loop's clock. asyncio's `loop.call_at`.
    ///
    /// As [`call_soon`](Self::call_soon) otherwise. Callbacks for the same time are called in the
    /// order in which they were asked for.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// corio::run(|| {
    ///     let event_loop = corio::get_running_loop()?;
    ///     let never = event_loop.call_later(Duration::from_millis(2), || unreachable!());
    ///     event_loop.call_later(Duration::from_millis(1), move || assert!(never.cancel()));
    ///     corio::sleep(Duration::from_millis(3))
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn call_at(&self, when: Instant, callback: impl FnOnce() + 'static) -> CallHandle {
        let (call, take_back) = self.prepare(callback, Location::caller());
        let key = self.event_loop.set_limit(when, Alarm::Call(call));
        let timer = Timer { event_loop: Rc::clone(&self.event_loop), key, when };
        CallHandle { take_back, timer: Some(timer) }
    }

    /// Has `handler` told of failures that nobody waits for, instead of the standard error
    /// stream. asyncio's `loop.set_exception_handler`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::RefCell, rc::Rc, time::Duration};
    ///
    /// corio::run(|| {
    ///     let seen = Rc::new(RefCell::new(Vec::new()));
    ///     let reports = Rc::clone(&seen);
    ///     corio::get_running_loop()?
    ///         .set_exception_handler(move |report| reports.borrow_mut().push(report.to_string()));
    ///
    ///     drop(corio::create_task(|| Err::<(), _>(corio::Error::msg("no such page"))));
    ///     corio::sleep(Duration::ZERO)?;
    ///     assert_eq!(*seen.borrow(), ["task 'Task-2' failed and nobody waits for it: no such page"]);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn set_exception_handler(&self, handler: impl Fn(&Report) + 'static) {
        let previous = self.event_loop.exception_handler.replace(Some(Rc::new(handler)));
        drop(previous);
    }

    /// Counts since the loop began.
    pub fn statistics(&self) -> Statistics {
        let event_loop = &*self.event_loop;
        Statistics {
            tasks: event_loop.tasks.borrow().len(),
            tasks_peak: event_loop.tasks_peak.get(),
            tasks_made: event_loop.tasks_made.get(),
            steps: event_loop.steps.get(),
            polls: event_loop.reactor.statistics().waits,
            sources: event_loop.reactor.sources(),
        }
    }
}

impl fmt::Debug for EventLoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventLoopHandle").field(&self.statistics()).finish()
    }
}

/// A call that was asked for, to take it back. asyncio's `Handle` and `TimerHandle`.
///
/// Dropping it changes nothing.
#[derive(Clone)]
pub struct CallHandle {
    take_back: TakeBack,
    timer: Option<Timer>,
}

/// Takes a callback back; says whether it was there to be taken.
type TakeBack = Rc<dyn Fn() -> bool>;

#[derive(Clone)]
struct Timer {
    event_loop: Rc<EventLoop>,
    key: TimerKey,
    when: Instant,
}

impl CallHandle {
    /// Takes the call back. Says whether it had neither begun nor been taken back.
    pub fn cancel(&self) -> bool {
        let unset = |timer: &Timer| timer.event_loop.unset_alarm(timer.key);
        self.timer.as_ref().is_some_and(unset) || (self.take_back)()
    }

    /// When the call is due, if it was asked for by time.
    pub fn when(&self) -> Option<Instant> {
        self.timer.as_ref().map(|timer| timer.when)
    }
}

impl fmt::Debug for CallHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallHandle").field("when", &self.when()).finish_non_exhaustive()
    }
}

/// What a loop has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Tasks that have not ended.
    pub tasks: usize,
    /// The most that there were at once.
    pub tasks_peak: usize,
    /// Tasks made since the loop began.
    pub tasks_made: u64,
    /// Times that the loop resumed a task. Eager first steps are their creators', and not counted.
    pub steps: u64,
    /// Times that the operating system was asked what is ready.
    pub polls: u64,
    /// File descriptors that are registered with the loop now: its sockets, pipes and the like.
    pub sources: usize,
}
