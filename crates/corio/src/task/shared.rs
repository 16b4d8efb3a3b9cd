//! A task that several others wait for.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use corio_futures::completion::{AnyCompletion, Waitable};
use corio_futures::{Cancelled, Error, Result};

use super::Task;

/// A [`Task`] that any number of tasks may wait for, each of which gets a clone of the result.
///
/// Made by [`Task::shared`]. The task is detached when the last handle is dropped.
///
/// # Examples
///
/// ```
/// corio::run(|| {
///     let config = corio::create_task(|| Ok(String::from("verbose"))).shared();
///     let reader = config.clone();
///     let length = corio::create_task(move || Ok(reader.wait()?.len()));
///     assert_eq!((config.wait()?.as_str(), length.wait()?), ("verbose", 7));
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct SharedTask<'scope, T> {
    task: Rc<Task<'scope, T>>,
}

impl<'scope, T> SharedTask<'scope, T> {
    pub(super) fn new(task: Task<'scope, T>) -> Self {
        Self { task: Rc::new(task) }
    }

    pub(crate) fn task(&self) -> &Task<'scope, T> {
        &self.task
    }

    /// Waits until the task has ended, for a clone of its result. asyncio's `await task`.
    ///
    /// Returns at once, without yielding, if it has ended.
    ///
    /// # Cancellation
    ///
    /// Cancels the task, for everybody who waits for it, and goes on waiting until it has ended.
    ///
    /// # Errors
    ///
    /// As [`Task::wait`].
    ///
    /// # Panics
    ///
    /// If the task did: the first who asks gets the panic, the others an error that tells of it.
    #[track_caller]
    pub fn wait(&self) -> Result<T>
    where
        T: Clone,
    {
        self.task.wait_by_ref(true)
    }

    /// Waits as [`wait`](Self::wait) does, but a cancellation of this task leaves the other alone.
    /// asyncio's `await shield(task)`.
    ///
    /// # Cancellation
    ///
    /// Ends the wait. The task runs on.
    ///
    /// # Errors
    ///
    /// As [`Task::wait`].
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_shielded(&self) -> Result<T>
    where
        T: Clone,
    {
        self.task.wait_by_ref(false)
    }

    /// Asks the task to stop. See [`Task::cancel`].
    pub fn cancel(&self) -> bool {
        self.task.cancel()
    }

    /// As [`cancel`](Self::cancel), with a reason for the task to read.
    pub fn cancel_with(&self, cancelled: Cancelled) -> bool {
        self.task.cancel_with(cancelled)
    }

    /// Whether the task has ended.
    pub fn done(&self) -> bool {
        self.task.done()
    }

    /// Whether the task has ended by cancellation.
    pub fn cancelled(&self) -> bool {
        self.task.cancelled()
    }

    /// The task's value, by reference.
    ///
    /// # Errors
    ///
    /// As [`Task::result`].
    pub fn result(&self) -> Result<&T> {
        self.task.result()
    }

    /// The error that the task ended with, if it did.
    ///
    /// # Errors
    ///
    /// As [`Task::exception`].
    pub fn exception(&self) -> Result<Option<&Error>> {
        self.task.exception()
    }

    /// The task's name.
    pub fn name(&self) -> String {
        self.task.name()
    }
}

impl<T> Clone for SharedTask<'_, T> {
    fn clone(&self) -> Self {
        Self { task: Rc::clone(&self.task) }
    }
}

/// The task, to the async world: `(&shared).await` in an `async` block.
impl<T: Clone> Future for &SharedTask<'_, T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        match self.task.poll_done(context) {
            Poll::Ready(Ok(())) => Poll::Ready(self.task.outcome_by_ref()),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> Waitable for SharedTask<'_, T> {
    fn completion(&self) -> &dyn AnyCompletion {
        self.task.any_completion()
    }
}

impl<T> fmt::Debug for SharedTask<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.task, f)
    }
}
