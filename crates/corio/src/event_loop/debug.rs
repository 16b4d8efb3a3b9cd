//! Debug mode: who holds up the loop, and where tasks come from.
//!
//! Nothing interrupts a task, so one that computes, or that blocks the thread, holds up all others.
//! In debug mode the loop takes the time of each step, by the system's clock. One that takes too
//! long is reported with the places that it ran between, how much of the time it had the processor
//! (one that computes had it, one that blocks did not), and the stack that it had at the end. The
//! task looks at its stack itself, as it suspends, and only if the step was slow.
//!
//! That costs nothing while it is off. The loop has two forms of its inner loop, and chooses once a
//! turn. A task whose step is watched is `Watched` instead of `Running`, which sends it, when it
//! suspends, down the path of those who may not; there it is found out.
//!
//! Deliberately absent: a thread that looks at the stack of a step that does not end. It would have
//! to stop the loop's thread in the middle of anything, which is a debugger's business.

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use corio_coroutine::{Coroutine, CoroutineState, Stack};
use corio_futures::Error;

use super::current::with_current;
use super::slow_step::{Place, SlowStep};
use super::{EventLoop, EventLoopHandle};
use crate::task::{Header, State};

/// asyncio's.
const SLOW: Duration = Duration::from_millis(100);

pub(crate) struct Debug {
    on: Cell<bool>,
    slow: Cell<Duration>,
    /// When the step began that is watched.
    began: Cell<Option<Instant>>,
    /// The stack with which it suspended, if it was slow.
    stack: RefCell<Option<Backtrace>>,
    /// Where the callback that runs was asked for.
    asked_for: Cell<Option<&'static Location<'static>>>,
}

impl Debug {
    /// Off, unless the environment says otherwise.
    pub(super) fn new() -> Self {
        Self {
            on: Cell::new(wanted_by_environment()),
            slow: Cell::new(SLOW),
            began: Cell::new(None),
            stack: RefCell::new(None),
            asked_for: Cell::new(None),
        }
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on.get()
    }

    pub(crate) fn set(&self, on: bool) {
        self.on.set(on);
    }

    /// Notes the stack if the step was slow. To be called by the task as it suspends.
    // Not inlined: the frames above this one's are not the task's.
    #[inline(never)]
    pub(crate) fn note_stack(&self) {
        if self.began.get().is_some_and(|began| began.elapsed() >= self.slow.get()) {
            let stack = look_at_stack();
            self.stack.replace(stack);
        }
    }
}

/// The caller's stack, looked at from a stack of its own: it takes 12 KiB and more, which a task may
/// not have left.
fn look_at_stack() -> Option<Backtrace> {
    let stack = Stack::new(Stack::DEFAULT_SIZE).ok()?;
    let mut look =
        Coroutine::<(), (), Backtrace>::with_stack(stack, |_, ()| Backtrace::force_capture());
    match look.resume(()) {
        CoroutineState::Complete(backtrace) => Some(backtrace),
        CoroutineState::Yielded(()) => None,
    }
}

/// Whether `CORIO_DEBUG` asks for debug mode. Looked up once: the environment may be large.
fn wanted_by_environment() -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();
    *WANTED.get_or_init(|| {
        std::env::var_os("CORIO_DEBUG").is_some_and(|value| !value.is_empty() && value != "0")
    })
}

impl EventLoop {
    pub(crate) fn debug(&self) -> &Debug {
        &self.debug
    }

    /// Runs a step of `task`, and reports it if it was slow. Says whether the task has ended.
    pub(super) fn watch_step(&self, task: &Header) -> bool {
        let from = match (task.state(), task.parked_for()) {
            (State::Created, _) => Place::Start(task.created()),
            (_, Some((what, place))) => Place::Wait(what, place),
            (_, None) => Place::Yield,
        };
        let watch = Watch::begin();
        self.debug.began.set(Some(watch.began));
        let ended = with_current(task, || task.watched_step());
        self.debug.began.set(None);
        let stack = self.debug.stack.take();
        let to = match task.parked_for() {
            _ if ended => Place::End,
            Some((what, place)) => Place::Wait(what, place),
            None => Place::Yield,
        };
        if let Some((took, on_processor)) = watch.end(self.debug.slow.get()) {
            let stack = stack.filter(|_| !ended);
            let message = format!("{} held up the event loop", task.description());
            let name = Some(task.name().to_string());
            let step = SlowStep::new(name, took, on_processor, from, to, stack);
            self.report(&message, &Error::from(step));
        }
        ended
    }

    /// Runs a callback, and reports it if it was slow.
    #[cold]
    pub(super) fn watch_call(&self, call: impl FnOnce()) {
        self.debug.asked_for.set(None);
        let watch = Watch::begin();
        call();
        if let Some((took, on_processor)) = watch.end(self.debug.slow.get()) {
            let from = Place::Start(self.debug.asked_for.take());
            let step = SlowStep::new(None, took, on_processor, from, Place::End, None);
            self.report("a callback held up the event loop", &Error::from(step));
        }
    }

    /// Where a callback was asked for, if reports are to say so: for [`note_place`].
    #[inline]
    pub(super) fn place(
        &self,
        asked_for: &'static Location<'static>,
    ) -> Option<&'static Location<'static>> {
        self.debug.is_on().then_some(asked_for)
    }
}

/// Says where the callback was asked for that is about to run.
#[inline]
pub(super) fn note_place(asked_for: Option<&'static Location<'static>>) {
    #[cold]
    fn note(asked_for: &'static Location<'static>) {
        if let Ok(event_loop) = EventLoop::current("a callback") {
            event_loop.debug.asked_for.set(Some(asked_for));
        }
    }
    if let Some(asked_for) = asked_for {
        note(asked_for);
    }
}

/// Debug mode.
impl EventLoopHandle {
    /// Whether the loop is in debug mode. asyncio's `loop.get_debug`.
    pub fn get_debug(&self) -> bool {
        self.event_loop.debug.is_on()
    }

    /// Switches debug mode on or off, from the next turn of the loop on. asyncio's
    /// `loop.set_debug`. See [`Runner::debug`](crate::Runner::debug).
    pub fn set_debug(&self, on: bool) {
        self.event_loop.debug.on.set(on);
    }

    /// How long a step may take before debug mode reports it: 100 ms, unless it was set.
    pub fn slow_callback_duration(&self) -> Duration {
        self.event_loop.debug.slow.get()
    }

    /// Sets how long a step may take before debug mode reports it. asyncio's
    /// `loop.slow_callback_duration`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{thread, time::Duration};
    ///
    /// use corio::SlowStep;
    ///
    /// let mut runner = corio::Runner::new()?.debug(true);
    /// runner.run(|| {
    ///     let event_loop = corio::get_running_loop()?;
    ///     event_loop.set_slow_callback_duration(Duration::from_millis(5));
    ///     event_loop.set_exception_handler(|report| {
    ///         let step: &SlowStep = report.error().downcast_ref().unwrap();
    ///         assert_eq!(step.task(), Some("Task-1"));
    ///         println!("{report}");
    ///     });
    ///     thread::sleep(Duration::from_millis(6)); // blocks all tasks, not only this one
    ///     corio::sleep(Duration::ZERO)
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn set_slow_callback_duration(&self, duration: Duration) {
        self.event_loop.debug.slow.set(duration);
    }
}

/// Takes the time.
struct Watch {
    began: Instant,
    on_processor: Option<Duration>,
}

impl Watch {
    fn begin() -> Self {
        Self { on_processor: time_on_processor(), began: Instant::now() }
    }

    /// How long it was, and how much of that the thread had the processor, if it was long.
    fn end(self, slow: Duration) -> Option<(Duration, Option<Duration>)> {
        let took = self.began.elapsed();
        if took < slow {
            return None;
        }
        let on_processor = time_on_processor().zip(self.on_processor);
        Some((took, on_processor.map(|(now, then)| now.saturating_sub(then))))
    }
}

/// How long this thread has had a processor so far.
fn time_on_processor() -> Option<Duration> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    None
}
