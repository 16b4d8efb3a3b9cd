//! A limit on the wait for each item.

use std::fmt;
use std::time::Duration;

use corio_futures::Result;

use super::Background;
use crate::timeout::timeout;

/// Items, and an error whenever one is late. Made by [`timeout`](super::IteratorExt::timeout).
#[must_use = "iterators are lazy: nothing is loaded before the first `next`"]
pub struct ItemTimeout<'scope, T> {
    items: Background<'scope, T>,
    limit: Duration,
}

impl<'scope, T> ItemTimeout<'scope, T> {
    pub(super) fn new(items: Background<'scope, T>, limit: Duration) -> Self {
        Self { items, limit }
    }
}

impl<T> Iterator for ItemTimeout<'_, T> {
    type Item = Result<T>;

    /// Waits for the next item, but no longer than the limit.
    ///
    /// A [`TimedOut`](corio_futures::TimedOut) ends nothing: the item comes when it is asked for
    /// again.
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        // Without a timer, if there is nothing to wait for.
        self.items
            .next_ready()
            .or_else(|| timeout(self.limit, || self.items.next().transpose()).transpose())
    }
}

impl<T> fmt::Debug for ItemTimeout<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemTimeout")
            .field("items", &self.items)
            .field("limit", &self.limit)
            .finish()
    }
}
