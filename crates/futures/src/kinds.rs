//! The errors that have a type of their own, for those who match on them.

use std::fmt;
use std::sync::Arc;

/// The task was asked to stop, at the point where it waited.
///
/// asyncio's `CancelledError`. It is an ordinary `Err`: `?` carries it out of the task, `Drop`
/// runs on the way and may itself wait. A task that has a reason to go on may swallow it.
///
/// # Examples
///
/// ```
/// use corio_futures::Cancelled;
///
/// assert_eq!(Cancelled::new().to_string(), "cancelled");
/// assert_eq!(Cancelled::with_message("shutting down").to_string(), "cancelled: shutting down");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cancelled {
    // A thin pointer: the result of a wait stays two words.
    message: Option<Arc<String>>,
}

impl Cancelled {
    /// A cancellation without a message.
    pub const fn new() -> Self {
        Self { message: None }
    }

    /// A cancellation that says why.
    pub fn with_message(message: impl Into<String>) -> Self {
        Self { message: Some(Arc::new(message.into())) }
    }

    /// What the one who cancelled had to say.
    pub fn message(&self) -> Option<&str> {
        self.message.as_ref().map(|message| message.as_str())
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Some(message) => write!(f, "cancelled: {message}"),
            None => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for Cancelled {}

/// Time ran out. asyncio's `TimeoutError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timed out")]
pub struct TimedOut;

/// The operation is not allowed in the state that the future is in.
///
/// asyncio's `InvalidStateError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidState {
    /// The result was asked for before there was one.
    #[error("the result is not there yet: wait for it, or ask `done()` first")]
    Pending,
    /// A result was given to a future that has one, or was cancelled.
    #[error("the future is done already: its result was set before, or it was cancelled")]
    Done,
    /// A result was asked for that its only handle has given away before.
    #[error("the result was taken already, by whoever awaited this handle")]
    Taken,
}

/// The [`Promise`](crate::Promise) of a future was dropped without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the promise was dropped: nobody is left who could complete this future")]
pub struct BrokenPromise;

/// There is no item in the queue. asyncio's `QueueEmpty`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is empty")]
pub struct QueueEmpty;

/// The queue has no room for another item. asyncio's `QueueFull`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is full")]
pub struct QueueFull;

/// The queue takes no items any more, and has none left to give. asyncio's `QueueShutDown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is shut down")]
pub struct QueueShutDown;

/// `task_done` was called more often than items were put. A `ValueError` in asyncio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`task_done` was called more often than items were put into the queue")]
pub struct TooManyTasksDone;

/// A [`BoundedSemaphore`](crate::BoundedSemaphore) would have more permits than it was made with.
/// A `ValueError` in asyncio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the semaphore was given more permits than were taken from it for good")]
pub struct TooManyPermits;

/// A [`Barrier`](crate::Barrier) was to be made for nobody. A `ValueError` in asyncio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a barrier needs at least one party")]
pub struct NoParties;

/// The barrier was aborted, or was reset while the task waited at it.
///
/// asyncio's `BrokenBarrierError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the barrier is broken: it was aborted, or reset while tasks waited at it")]
pub struct BrokenBarrier;

/// Something that must wait was called where nothing can: no loop runs on this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no running event loop: waiting for {what} needs one on this thread, so call it from inside `run`"
)]
pub struct NoRunningLoop {
    /// What was to be waited for.
    pub(crate) what: &'static str,
}

impl NoRunningLoop {
    /// The error of waiting for `what`, such as `"a lock"`, with no loop.
    pub const fn new(what: &'static str) -> Self {
        Self { what }
    }
}

/// Something that must wait was called where no task can be suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotWait {
    /// In a callback of the loop, which every task would have to wait for.
    #[error("cannot wait for {0} in a callback of the event loop: create a task there instead")]
    InCallback(&'static str),
    /// In a `Drop` that runs because of a panic: the panic count belongs to the thread, and other
    /// tasks would see it.
    #[error("cannot wait for {0} while a panic unwinds this task")]
    Unwinding(&'static str),
    /// On behalf of a task that has ended, as in a destructor of its result, or does not run.
    #[error("cannot wait for {0} on behalf of a task that has ended, or does not run")]
    NotCurrent(&'static str),
    /// On a stack that the task does not run on: in a coroutine of another crate, or outside of one
    /// that was left in the middle of a loop.
    #[error("cannot wait for {0} here: this is not the stack of the task that runs")]
    Elsewhere(&'static str),
}
