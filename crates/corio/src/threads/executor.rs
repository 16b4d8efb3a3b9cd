//! Where jobs run, and the end of it.

use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use corio_futures::contract::Wait;
use corio_futures::{Error, Result};

use super::job::{self, Job};
use super::line::Line;
use crate::event_loop::{EventLoop, EventLoopHandle};
use crate::task::{LoopClosed, TaskOptions, create_task_with};
use crate::timeout::timeout;

/// How long a loop that is being closed waits for the jobs of its default executor: as long as
/// asyncio's `run` does.
const PATIENCE: Duration = Duration::from_secs(300);

/// Something to run, on whatever thread. It never panics.
pub type Work = Box<dyn FnOnce() + Send>;

/// Whoever has threads to run jobs on: a pool, or a closure that hands work to one.
///
/// # Examples
///
/// A thread for every job:
///
/// ```
/// use std::thread;
///
/// corio::run(|| {
///     let spawn = |work: corio::Work| drop(thread::spawn(work));
///     let event_loop = corio::get_running_loop()?;
///     let job = event_loop.run_in_executor(Some(&spawn), || Ok(thread::current().id()))?;
///     assert_ne!(job.wait()?, thread::current().id());
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no executor",
    note = "an executor is a closure that takes a `corio::Work`, or a type that implements `Executor`"
)]
pub trait Executor {
    /// Runs `work` soon, as a rule on another thread.
    ///
    /// Called on the loop's thread, so it must not block. If it drops the work, whoever waits for
    /// the job gets [`JobDropped`](super::JobDropped); if it keeps it for ever, they wait for ever.
    fn execute(&self, work: Work);
}

impl<F: Fn(Work)> Executor for F {
    fn execute(&self, work: Work) {
        self(work);
    }
}

/// The pool of the process.
struct Pool;

impl Executor for Pool {
    fn execute(&self, work: Work) {
        blocking::unblock(work).detach();
    }
}

impl EventLoopHandle {
    /// Runs `body` on a thread of `executor`, or of the default executor if that is `None`. asyncio's
    /// `loop.run_in_executor`.
    ///
    /// The default executor is a pool that the whole process shares, of at most 500 threads, made
    /// as they are needed; see [`set_default_executor`](Self::set_default_executor). Closing the
    /// loop waits for its jobs.
    ///
    /// # Errors
    ///
    /// [`ExecutorShutDown`] after [`shutdown_default_executor`](Self::shutdown_default_executor);
    /// [`LoopClosed`]. `body` is dropped then.
    ///
    /// # Examples
    ///
    /// ```
    /// corio::run(|| {
    ///     let event_loop = corio::get_running_loop()?;
    ///     let digits = event_loop.run_in_executor(None, || Ok(2_u128.pow(100).to_string().len()))?;
    ///     // … the thread computes, and this task may do something else …
    ///     assert_eq!(digits.wait()?, 31);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn run_in_executor<T, F>(&self, executor: Option<&dyn Executor>, body: F) -> Result<Job<T>>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        self.hand_out(executor, None, body)
    }

    /// As [`run_in_executor`](Self::run_in_executor), when all that is in `line` has been done.
    #[track_caller]
    pub(super) fn hand_out<T, F>(
        &self,
        executor: Option<&dyn Executor>,
        line: Option<&Line>,
        body: F,
    ) -> Result<Job<T>>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let event_loop = &self.event_loop;
        if event_loop.is_closed() {
            return Err(LoopClosed.into());
        }
        let is_default = executor.is_none();
        if is_default && event_loop.threads.executor_shut_down.get() {
            return Err(ExecutorShutDown.into());
        }
        let (job, work) = job::prepare(event_loop, Location::caller(), is_default, body);
        let work = match line {
            Some(line) => line.join(work),
            None => Some(work),
        };
        if let Some(work) = work {
            let default = event_loop.threads.default_executor.borrow().clone();
            executor.or(default.as_deref()).unwrap_or(&Pool).execute(work);
        }
        Ok(job)
    }

    /// Has [`to_thread`](crate::to_thread) and others use `executor` from now on. asyncio's
    /// `loop.set_default_executor`.
    pub fn set_default_executor(&self, executor: impl Executor + 'static) {
        if !self.event_loop.is_closed() {
            let executor: Rc<dyn Executor> = Rc::new(executor);
            let previous = self.event_loop.threads.default_executor.replace(Some(executor));
            drop(previous);
        }
    }

    /// Gives no more jobs to the default executor, and waits until this loop's have ended. asyncio's
    /// `loop.shutdown_default_executor`.
    ///
    /// Jobs that have not ended after `limit`, which is real time on a virtual clock as well, are
    /// reported and abandoned. Closing the loop does the same, with a limit of 300 seconds.
    ///
    /// # Cancellation
    ///
    /// Ends the wait. The executor stays shut down.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](corio_futures::Cancelled).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{thread, time::Duration};
    ///
    /// corio::run(|| {
    ///     let event_loop = corio::get_running_loop()?;
    ///     event_loop.set_exception_handler(|report| {
    ///         assert!(report.to_string().starts_with("a job was left behind"), "{report}");
    ///     });
    ///     drop(event_loop.run_in_executor(None, || Ok(thread::sleep(Duration::from_secs(60))))?);
    ///     event_loop.shutdown_default_executor(Duration::from_millis(1))
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn shutdown_default_executor(&self, limit: Duration) -> Result<()> {
        let event_loop = &self.event_loop;
        let threads = &event_loop.threads;
        threads.executor_shut_down.set(true);
        if !threads.expected.has_jobs() {
            return Ok(());
        }
        let wait = Wait::new("the jobs of the default executor");
        let ended = timeout(limit, || {
            while threads.expected.has_jobs() {
                threads.job_ended.wait(&wait)?;
            }
            Ok(())
        });
        match ended {
            Err(error) if error.is_timeout() => {
                event_loop.abandon_jobs(&format!("has not ended after {limit:?}"));
                Ok(())
            }
            ended => ended,
        }
    }
}

impl EventLoop {
    pub(crate) fn has_jobs(&self) -> bool {
        self.threads.expected.has_jobs()
    }

    /// Turns until the jobs of the default executor have ended, or enough time has passed.
    pub(crate) fn join_jobs(self: &Rc<Self>) {
        let event_loop = EventLoopHandle { event_loop: Rc::clone(self) };
        let options = TaskOptions::new().name("shutdown of the default executor");
        let task =
            create_task_with(options, move || event_loop.shutdown_default_executor(PATIENCE));
        while !task.done() {
            self.turn(|| task.done());
        }
    }

    /// Reports the jobs that the default executor has not ended, and forgets them.
    pub(crate) fn abandon_jobs(&self, why: &str) {
        for location in self.threads.expected.disown_jobs() {
            let error = Error::msg(format!("it was made at {location} and {why}"));
            self.report("a job was left behind in the default executor", &error);
        }
    }
}

/// A job was given to the default executor after that was shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the default executor of this loop was shut down: it takes no job any more")]
pub struct ExecutorShutDown;
