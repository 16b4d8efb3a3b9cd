//! Items that could not be put, or got, and why.
//!
//! Like [`Error`] they do not implement `std::error::Error`, so that `?` can turn them into one
//! whatever the item is: it may be an `Rc`, or borrow. The item is dropped then, and what remains
//! is why: a [`Cancelled`](crate::Cancelled), a [`QueueFull`] and so on.

use std::fmt;

use crate::{Error, QueueEmpty, QueueFull, QueueShutDown};

/// An item that [`put`](super::BaseQueue::put) could not put, and why.
///
/// # Examples
///
/// ```
/// use corio_futures::{PutError, Queue, QueueShutDown, Result};
///
/// let queue = Queue::unbounded();
/// queue.shutdown();
/// let PutError { item, error } = queue.put("a letter").unwrap_err();
/// assert_eq!(item, "a letter");
/// assert!(error.downcast_ref::<QueueShutDown>().is_some());
///
/// fn send(queue: &Queue<std::rc::Rc<str>>) -> Result<()> {
///     Ok(queue.put("a letter".into())?) // whoever does not want it back
/// }
/// ```
pub struct PutError<T> {
    /// What was to be put.
    pub item: T,
    /// Why it was not: the task was cancelled, or the queue is
    /// [shut down](crate::QueueShutDown).
    pub error: Error,
}

impl<T> From<PutError<T>> for Error {
    fn from(put_error: PutError<T>) -> Self {
        put_error.error
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PutError").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

/// An item that [`put_nowait`](super::BaseQueue::put_nowait) could not put, and why.
///
/// Becomes [`QueueFull`] or [`QueueShutDown`] if `?` turns it into an [`Error`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PutNowaitError<T> {
    /// There is no room for it now.
    Full(T),
    /// The queue takes no items any more.
    ShutDown(T),
}

impl<T> PutNowaitError<T> {
    /// What was to be put.
    pub fn into_item(self) -> T {
        match self {
            Self::Full(item) | Self::ShutDown(item) => item,
        }
    }
}

impl<T> From<PutNowaitError<T>> for Error {
    fn from(error: PutNowaitError<T>) -> Self {
        match error {
            PutNowaitError::Full(_) => QueueFull.into(),
            PutNowaitError::ShutDown(_) => QueueShutDown.into(),
        }
    }
}

impl<T> fmt::Debug for PutNowaitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::ShutDown(_) => "ShutDown(..)",
        })
    }
}

impl<T> fmt::Display for PutNowaitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => QueueFull.fmt(f),
            Self::ShutDown(_) => QueueShutDown.fmt(f),
        }
    }
}

/// Why [`get_nowait`](super::BaseQueue::get_nowait) has nothing to give.
///
/// Becomes [`QueueEmpty`] or [`QueueShutDown`] if `?` turns it into an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetNowaitError {
    /// There is nothing in the queue now.
    Empty,
    /// There is nothing in the queue, and never will be.
    ShutDown,
}

impl From<GetNowaitError> for Error {
    fn from(error: GetNowaitError) -> Self {
        match error {
            GetNowaitError::Empty => QueueEmpty.into(),
            GetNowaitError::ShutDown => QueueShutDown.into(),
        }
    }
}

impl fmt::Display for GetNowaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => QueueEmpty.fmt(f),
            Self::ShutDown => QueueShutDown.fmt(f),
        }
    }
}
