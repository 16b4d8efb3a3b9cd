//! Blocking code, off the loop's thread.

use corio_futures::Result;

use super::executor::Executor;
use super::line::Line;
use crate::event_loop::{EventLoop, EventLoopHandle};

/// Runs `body` on another thread, and waits for what it returns. asyncio's `to_thread`.
///
/// For code that blocks its thread whatever it is told: files, name resolution, long computations.
/// It runs on the default executor; see
/// [`run_in_executor`](crate::EventLoopHandle::run_in_executor).
///
/// # Cancellation
///
/// Ends the wait at once. A body that has not begun is dropped; one that has runs to its end, for
/// nothing can stop a thread, and its result is dropped.
///
/// # Errors
///
/// What `body` returns; [`Cancelled`](corio_futures::Cancelled);
/// [`ExecutorShutDown`](crate::ExecutorShutDown); [`NoRunningLoop`](corio_futures::NoRunningLoop)
/// off the loop. `body` does not run then.
///
/// # Panics
///
/// If `body` does, with its payload.
///
/// # Examples
///
/// ```
/// use std::fs;
///
/// corio::run(|| {
///     let manifest = corio::to_thread(|| Ok(fs::read_to_string("Cargo.toml")?))?;
///     assert!(manifest.contains("[package]"));
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn to_thread<T, F>(body: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    run_and_wait(None, body)
}

/// Runs `body` on a thread of `executor`, as [`to_thread`] does on the default executor.
#[track_caller]
pub(crate) fn run_and_wait<T, F>(executor: Option<&dyn Executor>, body: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    run(executor, None, body)
}

/// As [`run_and_wait`], when all that is in `line` has been done.
#[track_caller]
pub(crate) fn run_in_line<T, F>(line: &Line, executor: Option<&dyn Executor>, body: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    run(executor, Some(line), body)
}

#[track_caller]
fn run<T, F>(executor: Option<&dyn Executor>, line: Option<&Line>, body: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    const WHAT: &str = "a thread";
    let event_loop = EventLoop::current(WHAT)?;
    // Before the job is made: it must not run if nobody can wait for it.
    event_loop.current_task(WHAT)?.header().check_can_suspend(WHAT)?;
    // Whatever a task carries with it goes along from here, wrapped around `body`.
    let job = EventLoopHandle { event_loop }.hand_out(executor, line, body)?;
    job.wait()
}
