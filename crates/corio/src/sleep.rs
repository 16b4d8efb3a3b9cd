//! Letting time pass, and letting others run.

use std::time::Duration;

use corio_futures::Result;
use corio_futures::contract::Wait;

use crate::event_loop::{Alarm, EventLoop, current_header};

/// Suspends the current task for `delay`, never less. asyncio's `sleep`.
///
/// `Duration::ZERO` lets every other task that is ready run once, and is the way to do so.
///
/// # Cancellation
///
/// Ends the sleep.
///
/// # Errors
///
/// [`Cancelled`](corio_futures::Cancelled); [`NoRunningLoop`](corio_futures::NoRunningLoop) off
/// the loop.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// corio::run(|| {
///     corio::sleep(Duration::from_millis(2))?;
///     corio::sleep(Duration::ZERO)?; // others may run
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
// Yielding is inlined down to the switch. The processor predicts where a `ret` goes from the
// `call`s that it saw, and after a switch those were another task's: each frame between a task's
// own code and the switch costs two mispredictions a yield (measured: 30 ns instead of 8).
#[inline(always)]
#[track_caller]
pub fn sleep(delay: Duration) -> Result<()> {
    if delay.is_zero()
        && let Some(task) = current_header()
    {
        return task.yield_now();
    }
    sleep_for(delay)
}

// Apart, so that yielding has a small frame.
#[inline(never)]
#[track_caller]
fn sleep_for(delay: Duration) -> Result<()> {
    let event_loop = EventLoop::current("time to pass")?;
    let task = event_loop.current_task("time to pass")?;
    // A delay past the end of the clock's range is a sleep that only a cancellation ends.
    let deadline = event_loop.now().checked_add(delay);
    let alarm = deadline.map(|deadline| {
        let key = event_loop.set_alarm(deadline, Alarm::Wake(task.clone()));
        Unset { event_loop: &event_loop, key }
    });
    let wait = Wait::new("time to pass");
    while alarm.as_ref().is_none_or(Unset::is_set) {
        task.header().park(&wait)?;
    }
    Ok(())
}

/// Unsets a timer when the wait for it ends, however it does.
pub(crate) struct Unset<'a> {
    pub(crate) event_loop: &'a EventLoop,
    pub(crate) key: corio_reactor::TimerKey,
}

impl Unset<'_> {
    pub(crate) fn is_set(&self) -> bool {
        self.event_loop.is_set(self.key)
    }
}

impl Drop for Unset<'_> {
    fn drop(&mut self) {
        self.event_loop.unset_alarm(self.key);
    }
}
