//! Letting time pass, and letting others run.

use std::time::{Duration, Instant};

use corio_futures::Result;
use corio_futures::contract::Wait;
use corio_reactor::TimerKey;

use crate::event_loop::{Alarm, CurrentTask, current_header};

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
    let wait = Wait::new("time to pass");
    let task = CurrentTask::find(wait.what())?;
    // A delay past the end of the clock's range is a sleep that only a cancellation ends.
    let deadline = task.event_loop.now().checked_add(delay);
    let alarm = deadline.map(|deadline| WakeUp::at(deadline, task));
    while alarm.as_ref().is_none_or(WakeUp::is_ahead) {
        task.park(&wait)?;
    }
    Ok(())
}

/// A timer that wakes the current task, set as long as this lives and the time has not come.
///
/// To be kept in the frame that waits, as the task has one at a time, and says itself whether it
/// has fired: the table of timers is not looked at again.
pub(crate) struct WakeUp {
    task: CurrentTask,
    key: TimerKey,
}

impl WakeUp {
    pub(crate) fn at(deadline: Instant, task: CurrentTask) -> Self {
        let key = task.event_loop.set_alarm(deadline, Alarm::Wake(task));
        debug_assert!(!task.alarm_set.get(), "a task waits in one place");
        task.alarm_set.set(true);
        Self { task, key }
    }

    fn is_ahead(&self) -> bool {
        self.task.alarm_set.get()
    }
}

impl Drop for WakeUp {
    fn drop(&mut self) {
        if self.task.alarm_set.replace(false) {
            self.task.event_loop.unset_alarm(self.key);
        }
    }
}
