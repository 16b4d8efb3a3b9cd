//! Making tasks, and the right to what they come to.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::rc::Rc;
use std::task::{Context, Poll};

use corio_futures::completion::{AnyCompletion, Completion, Waitable};
use corio_futures::contract::{Wait, charge};
use corio_futures::{
    CallbackKey, Cancelled, CannotWait, Error, InvalidState, NoRunningLoop, Result,
};

use super::cell::{Outcome, Panicked, Runnable, spawn_unchecked};
use super::{Awaited, Header, SharedTask, TaskHandle, TaskOptions};
use crate::event_loop::{CurrentTask, EventLoop, current_header};
use crate::report;

/// Makes a task that runs `body` beside its creator. asyncio's `create_task`.
///
/// The body begins at the loop's next opportunity, not inside this call unless it is
/// [eager](TaskOptions::eager). Dropping the handle
/// detaches the task: it goes on, and its failure is reported when it ends. For tasks that borrow
/// from their creator, see [`task_group`](crate::task_group).
///
/// With no running loop, and so no one to run it, the task is born failed: its body is dropped
/// and waiting for it says why.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// corio::run(|| {
///     let task = corio::create_task(|| {
///         corio::sleep(Duration::from_millis(1))?;
///         Ok(42)
///     });
///     assert_eq!(task.wait()?, 42);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[must_use = "dropping a task detaches it: it runs on, and a failure is only reported"]
#[track_caller]
pub fn create_task<T, F>(body: F) -> Task<'static, T>
where
    T: 'static,
    F: FnOnce() -> Result<T> + 'static,
{
    create_task_with(TaskOptions::new(), body)
}

/// As [`create_task`], with a name or other [options](TaskOptions).
#[must_use = "dropping a task detaches it: it runs on, and a failure is only reported"]
#[track_caller]
pub fn create_task_with<T, F>(options: TaskOptions, body: F) -> Task<'static, T>
where
    T: 'static,
    F: FnOnce() -> Result<T> + 'static,
{
    let event_loop = match current_header() {
        Some(task) => Rc::clone(&task.event_loop),
        None => match EventLoop::current("a new task") {
            Ok(event_loop) => event_loop,
            Err(error) => return Task::refused(error.into()),
        },
    };
    if event_loop.is_closed() {
        return Task::refused(LoopClosed.into());
    }
    // SAFETY: `'static` does not end.
    Task::new(unsafe { spawn_unchecked(event_loop, options, None, |_| {}, body) })
}

/// A task that runs beside its creator, and the right to its outcome. asyncio's `Task`.
///
/// Made by [`create_task`] and by [`TaskGroup::create_task`](crate::TaskGroup::create_task);
/// `'scope` is how long the task may run at most.
pub struct Task<'scope, T> {
    inner: Inner<'scope, T>,
}

enum Inner<'scope, T> {
    Spawned(Rc<dyn Outcome<T> + 'scope>),
    /// There was no loop to run it, or a group that no longer takes any.
    Refused(Box<Completion<T>>),
    /// `wait` has the outcome; nothing is left to see to.
    Taken,
}

impl<T> Inner<'_, T> {
    /// Takes the outcome, which is there unless it was taken before.
    #[inline]
    fn take(&mut self) -> Result<T> {
        let outcome = match self {
            // SAFETY: references to the outcome come from the handle, which is exclusively ours
            // and lends none now, from callbacks, during which nothing can be taken, and from the
            // loop and watchers, which keep none.
            Self::Spawned(cell) => unsafe { cell.completion().take() },
            // SAFETY: as above.
            Self::Refused(completion) => unsafe { completion.take() },
            Self::Taken => None,
        };
        let outcome = outcome.unwrap_or_else(|| Err(InvalidState::Taken.into()));
        if let Err(error) = &outcome {
            Panicked::resurface(error);
        }
        outcome
    }
}

impl<'scope, T> Task<'scope, T> {
    pub(crate) fn new(cell: Rc<dyn Outcome<T> + 'scope>) -> Self {
        Self { inner: Inner::Spawned(cell) }
    }

    /// A task that was over before it began.
    pub(crate) fn refused(error: Error) -> Self {
        let completion = Completion::new();
        let completed = completion.complete(Err(error));
        debug_assert!(completed.is_ok(), "it was new");
        Self { inner: Inner::Refused(Box::new(completion)) }
    }

    /// Waits until the task has ended, and takes its result. asyncio's `await task`.
    ///
    /// Returns at once, without yielding, if it has ended.
    ///
    /// # Cancellation
    ///
    /// Cancels the task and goes on waiting until it has ended, as in asyncio. If the task
    /// swallows the cancellation and returns a value, that value is returned.
    ///
    /// # Errors
    ///
    /// What the task returned; [`Cancelled`] if it was cancelled; [`CannotAwait`] if it is the
    /// current task itself, or belongs to another loop.
    ///
    /// # Panics
    ///
    /// If the task did, with its payload.
    #[track_caller]
    pub fn wait(self) -> Result<T> {
        if let Inner::Spawned(cell) = &self.inner {
            let completion = cell.completion();
            if !completion.can_be_taken() {
                let header = cell.header();
                let current = CannotAwait::check(header)?;
                let quoted = QuotedName(header);
                let wait = Wait::new("task").which(&quoted);
                header.join(current, &wait, || completion.can_be_taken())?;
            }
        }
        self.take()
    }

    /// Waits as [`wait`](Self::wait) does, but a cancellation of this task leaves the other alone.
    /// asyncio's `await shield(task)`.
    ///
    /// # Cancellation
    ///
    /// Ends the wait and detaches the task, which runs on; if it fails then, that is reported.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_shielded(self) -> Result<T> {
        self.wait_until_done(false)?;
        self.take()
    }

    /// A handle for any number of tasks, each of which gets a clone of the result.
    pub fn shared(self) -> SharedTask<'scope, T> {
        SharedTask::new(self)
    }

    /// Waits for a clone of the result.
    #[track_caller]
    pub(super) fn wait_by_ref(&self, cancels: bool) -> Result<T>
    where
        T: Clone,
    {
        if self.done() {
            charge()?;
        }
        self.wait_until_done(cancels)?;
        self.outcome_by_ref()
    }

    /// A clone of the outcome, which is there.
    pub(crate) fn outcome_by_ref(&self) -> Result<T>
    where
        T: Clone,
    {
        if let Some(error) = self.any_completion().failure() {
            Panicked::resurface(error);
        }
        self.result().cloned()
    }

    /// Waits until the outcome can be taken. A cancellation is passed on if `cancels` is set.
    #[track_caller]
    fn wait_until_done(&self, cancels: bool) -> Result<()> {
        let Inner::Spawned(cell) = &self.inner else { return Ok(()) };
        if cell.completion().can_be_taken() {
            return Ok(());
        }
        let header = cell.header();
        let current = CannotAwait::check(header)?;
        let quoted = QuotedName(header);
        let wait = Wait::new("task").which(&quoted);
        if cancels {
            let awaited = Awaited::Task(header);
            current.while_awaiting(&awaited, || cell.completion().wait(&wait))
        } else {
            cell.completion().wait(&wait)?;
            // asyncio's shield is a future of its own, and completes a step after the task.
            current.yield_now()
        }
    }

    /// Whether the outcome can be taken; if not, has the waker woken when it can.
    pub(super) fn poll_done(&self, context: &Context<'_>) -> Poll<Result<()>> {
        let Inner::Spawned(cell) = &self.inner else { return Poll::Ready(Ok(())) };
        let header = cell.header();
        if cell.completion().can_be_taken() {
            Poll::Ready(Ok(()))
        } else if current_header().is_some_and(|current| ptr::eq(&*current, header)) {
            Poll::Ready(Err(CannotAwait::Itself(header.name().to_string()).into()))
        } else {
            cell.completion().wake_when_done(context.waker());
            Poll::Pending
        }
    }

    /// Takes the outcome, which is there.
    fn take(mut self) -> Result<T> {
        mem::replace(&mut self.inner, Inner::Taken).take()
    }

    /// Asks the task to stop: it gets [`Cancelled`] where it waits, or waits next. asyncio's
    /// `Task.cancel`.
    ///
    /// Says whether the task was still there to be asked. It ends when its body returns, which it
    /// may put off, or refuse to do. One that has not begun never does.
    pub fn cancel(&self) -> bool {
        self.cancel_with(Cancelled::new())
    }

    /// As [`cancel`](Self::cancel), with a reason for the task to read.
    pub fn cancel_with(&self, cancelled: Cancelled) -> bool {
        let asked = self.header().is_some_and(|header| header.cancel(&cancelled));
        if !asked {
            // As in asyncio: whoever cancels it does not want to hear of its failure.
            self.completion().mark_retrieved();
        }
        asked
    }

    /// Whether the task has ended.
    pub fn done(&self) -> bool {
        self.completion().is_done()
    }

    /// Whether the task has ended by cancellation.
    pub fn cancelled(&self) -> bool {
        self.completion().is_cancelled()
    }

    /// The task's value, by reference.
    ///
    /// # Errors
    ///
    /// [`InvalidState::Pending`] while it runs; the error that it
    /// ended with.
    pub fn result(&self) -> Result<&T> {
        self.completion().result()
    }

    /// The error that the task ended with, if it did.
    ///
    /// # Errors
    ///
    /// [`InvalidState::Pending`] while it runs; [`Cancelled`] if it
    /// was cancelled.
    pub fn exception(&self) -> Result<Option<&Error>> {
        self.completion().exception()
    }

    /// The task's name.
    pub fn name(&self) -> String {
        self.header().map_or_else(|| "(never made)".to_owned(), |header| header.name().to_string())
    }

    /// The task without its type, while it has not ended.
    pub(crate) fn handle(&self) -> Option<TaskHandle> {
        self.running().map(TaskHandle::new)
    }

    /// The task as the loop knows it, while it has not ended.
    pub(crate) fn running(&self) -> Option<Rc<dyn Runnable>> {
        let header = self.header().filter(|header| !header.is_done())?;
        Some(header.event_loop.task(header.key))
    }

    fn header(&self) -> Option<&Header> {
        match &self.inner {
            Inner::Spawned(cell) => Some(cell.header()),
            Inner::Refused(_) | Inner::Taken => None,
        }
    }

    pub(super) fn any_completion(&self) -> &dyn AnyCompletion {
        self.completion()
    }

    fn completion(&self) -> &Completion<T> {
        match &self.inner {
            Inner::Spawned(cell) => cell.completion(),
            Inner::Refused(completion) => completion,
            Inner::Taken => unreachable!("`wait` has consumed the handle"),
        }
    }
}

impl<T: 'static> Task<'static, T> {
    /// Has the loop call `callback` with the outcome when the task has ended: in a later step,
    /// never inline, in the order of adding.
    ///
    /// # Errors
    ///
    /// [`NoRunningLoop`] if there is no loop to call it.
    pub fn add_done_callback(
        &self,
        callback: impl FnOnce(Result<&T, &Error>) + 'static,
    ) -> Result<CallbackKey, NoRunningLoop> {
        let Inner::Spawned(cell) = &self.inner else {
            return Err(NoRunningLoop::new("a done-callback"));
        };
        cell.completion().add_callback(|| {
            let ending = Ending(Rc::clone(cell));
            Box::new(move || {
                if let Some(outcome) = ending.0.completion().peek() {
                    ending.0.mark_retrieved();
                    callback(outcome.as_ref());
                }
            })
        })
    }

    /// Takes a done-callback back. Says whether it had not been handed to the loop yet.
    pub fn remove_done_callback(&self, key: CallbackKey) -> bool {
        self.completion().remove_callback(key)
    }
}

/// A task's name, looked up only if somebody wants to read it.
struct QuotedName<'a>(&'a Header);

impl fmt::Display for QuotedName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.name())
    }
}

/// Tells the completion that a callback has ended, however it did.
struct Ending<T>(Rc<dyn Outcome<T>>);

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        self.0.completion().callback_ended();
        self.0.header().wake_joiner();
    }
}

impl<T> Drop for Task<'_, T> {
    fn drop(&mut self) {
        match &self.inner {
            Inner::Spawned(cell) if cell.header().is_done() => cell.discard(),
            Inner::Spawned(cell) => cell.header().detached.set(true),
            Inner::Refused(completion) => {
                if let Some(error) = completion.unretrieved() {
                    report::print("a task was created and never run", error);
                }
            }
            Inner::Taken => {}
        }
    }
}

/// The task, to the async world: `task.await` in an `async` block. Dropping it detaches the task,
/// so a cancelled block leaves it running.
///
/// The outcome is given away once. A task that polls itself gets an error.
impl<T> Future for Task<'_, T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let task = self.get_mut();
        match task.poll_done(context) {
            Poll::Ready(Ok(())) => Poll::Ready(task.inner.take()),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> Waitable for Task<'_, T> {
    fn completion(&self) -> &dyn AnyCompletion {
        self.any_completion()
    }
}

impl<T> fmt::Debug for Task<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task '{}' ({:?})", self.name(), self.completion())
    }
}

/// Something was asked of a loop that has run its last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event loop is closed: it will not run anything any more")]
pub struct LoopClosed;

/// A task was waited for that its waiter cannot wait for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CannotAwait {
    /// It would wait for ever.
    #[error("task '{0}' cannot wait for itself")]
    Itself(String),
    /// The loop that would run it is not the one that runs now.
    #[error("task '{0}' belongs to another event loop")]
    OtherLoop(String),
    /// This thread would have to run it, and does not while it waits.
    #[error(
        "the task belongs to this thread's event loop, which could not run it while the thread waits"
    )]
    OwnThread,
}

impl CannotAwait {
    /// The current task, if it may wait for the task with this header.
    pub(crate) fn check(header: &Header) -> Result<CurrentTask> {
        let Some(current) = current_header() else {
            EventLoop::current("a task")?;
            return Err(CannotWait::InCallback("a task").into());
        };
        if !Rc::ptr_eq(&current.event_loop, &header.event_loop) {
            return Err(Self::OtherLoop(header.name().to_string()).into());
        }
        if ptr::eq(&*current, header) {
            return Err(Self::Itself(header.name().to_string()).into());
        }
        Ok(current)
    }
}
