//! The event loop: what is ready, who is parked, what time it is.
//!
//! * this file: the state, and what tasks do with it;
//! * [`current`]: which task runs now;
//! * [`ready`]: the queue of what is to run;
//! * [`turn`]: running what is ready, polling, firing timers;
//! * [`eager`]: first steps that do not wait for their turn;
//! * [`deadlock`]: noticing that nothing will ever happen again;
//! * [`debug`]: debug mode, and [`slow_step`], what it reports;
//! * [`handle`]: [`EventLoop`](handle::EventLoopHandle), what users hold.
//!
//! # The turn
//!
//! ```text
//!   ┌─▶ step what is ready, first in, first out: at most 64 steps
//!   │                     │
//!   │    poll the operating system: not at all, if nothing could come of it;
//!   │    without waiting, if something is ready; else until the next timer is due
//!   │                     │
//!   └── fire the timers that are due, by deadline, then by creation
//! ```
//!
//! **Guaranteed.** A task that is ready runs after at most those that were ready before it and
//! those that the operating system or a timer makes ready meanwhile; the operating system and the
//! timers are looked at after at most 64 steps. So a task that always yields cannot starve I/O,
//! and if every step is short, so is every wait. What is *not* guaranteed is that steps are short:
//! nothing interrupts a task.
//!
//! Architecture Invariant: nothing of the loop is borrowed while a task or a callback runs. Each
//! method here borrows what it needs and returns.

mod current;
mod deadlock;
mod debug;
mod eager;
mod handle;
mod ready;
mod slow_step;
mod turn;

use std::cell::{Cell, RefCell};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::time::Instant;

use corio_futures::contract::{self, Entered, Parker};
use corio_futures::{CannotWait, Error, NoRunningLoop, Result, WaitList};
use corio_reactor::{Clock, Reactor, TimerKey, Timers};
use slab::Slab;

use crate::context::{Inherited, Isolated};
use crate::generator::Generators;
use crate::report::{self, Report};
use crate::signal::LoopSignals;
use crate::task::{Header, Runnable};
use crate::threads::Threads;

use debug::Debug;
use ready::ReadyQueue;

pub(crate) use current::{CurrentTask, can_wait, current_header};
pub use deadlock::Deadlock;
pub use handle::{CallHandle, EventLoopHandle, Statistics, get_running_loop};
pub use slow_step::SlowStep;

/// Who waits for a file descriptor.
#[derive(Debug, Default)]
pub(crate) struct IoWaiters {
    pub(crate) readable: WaitList,
    pub(crate) writable: WaitList,
}

/// What a timer does when it fires.
pub(crate) enum Alarm {
    /// Wakes a sleeper, which takes the timer back before it leaves the frame that waits.
    Wake(CurrentTask),
    /// Cancels a task whose time is up.
    Expire(Rc<dyn Runnable>),
    Call(Box<dyn FnOnce()>),
}

pub(crate) struct EventLoop {
    ready: ReadyQueue,
    tasks: RefCell<Slab<Rc<dyn Runnable>>>,
    /// The task that `run` was called with, while it runs.
    main: RefCell<Option<Rc<dyn Runnable>>>,
    timers: RefCell<Timers<Alarm>>,
    clock: Clock,
    reactor: Reactor<IoWaiters>,
    /// Tasks that are parked until a file descriptor is ready or another thread calls.
    waiting_for_io: Cell<usize>,
    /// The turn ends early: a timer was set that is due already, or the main task has ended.
    hurry: Cell<bool>,
    /// How much of what was ready when the round began is still to run. See `run_until_done`.
    round: Cell<usize>,
    eager_tasks: Cell<bool>,
    closed: Cell<bool>,
    tasks_made: Cell<u64>,
    tasks_peak: Cell<usize>,
    steps: Cell<u64>,
    deadlocks: Cell<usize>,
    exception_handler: RefCell<Option<ExceptionHandler>>,
    pub(crate) threads: Threads,
    pub(crate) generators: Generators,
    signals: LoopSignals,
    debug: Debug,
}

type ExceptionHandler = Rc<dyn Fn(&Report)>;

thread_local! {
    static RUNNING: RefCell<Option<Rc<EventLoop>>> = const { RefCell::new(None) };
}

impl EventLoop {
    pub(crate) fn new(clock: Clock) -> io::Result<Rc<Self>> {
        corio_coroutine::set_overflow_noun("task");
        let reactor = Reactor::new()?;
        Ok(Rc::new(Self {
            ready: ReadyQueue::default(),
            tasks: RefCell::default(),
            main: RefCell::new(None),
            timers: RefCell::new(Timers::new()),
            clock,
            threads: Threads::new(reactor.notifier()),
            reactor,
            waiting_for_io: Cell::new(0),
            hurry: Cell::new(false),
            round: Cell::new(0),
            eager_tasks: Cell::new(false),
            closed: Cell::new(false),
            tasks_made: Cell::new(0),
            tasks_peak: Cell::new(0),
            steps: Cell::new(0),
            deadlocks: Cell::new(0),
            exception_handler: RefCell::new(None),
            generators: Generators::default(),
            signals: LoopSignals::default(),
            debug: Debug::new(),
        }))
    }

    /// The loop that runs on this thread.
    // Out of line for the reason given at `contract::current_loop`.
    #[inline(never)]
    pub(crate) fn current(what: &'static str) -> Result<Rc<Self>, NoRunningLoop> {
        // A thread that is ending has no loop any more.
        let running = RUNNING.try_with(|running| running.borrow().clone());
        running.ok().flatten().ok_or(NoRunningLoop::new(what))
    }

    /// Whether this is the running loop of the thread.
    fn runs_here(&self) -> bool {
        let running = RUNNING.try_with(|running| {
            running.borrow().as_ref().is_some_and(|running| ptr::eq(&**running, self))
        });
        running.unwrap_or(false)
    }

    /// Makes this the running loop of the thread, unless another is.
    pub(crate) fn enter(self: &Rc<Self>) -> Option<Running> {
        let entered = contract::enter(Rc::new(Facade(Rc::clone(self)))).ok()?;
        RUNNING.try_with(|running| running.replace(Some(Rc::clone(self)))).ok()?;
        Some(Running { _entered: entered, _context: Isolated::new() })
    }

    pub(crate) fn next_task_number(&self) -> u64 {
        self.tasks_made.set(self.tasks_made.get() + 1);
        self.tasks_made.get()
    }

    /// Enters a task, made by `make` from its key, and puts it at the end of the queue, unless it
    /// is to begin before its turn.
    pub(crate) fn add_task<R>(
        &self,
        eager: bool,
        make: impl FnOnce(usize) -> (Rc<dyn Runnable>, R),
    ) -> R {
        let mut tasks = self.tasks.borrow_mut();
        let entry = tasks.vacant_entry();
        let (task, result) = make(entry.key());
        if !eager {
            self.ready.push_task(task.header());
        }
        entry.insert(task);
        self.tasks_peak.set(self.tasks_peak.get().max(tasks.len()));
        result
    }

    /// Puts a task that has become ready at the end of the queue.
    #[inline]
    pub(crate) fn push_ready(&self, task: &Header) {
        self.ready.push_task(task);
    }

    /// Calls `callback` in a later step; drops it if there will be none.
    pub(crate) fn call_soon(&self, callback: Box<dyn FnOnce()>) {
        if !self.closed.get() {
            self.ready.push_callback(callback);
        }
    }

    /// A task that has not ended, by its key.
    pub(crate) fn task(&self, key: usize) -> Rc<dyn Runnable> {
        Rc::clone(&self.tasks.borrow()[key])
    }

    /// The task at `key`, if there is one now.
    pub(crate) fn find_task(&self, key: usize) -> Option<Rc<dyn Runnable>> {
        self.tasks.borrow().get(key).cloned()
    }

    pub(crate) fn current_task(&self, what: &'static str) -> Result<Rc<dyn Runnable>> {
        let current = current_header().ok_or(CannotWait::InCallback(what))?;
        Ok(self.task(current.key))
    }

    /// The tasks that have not ended, in the order in which they were made.
    pub(crate) fn unfinished_tasks(&self) -> Vec<Rc<dyn Runnable>> {
        let mut tasks: Vec<_> = self.tasks.borrow().iter().map(|(_, task)| task.clone()).collect();
        tasks.retain(|task| !task.header().is_done());
        tasks.sort_by_key(|task| task.header().number());
        tasks
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The task that `run` was called with, while it has not ended.
    pub(crate) fn main_task(&self) -> Option<Rc<dyn Runnable>> {
        self.main.borrow().clone().filter(|main| !main.header().is_done())
    }

    #[cfg(unix)]
    pub(crate) fn signals(&self) -> &LoopSignals {
        &self.signals
    }

    pub(crate) fn reactor(&self) -> &Reactor<IoWaiters> {
        &self.reactor
    }

    /// Sets a timer.
    pub(crate) fn set_alarm(&self, deadline: Instant, alarm: Alarm) -> TimerKey {
        self.timers.borrow_mut().insert(deadline, alarm)
    }

    /// Sets a timer that fires before the next step if it is due already.
    pub(crate) fn set_limit(&self, deadline: Instant, alarm: Alarm) -> TimerKey {
        if deadline <= self.now() {
            self.hurry.set(true);
        }
        self.set_alarm(deadline, alarm)
    }

    /// Unsets a timer. Says whether it had not fired yet.
    pub(crate) fn unset_alarm(&self, key: TimerKey) -> bool {
        let alarm = self.timers.borrow_mut().cancel(key);
        alarm.is_some()
    }

    pub(crate) fn is_set(&self, key: TimerKey) -> bool {
        self.timers.borrow().is_pending(key)
    }

    /// Counts a task as waiting for a file descriptor, or for another thread, while `wait` runs.
    pub(crate) fn while_waiting_for_io<R>(&self, wait: impl FnOnce() -> R) -> R {
        struct Waiting<'a>(&'a Cell<usize>);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }
        self.waiting_for_io.set(self.waiting_for_io.get() + 1);
        let _waiting = Waiting(&self.waiting_for_io);
        wait()
    }

    pub(crate) fn report(&self, message: &str, error: &Error) {
        let handler = self.exception_handler.borrow().clone();
        let Some(handler) = handler else { return report::print(message, error) };
        let handled = catch_unwind(AssertUnwindSafe(|| handler(&Report::new(message, error))));
        if handled.is_err() {
            report::print(message, error);
            report::print("the exception handler failed", &Error::msg("it panicked"));
        }
    }

    /// No step will follow: what still waits for one goes.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        self.threads.close();
        self.ready.clear();
        let timers = self.timers.replace(Timers::new());
        drop(timers);
        // They may hold the loop.
        let handler = self.exception_handler.take();
        drop(handler);
        self.generators.clear();
        self.signals.close();
    }

    pub(crate) fn has_tasks(&self) -> bool {
        self.tasks.borrow().iter().any(|(_, task)| !task.header().is_done())
    }

    /// How often the loop has found that nothing would ever happen again.
    pub(crate) fn deadlocks(&self) -> usize {
        self.deadlocks.get()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }
}

impl std::fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLoop").field("tasks", &self.tasks.borrow().len()).finish()
    }
}

/// A loop runs on this thread as long as this lives.
pub(crate) struct Running {
    _entered: Entered,
    _context: Isolated,
}

impl Drop for Running {
    fn drop(&mut self) {
        let left = RUNNING.try_with(RefCell::take);
        drop(left);
    }
}

/// The loop as `corio-futures` sees it.
struct Facade(Rc<EventLoop>);

impl contract::EventLoop for Facade {
    fn current(&self) -> Option<Rc<dyn Parker>> {
        let task = self.0.current_task("").ok()?;
        Some(task)
    }

    fn call_soon(&self, callback: Box<dyn FnOnce()>) {
        self.0.call_soon(callback);
    }

    fn bind(&self, callback: Box<dyn FnOnce()>) -> Box<dyn FnOnce()> {
        let context = Inherited::here();
        if context.is_empty() {
            return callback;
        }
        Box::new(move || {
            context.enter();
            callback();
        })
    }

    fn report(&self, message: &str, error: &Error) {
        self.0.report(message, error);
    }
}
