//! asyncio's `as_completed`.

use std::fmt;
use std::time::Duration;

use corio_futures::completion::Waitable;
use corio_futures::contract::Wait;
use corio_futures::{Result, TimedOut};

use super::tally::Watch;

/// An iterator over tasks or futures in the order in which they end. asyncio's `as_completed`.
///
/// Takes handles, or references to handles, and gives each back when it is done. Those that are
/// done already come first, in the order in which they were given. With a `limit`, those that
/// have not ended by then come as [`TimedOut`]; nothing is cancelled.
///
/// # Errors
///
/// [`NoRunningLoop`](corio_futures::NoRunningLoop) off the loop.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio::{as_completed, create_task, sleep};
///
/// corio::run(|| {
///     let tasks = [3, 1, 2].map(|ms| {
///         create_task(move || {
///             sleep(Duration::from_millis(4 * ms))?;
///             Ok(ms)
///         })
///     });
///     let mut order = Vec::new();
///     for task in as_completed(tasks, None)? {
///         order.push(task?.wait()?);
///     }
///     assert_eq!(order, [1, 2, 3]);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub fn as_completed<H: Waitable>(
    handles: impl IntoIterator<Item = H>,
    limit: Option<Duration>,
) -> Result<AsCompleted<H>> {
    let watch = Watch::new(handles, limit, "the next task to end")?;
    let left = watch.handles.len();
    Ok(AsCompleted { watch, left })
}

/// Handles in the order of their completion. Made by [`as_completed`].
pub struct AsCompleted<H: Waitable> {
    watch: Watch<H>,
    left: usize,
}

impl<H: Waitable> Iterator for AsCompleted<H> {
    type Item = Result<H>;

    /// Waits for the next to end.
    ///
    /// A cancellation is an item, and ends nothing: the iterator may be used on.
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        let wait = Wait::new("the next task to end");
        while self.left > 0 {
            if let Some(index) = self.watch.next_completed() {
                self.left -= 1;
                return self.watch.handles[index].take().map(Ok);
            }
            if self.watch.timed_out() {
                self.left -= 1;
                return Some(Err(TimedOut.into()));
            }
            if let Err(error) = self.watch.park(&wait) {
                return Some(Err(error));
            }
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // Cancellations come on top.
        (self.left, None)
    }
}

impl<H: Waitable> fmt::Debug for AsCompleted<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.left).finish_non_exhaustive()
    }
}
