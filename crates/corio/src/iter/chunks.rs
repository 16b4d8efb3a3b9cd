//! Items by the dozen, or what has come by then.

use std::fmt;
use std::mem;
use std::time::{Duration, Instant};

use corio_futures::{Error, Result};

use super::Background;
use crate::event_loop::EventLoop;
use crate::timeout::timeout_at;

/// The items of a source, several at a time. Made by
/// [`chunks_timeout`](super::IteratorExt::chunks_timeout).
///
/// `S` is what the source has, `T` what the chunks are of: in the `try_` form the value in `S`.
#[must_use = "iterators are lazy: nothing is loaded before the first `next`"]
pub struct ChunksTimeout<'scope, S, T = S> {
    /// `None` after an error of the source.
    items: Option<Background<'scope, S>>,
    open: fn(S) -> Result<T>,
    max: usize,
    limit: Duration,
    chunk: Vec<T>,
    /// When the chunk is given out, full or not; `None` if there is none, or never.
    deadline: Option<Instant>,
    /// What comes after the chunk.
    error: Option<Error>,
}

impl<'scope, S, T> ChunksTimeout<'scope, S, T> {
    /// `open` makes the items of the chunks; the first that it fails for is the last.
    pub(super) fn new(
        items: Background<'scope, S>,
        max: usize,
        limit: Duration,
        open: fn(S) -> Result<T>,
    ) -> Self {
        Self {
            items: Some(items),
            open,
            max,
            limit,
            chunk: Vec::new(),
            deadline: None,
            error: None,
        }
    }

    #[track_caller]
    fn next_item(&mut self) -> Result<Option<S>> {
        let Some(items) = &mut self.items else { return Ok(None) };
        // Without a timer, if there is nothing to wait for.
        if let Some(item) = items.next_ready() {
            return item.map(Some);
        }
        match self.deadline {
            Some(deadline) => timeout_at(deadline, || items.next().transpose()),
            None => items.next().transpose(),
        }
    }

    fn push(&mut self, item: T) {
        if self.chunk.is_empty() {
            let now = EventLoop::current("").ok().map(|event_loop| event_loop.now());
            self.deadline = now.and_then(|now| now.checked_add(self.limit));
        }
        self.chunk.push(item);
    }

    fn take_chunk(&mut self) -> Option<Result<Vec<T>>> {
        self.deadline = None;
        let chunk = mem::take(&mut self.chunk);
        (!chunk.is_empty()).then_some(Ok(chunk))
    }
}

impl<S, T> Iterator for ChunksTimeout<'_, S, T> {
    type Item = Result<Vec<T>>;

    /// Waits for the next chunk.
    ///
    /// # Cancellation
    ///
    /// Is an item, and ends nothing: what was collected is in the next chunk.
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        while self.chunk.len() < self.max.max(1) {
            match self.next_item() {
                Ok(Some(item)) => match (self.open)(item) {
                    Ok(item) => self.push(item),
                    Err(error) => {
                        self.items = None;
                        self.error = Some(error);
                    }
                },
                Ok(None) => break,
                Err(error) if error.is_timeout() => break,
                Err(error) => return Some(Err(error)),
            }
        }
        self.take_chunk().or_else(|| self.error.take().map(Err))
    }
}

impl<S, T> fmt::Debug for ChunksTimeout<'_, S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunksTimeout")
            .field("items", &self.items)
            .field("collected", &self.chunk.len())
            .finish_non_exhaustive()
    }
}
