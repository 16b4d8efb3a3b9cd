//! A queue as an iterator that waits.

use super::{BaseQueue, Storage};
use crate::Result;

/// The items of a queue, as they come, until it is shut down. Made by [`BaseQueue::iter`].
#[must_use = "an iterator gets nothing unless somebody asks it to"]
pub struct Iter<'a, S> {
    queue: &'a BaseQueue<S>,
}

impl<'a, S> Iter<'a, S> {
    pub(super) fn new(queue: &'a BaseQueue<S>) -> Self {
        Self { queue }
    }
}

impl<S: Storage> Iterator for Iter<'_, S> {
    type Item = Result<S::Item>;

    /// As [`BaseQueue::get`]; `None` when the queue is shut down and empty.
    ///
    /// An error is no end: who swallows it may go on.
    #[inline(always)]
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        self.queue.next_item().transpose()
    }
}

impl<S> Clone for Iter<'_, S> {
    fn clone(&self) -> Self {
        Self { queue: self.queue }
    }
}

impl<S: Storage> std::fmt::Debug for Iter<'_, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Iter").field("queue", self.queue).finish()
    }
}

impl<'a, S: Storage> IntoIterator for &'a BaseQueue<S> {
    type Item = Result<S::Item>;
    type IntoIter = Iter<'a, S>;

    fn into_iter(self) -> Iter<'a, S> {
        self.iter()
    }
}
