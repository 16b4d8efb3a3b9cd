//! A limit on how long a piece of code may take, whatever it does.

use std::time::Duration;

use corio_futures::{Result, TimedOut};

use crate::event_loop::{Alarm, EventLoop};
use crate::sleep::Unset;

/// Runs `body` in the current task, and cancels it when it takes longer than `delay`. asyncio's
/// `timeout`.
///
/// When time is up the task is cancelled where it waits; the cancellation becomes [`TimedOut`]
/// when it leaves `body`. Timeouts nest: the one that ran out converts, the others pass it on.
/// A body that never waits is never interrupted.
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
    let event_loop = EventLoop::current("a timeout")?;
    let task = event_loop.current_task("a timeout")?;
    let cancelling = task.header().cancelling();
    let alarm = Alarm::Expire(task.clone());
    let key = match event_loop.now().checked_add(delay) {
        _ if delay.is_zero() => event_loop.set_alarm_now(alarm),
        Some(deadline) => event_loop.set_alarm(deadline, alarm),
        // A time that never comes.
        None => return body(),
    };
    let timer = Unset { event_loop: &event_loop, key };
    let result = body();
    let expired = !timer.is_set();
    drop(timer);
    if expired {
        let left = task.header().uncancel();
        if left <= cancelling && result.as_ref().is_err_and(|error| error.is_cancelled()) {
            return Err(TimedOut.into());
        }
    }
    result
}
