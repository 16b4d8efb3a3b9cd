//! The loop, as users hold it.

use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use corio_futures::{NoRunningLoop, Result};

use super::EventLoop;
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
    event_loop: Rc<EventLoop>,
}

impl EventLoopHandle {
    /// The time by the loop's clock, which may be a virtual one. asyncio's `loop.time()`.
    pub fn time(&self) -> Instant {
        self.event_loop.now()
    }

    /// Calls `callback` in a later step, after everything that is ready now. asyncio's
    /// `loop.call_soon`.
    ///
    /// A callback runs on the loop's own stack and cannot wait; it may create a task that can. If
    /// it panics, that is reported and the loop goes on.
    pub fn call_soon(&self, callback: impl FnOnce() + 'static) {
        self.event_loop.call_soon(Box::new(callback));
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
        }
    }
}

impl fmt::Debug for EventLoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventLoopHandle").field(&self.statistics()).finish()
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
    /// Times that a task was resumed.
    pub steps: u64,
    /// Times that the operating system was asked what is ready.
    pub polls: u64,
}
