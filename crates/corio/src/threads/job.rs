//! A job on its way through an executor, and the right to what it comes to.
//!
//! Whoever takes the body out decides what becomes of the job: the executor's thread, which runs
//! it, or the loop's, which cancels it. Both find it in one place, under a lock.

use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use corio_futures::completion::{AnyCompletion, Waitable};
use corio_futures::{Error, Future, Result, create_future};

use super::executor::Work;
use super::expected::Source;
use super::oneshot::{Sender, oneshot};
use super::post::{Message, Post};
use crate::event_loop::EventLoop;
use crate::task::Panicked;

/// A job that was given to an executor. asyncio has a `Future` in its place.
///
/// Made by [`run_in_executor`](crate::EventLoopHandle::run_in_executor). Dropping it changes nothing
/// for the job; if it fails then, that is reported.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// corio::run(|| {
///     let event_loop = corio::get_running_loop()?;
///     let (answer, question) = std::sync::mpsc::channel::<u32>();
///     let slow = event_loop.run_in_executor(None, move || Ok(question.recv()?))?;
///     let error = corio::wait_for(slow, Duration::from_millis(1)).unwrap_err();
///     assert!(error.is_timeout());
///     drop(answer); // the thread, which nobody waits for any more, goes on until here
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[must_use = "dropping a job changes nothing for it, but its result is lost"]
pub struct Job<T> {
    future: Future<T>,
    control: Control,
}

/// What it takes to cancel a job.
struct Control {
    body: Arc<dyn Revoke>,
    event_loop: Rc<EventLoop>,
    id: usize,
}

impl<T> Job<T> {
    /// Waits until the job has ended, and takes its result.
    ///
    /// # Cancellation
    ///
    /// Ends the wait at once, and cancels the job as [`cancel`](Self::cancel) does.
    ///
    /// # Errors
    ///
    /// What the job returned; [`Cancelled`](corio_futures::Cancelled) if it was cancelled;
    /// [`JobDropped`] if its executor did not run it.
    ///
    /// # Panics
    ///
    /// If the job did, with its payload.
    #[track_caller]
    pub fn wait(self) -> Result<T> {
        let Self { future, control } = self;
        let result = future.wait();
        match &result {
            Err(error) if error.is_cancelled() => control.revoke(),
            Err(error) => Panicked::resurface(error),
            Ok(_) => {}
        }
        result
    }

    /// Waits as [`wait`](Self::wait) does, but a cancellation of this task leaves the job alone.
    ///
    /// # Cancellation
    ///
    /// Ends the wait.
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
        let result = self.future.wait_shielded();
        if let Err(error) = &result {
            Panicked::resurface(error);
        }
        result
    }

    /// Cancels the job at once, for all who wait. Says whether it was not done.
    ///
    /// If it has not begun, it never does: its body is dropped. If it has, nothing can stop its
    /// thread; what it comes to is dropped.
    pub fn cancel(&self) -> bool {
        let was_pending = self.future.cancel();
        if was_pending {
            self.control.revoke();
        }
        was_pending
    }

    /// Whether the job has ended, or was cancelled.
    pub fn done(&self) -> bool {
        self.future.done()
    }

    /// Whether it was cancelled.
    pub fn cancelled(&self) -> bool {
        self.future.cancelled()
    }

    /// The job's value, by reference.
    ///
    /// # Errors
    ///
    /// [`InvalidState::Pending`](corio_futures::InvalidState::Pending) while it runs; the error that
    /// it ended with.
    pub fn result(&self) -> Result<&T> {
        self.future.result()
    }

    /// The error that it ended with, if it did.
    ///
    /// # Errors
    ///
    /// [`InvalidState::Pending`](corio_futures::InvalidState::Pending) while it runs;
    /// [`Cancelled`](corio_futures::Cancelled) if it was cancelled.
    pub fn exception(&self) -> Result<Option<&Error>> {
        self.future.exception()
    }
}

impl<T> Waitable for Job<T> {
    fn completion(&self) -> &dyn AnyCompletion {
        self.future.completion()
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job ({:?})", self.future)
    }
}

impl Control {
    /// Takes the body back if the job has not begun; lets go of it otherwise.
    fn revoke(&self) {
        let expected = &self.event_loop.threads.expected;
        let body = self.body.take();
        if body.is_some() {
            expected.revoke(self.id);
        } else {
            expected.abandon(self.id);
        }
        // The loop looks after those who wait for the last job.
        self.event_loop.threads.job_ended.notify_all();
        drop(body);
    }
}

/// The body of a job that has not begun, whatever its type.
trait Revoke: Send + Sync {
    fn take(&self) -> Option<Box<dyn Send>>;
}

struct Body<F>(Mutex<Option<F>>);

impl<F> Body<F> {
    fn take(&self) -> Option<F> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<F: Send + 'static> Revoke for Body<F> {
    fn take(&self) -> Option<Box<dyn Send>> {
        Some(Box::new(self.take()?))
    }
}

/// A job, and the work that an executor is to do for it.
pub(super) fn prepare<T, F>(
    event_loop: &Rc<EventLoop>,
    caller: &'static Location<'static>,
    default: bool,
    body: F,
) -> (Job<T>, Work)
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    let (sender, receiver) = oneshot::<std::thread::Result<Result<T>>>();
    let (promise, future) = create_future();
    let source = if default { Source::DefaultExecutor(caller) } else { Source::Elsewhere };
    let id = event_loop.threads.expected.expect(
        source,
        Box::new(move || {
            let outcome = match receiver.try_take() {
                Some(Ok(Ok(result))) => result,
                Some(Ok(Err(payload))) => {
                    Err(Panicked::new(format!("(job made at {caller})"), payload).into())
                }
                _ => Err(JobDropped.into()),
            };
            // If it was cancelled meanwhile, this is where its result is dropped.
            let _ = match outcome {
                Ok(value) => promise.set_result(value),
                Err(error) => promise.set_exception(error),
            };
        }),
    );
    let body = Arc::new(Body(Mutex::new(Some(body))));
    let ended = Ended { post: Arc::clone(&event_loop.threads.post), id };
    let assignment = Assignment { body: Arc::clone(&body), sender: Some(sender), _ended: ended };
    let control = Control { body, event_loop: Rc::clone(event_loop), id };
    (Job { future, control }, Box::new(move || assignment.run()))
}

/// What the executor has of a job. Drops the body unless it runs it.
struct Assignment<F, T> {
    body: Arc<Body<F>>,
    sender: Option<Sender<std::thread::Result<Result<T>>>>,
    /// Dropped last.
    _ended: Ended,
}

impl<T, F: FnOnce() -> Result<T>> Assignment<F, T> {
    fn run(mut self) {
        let (Some(body), Some(sender)) = (self.body.take(), self.sender.take()) else { return };
        let outcome = catch_unwind(AssertUnwindSafe(body));
        if let Err(unwanted) = sender.send(outcome) {
            // The thread's panic handler has said it all if this panics.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(unwanted)));
        }
    }
}

impl<F, T> Drop for Assignment<F, T> {
    fn drop(&mut self) {
        drop(self.body.take());
    }
}

/// Tells the loop that the executor is through with a job, whatever it did with it.
struct Ended {
    post: Arc<Post>,
    id: usize,
}

impl Drop for Ended {
    fn drop(&mut self) {
        // A closed loop does not want to know.
        let _ = self.post.send(Message::Arrived(self.id));
    }
}

/// An executor dropped a job without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the executor has dropped the job without running it")]
pub struct JobDropped;
