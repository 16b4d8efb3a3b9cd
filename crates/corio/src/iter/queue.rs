//! A queue's items, owned.

use std::fmt;
use std::ops::Deref;

use corio_futures::Result;
use corio_futures::queue::{BaseQueue, Storage};

/// The items of a queue, as they come, until it is shut down.
///
/// What `for item in &queue` gives, with the queue's handle inside: give it an `Rc` of the queue,
/// and it owns all it needs to be loaded in the background.
///
/// # Examples
///
/// ```
/// use std::{rc::Rc, time::Duration};
/// use corio::{Queue, iter::{IteratorExt, from_queue}};
///
/// # let mut runner = corio::Runner::with_virtual_clock()?;
/// # runner.run(|| {
/// let orders = Rc::new(Queue::bounded(10));
/// for order in ["tea", "milk", "sugar"] {
///     orders.put(order)?;
/// }
/// orders.shutdown();
///
/// let by_the_pair = from_queue(orders).try_chunks_timeout(2, Duration::from_secs(1));
/// assert_eq!(by_the_pair.collect::<corio::Result<Vec<_>>>()?, [vec!["tea", "milk"], vec!["sugar"]]);
/// # Ok(())
/// # })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub fn from_queue<Q, S>(queue: Q) -> FromQueue<Q>
where
    Q: Deref<Target = BaseQueue<S>>,
    S: Storage,
{
    FromQueue { queue }
}

/// The items of a queue. Made by [`from_queue`].
#[derive(Clone)]
#[must_use = "an iterator gets nothing unless somebody asks it to"]
pub struct FromQueue<Q> {
    queue: Q,
}

impl<Q, S> Iterator for FromQueue<Q>
where
    Q: Deref<Target = BaseQueue<S>>,
    S: Storage,
{
    type Item = Result<S::Item>;

    /// As [`BaseQueue::get`]; `None` when the queue is shut down and empty.
    ///
    /// An error is no end: who swallows it may go on.
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        self.queue.iter().next()
    }
}

impl<Q: fmt::Debug> fmt::Debug for FromQueue<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromQueue").field(&self.queue).finish()
    }
}
