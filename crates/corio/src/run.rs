//! From ordinary code into a loop, and back out with nothing left behind.

use std::io;
use std::mem;
use std::panic::Location;
use std::rc::Rc;

use corio_futures::{Cancelled, Error, Result};
use corio_reactor::Clock;

use crate::context::Inherited;
use crate::event_loop::{EventLoop, Running};
use crate::generator::closing;
use crate::signal::Interrupt;
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
/// if every task waits for another; [`KeyboardInterrupt`] if Ctrl-C has cancelled the main task
/// (on the main thread, see [`signal`](crate::signal)); an [`io::Error`] if the operating system
/// refuses what a loop needs.
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
/// Tasks that one `run` leaves behind go on in the next. What a main task sets in its context the
/// next one finds there. Dropping the runner closes it.
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
    pub(crate) event_loop: Rc<EventLoop>,
    /// Copied when the first `run` begins, and kept from one to the next.
    context: Option<Inherited>,
}

impl Runner {
    /// A runner on the system's monotonic clock.
    ///
    /// # Errors
    ///
    /// If the operating system refuses what a loop needs, usually for too many open files.
    pub fn new() -> io::Result<Self> {
        Ok(Self { event_loop: EventLoop::new(Clock::system())?, context: None })
    }

    /// A runner on a clock that stands still while any task can run, and then jumps to the next
    /// timer: for tests of what takes time. I/O is polled before each jump, but not waited for: data
    /// that another thread or process is yet to send comes after every timer. While a job is awaited
    /// that runs on another thread ([`to_thread`](crate::to_thread)), time jumps no sooner than it
    /// would pass.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_virtual_clock() -> io::Result<Self> {
        Ok(Self { event_loop: EventLoop::new(Clock::manual())?, context: None })
    }

    /// Whether tasks begin eagerly, if [their options](TaskOptions::eager) do not say: at once,
    /// inside the call that makes them. asyncio's `loop.set_task_factory(eager_task_factory)`.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut runner = corio::Runner::new()?.eager_tasks(true);
    /// runner.run(|| {
    ///     assert!(corio::create_task(|| Ok(42)).done());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[must_use = "this is the runner"]
    pub fn eager_tasks(self, eager: bool) -> Self {
        self.event_loop.set_eager_tasks(eager);
        self
    }

    /// Has the loop run in debug mode, or not. asyncio's `Runner(debug=…)`.
    ///
    /// In debug mode the loop reports every step that holds it up: a task that runs for 100 ms
    /// without waiting, or a callback that takes so long. The report says what it was, from where
    /// to where in the source, whether it computed or blocked, and what the stack was. Reports on
    /// tasks say where these were created. What takes how long can be
    /// [set](crate::EventLoopHandle::set_slow_callback_duration).
    ///
    /// Unless this is called, the environment variable `CORIO_DEBUG` decides: debug mode is on if
    /// it is set, and neither empty nor `0`. Off, it costs nothing; on, each step takes the time
    /// twice, and each task is a little larger.
    ///
    /// # Examples
    ///
    /// ```
    /// let mut runner = corio::Runner::new()?.debug(true);
    /// runner.run(|| {
    ///     assert!(corio::get_running_loop()?.get_debug());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[must_use]
    pub fn debug(self, on: bool) -> Self {
        self.event_loop.debug().set(on);
        self
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
        let inherited = Inherited::here();
        let running = self.enter(Location::caller())?;
        self.event_loop.collect();
        let context = self.context.take().unwrap_or(inherited);
        let options = TaskOptions::new().eager(false);
        let bomb = AbortOnUnwind;
        // SAFETY: `run_until_done` returns when the task is done, and it does not unwind: what a
        // task or a callback panics with is caught, and if anything else panics, the process is
        // aborted. `main` and its result outlive this call.
        let main = Task::new(unsafe {
            spawn_unchecked(Rc::clone(&self.event_loop), options, None, |_| {}, main)
        });
        let interrupt = Interrupt::arm(&self.event_loop);
        let mut interrupted = false;
        if let Some(task) = main.running() {
            context.enter_task(task.header().context());
            self.event_loop.run_until_done(Rc::clone(&task));
            self.context = Some(task.header().context().inherit());
            interrupted = interrupt.is_some_and(|interrupt| {
                interrupt.disarm(&self.event_loop, task.header(), main.cancelled())
            });
        }
        mem::forget(bomb);
        if let Ok(Some(error)) = main.exception()
            && error.downcast_ref::<Panicked>().is_some()
        {
            // While the panic goes on, no task could be waited for.
            self.event_loop.end_all();
        }
        drop(running);
        match main.wait() {
            Err(error) if interrupted && !error.is_cancelled() => Err(error),
            _ if interrupted => Err(KeyboardInterrupt.into()),
            outcome => outcome,
        }
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

    fn shut_down(self: &Rc<Self>) {
        self.end_all();
        if self.has_jobs() {
            self.join_jobs();
            // What the last jobs may have asked for.
            self.end_all();
        }
        self.abandon("it was cancelled, and ");
    }

    /// Closes the loop over whatever tasks there are.
    fn abandon(&self, why: &str) {
        for task in self.unfinished_tasks() {
            let message = format!("{} was left behind", task.header().description());
            let state = match task.header().waits_for() {
                Some(wait) => format!("{why}still waits for {wait}"),
                None => format!("{why}has not ended"),
            };
            self.report(&message, &Error::msg(state));
        }
        self.abandon_jobs("runs on");
        self.close();
    }
}

/// The main task was cancelled by Ctrl-C, and ended. asyncio's `KeyboardInterrupt`, as far as it
/// comes out of `run`.
///
/// Not a cancellation to its caller, who was not cancelled. What Ctrl-C does is in
/// [`signal`](crate::signal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted by Ctrl-C")]
pub struct KeyboardInterrupt;

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
