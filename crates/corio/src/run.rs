//! From ordinary code into a loop, and back out with nothing left behind.

use std::io;
use std::mem;
use std::panic::Location;
use std::rc::Rc;

use corio_futures::{Cancelled, Error, Result};
use corio_reactor::Clock;

use crate::event_loop::{EventLoop, Running};
use crate::generator::closing;
use crate::task::{Panicked, Task, TaskOptions, spawn_unchecked};

/// Runs `main` as the main task of a fresh event loop, and returns what it returns. asyncio's
/// `run`.
///
/// When `main` has ended, what it left running is cancelled and waited for. The loop is this
/// thread's own: other threads may run loops of theirs at the same time.
///
/// # Errors
///
/// What `main` returns; [`AlreadyRunning`] inside a running loop; [`Deadlock`](crate::Deadlock)
/// if every task waits for another; an [`io::Error`] if the operating system refuses what a loop
/// needs.
///
/// # Panics
///
/// If `main` does, once everything else has ended.
///
/// # Examples
///
/// ```
/// let answer = corio::run(|| {
///     let task = corio::create_task(|| Ok(42));
///     task.wait()
/// })?;
/// assert_eq!(answer, 42);
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn run<T>(main: impl FnOnce() -> Result<T>) -> Result<T> {
    Runner::new()?.run(main)
}

/// An event loop that can be set up before it runs, and that `run` can be called on several
/// times. asyncio's `Runner`.
///
/// Tasks that one `run` leaves behind go on in the next. Dropping the runner closes it.
///
/// # Examples
///
/// With a virtual clock an hour takes no time:
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let began = Instant::now();
/// let mut runner = corio::Runner::with_virtual_clock()?;
/// runner.run(|| corio::sleep(Duration::from_secs(3600)))?;
/// assert!(began.elapsed() < Duration::from_secs(60));
/// # Ok::<(), corio::Error>(())
/// ```
#[derive(Debug)]
pub struct Runner {
    event_loop: Rc<EventLoop>,
}

impl Runner {
    /// A runner on the system's monotonic clock.
    ///
    /// # Errors
    ///
    /// If the operating system refuses what a loop needs, usually for too many open files.
    pub fn new() -> io::Result<Self> {
        Ok(Self { event_loop: EventLoop::new(Clock::system())? })
    }

    /// A runner on a clock that stands still while any task can run, and then jumps to the next
    /// timer: for tests of what takes time. I/O is polled before each jump, but not waited for: data
    /// that another thread or process is yet to send comes after every timer.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_virtual_clock() -> io::Result<Self> {
        Ok(Self { event_loop: EventLoop::new(Clock::manual())? })
    }

    /// Runs `main` as the main task and returns what it returns.
    ///
    /// # Errors
    ///
    /// As [`run`].
    ///
    /// # Panics
    ///
    /// If `main` does. Everything else is cancelled and waited for first.
    #[track_caller]
    pub fn run<T>(&mut self, main: impl FnOnce() -> Result<T>) -> Result<T> {
        let running = self.enter(Location::caller())?;
        let bomb = AbortOnUnwind;
        // SAFETY: `run_until_done` returns when the task is done, and it does not unwind: what a
        // task or a callback panics with is caught, and if anything else panics, the process is
        // aborted. `main` and its result outlive this call.
        let main = Task::new(unsafe {
            spawn_unchecked(Rc::clone(&self.event_loop), TaskOptions::new(), None, main)
        });
        if let Some(task) = main.running() {
            self.event_loop.run_until_done(task);
        }
        mem::forget(bomb);
        if let Ok(Some(error)) = main.exception()
            && error.downcast_ref::<Panicked>().is_some()
        {
            // While the panic goes on, no task could be waited for.
            self.event_loop.end_all();
        }
        drop(running);
        main.wait()
    }

    /// Cancels what is left, waits for it, and closes the loop.
    ///
    /// A task that will not end is reported, and its stack is never freed: others may borrow from
    /// it. Does nothing the second time.
    pub fn close(&mut self) {
        if self.event_loop.is_closed() {
            return;
        }
        // Inside another loop, or while a panic unwinds, no task of this one can run.
        let running = if std::thread::panicking() { None } else { self.event_loop.enter() };
        match running {
            Some(_running) => self.event_loop.shut_down(),
            None => self.event_loop.abandon("no task of its loop can run here, and it "),
        }
    }

    fn enter(&self, caller: &'static Location<'static>) -> Result<Running> {
        if self.event_loop.is_closed() {
            return Err(RunnerClosed.into());
        }
        self.event_loop.enter().ok_or_else(|| AlreadyRunning { caller }.into())
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.close();
    }
}

/// How often what has ended may have made more that is to be ended.
const GENERATIONS: usize = 100;

/// Keeps a panic of the loop itself from freeing what a suspended main task borrows.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}

impl EventLoop {
    /// Cancels all tasks and turns until they have ended; then those that they made meanwhile, and
    /// so on. Those that go on waiting for what will never come are interrupted again. Both a
    /// limited number of times.
    fn end_tasks(&self) {
        for _ in 0..GENERATIONS {
            let tasks = self.unfinished_tasks();
            for task in &tasks {
                task.header().cancel(&Cancelled::new());
            }
            let all_ended = || tasks.iter().all(|task| task.header().is_done());
            self.turn_until(all_ended);
            if !self.has_tasks() || !all_ended() {
                break;
            }
        }
        // So that whoever is left is seen to wait.
        self.turn(|| true);
    }

    /// Ends what the loop runs: tasks, then the generators that it has started and that stand at a
    /// yield, all at once (asyncio's `shutdown_asyncgens`); then what those have made, and so on.
    fn end_all(&self) {
        self.generators.set_ending(true);
        for _ in 0..GENERATIONS {
            self.end_tasks();
            let generators = self.generators.to_be_closed();
            if generators.is_empty() {
                break;
            }
            let closing: Vec<_> = generators.into_iter().map(closing).collect();
            self.turn_until(|| closing.iter().all(Task::done));
        }
        self.generators.set_ending(false);
    }

    /// Turns until `ended`, but not for ever if that will never be.
    fn turn_until(&self, ended: impl Fn() -> bool) {
        const PATIENCE: usize = 100;
        let deadlocks = self.deadlocks();
        while !ended() && self.deadlocks() - deadlocks < PATIENCE {
            self.turn(&ended);
        }
    }

    fn shut_down(&self) {
        self.end_all();
        self.abandon("it was cancelled, and ");
    }

    /// Closes the loop over whatever tasks there are.
    fn abandon(&self, why: &str) {
        for task in self.unfinished_tasks() {
            let message = format!("task '{}' was left behind", task.header().name());
            let state = match task.header().waits_for() {
                Some(wait) => format!("{why}still waits for {wait}"),
                None => format!("{why}has not ended"),
            };
            self.report(&message, &Error::msg(state));
        }
        self.close();
    }
}

/// `run` was called where a loop runs already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an event loop runs on this thread already ({caller}): call the function as it is, every \
     function can wait; or run the other loop on a thread of its own"
)]
pub struct AlreadyRunning {
    caller: &'static Location<'static>,
}

/// A [`Runner`] was used after it was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the runner is closed: make a new one")]
pub struct RunnerClosed;
