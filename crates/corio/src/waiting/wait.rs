//! asyncio's `wait`.

use std::mem;
use std::time::Duration;

use corio_futures::Result;
use corio_futures::completion::Waitable;
use corio_futures::contract::Wait;

use super::tally::Watch;

/// When [`wait`] returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "asyncio has three conditions")]
pub enum ReturnWhen {
    /// When all have ended.
    #[default]
    AllCompleted,
    /// When one has ended, however it did.
    FirstCompleted,
    /// When one has failed, or all have ended. A cancellation is no failure.
    FirstException,
}

/// Waits for several tasks or futures and tells the done from the pending. asyncio's `wait`.
///
/// Takes handles, or references to handles, and gives them back in two groups, each in the order in
/// which they were given: those that are done when it returns, and the others. It cancels nothing
/// and fails for no member's failure; with a `limit`, it returns when that has passed.
///
/// # Cancellation
///
/// Ends the wait; the members are not cancelled. Handles that were passed by value are dropped.
///
/// # Errors
///
/// [`NothingToWaitFor`] if there are no members; [`Cancelled`](corio_futures::Cancelled).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio::{ReturnWhen, create_task, sleep, wait};
///
/// corio::run(|| {
///     let after = |ms| create_task(move || sleep(Duration::from_millis(ms)));
///     let tasks = [after(1), after(60_000)];
///     let (done, pending) = wait(&tasks, ReturnWhen::FirstCompleted, None)?;
///     assert_eq!((done.len(), pending.len()), (1, 1));
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn wait<H: Waitable>(
    handles: impl IntoIterator<Item = H>,
    until: ReturnWhen,
    limit: Option<Duration>,
) -> Result<(Vec<H>, Vec<H>)> {
    let what = "several tasks";
    let wait = Wait::new(what);
    let mut watch = Watch::new(handles, limit, what)?;
    let mut left = watch.handles.len();
    if left == 0 {
        return Err(NothingToWaitFor.into());
    }
    'waiting: loop {
        while let Some(index) = watch.next_completed() {
            left -= 1;
            let failed = || {
                let handle = watch.handles[index].as_ref();
                let error = handle.and_then(|handle| handle.completion().failure());
                error.is_some_and(|error| !error.is_cancelled())
            };
            let enough = match until {
                ReturnWhen::AllCompleted => false,
                ReturnWhen::FirstCompleted => true,
                ReturnWhen::FirstException => failed(),
            };
            if enough || left == 0 {
                break 'waiting;
            }
        }
        if watch.timed_out() {
            break;
        }
        watch.park(&wait)?;
    }
    let handles = mem::take(&mut watch.handles).into_iter().flatten();
    Ok(handles.partition(|handle| handle.completion().is_done()))
}

/// [`wait`] was called with no members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is nothing to wait for: `wait` needs at least one task or future")]
pub struct NothingToWaitFor;
