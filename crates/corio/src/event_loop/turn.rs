//! One turn of the loop: what is ready, then the operating system, then the timers.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use corio_futures::Error;

use super::current::{CurrentTask, with_current};
use super::ready::Ready;
use super::{Alarm, EventLoop};
use crate::context::Isolated;
use crate::task::{Header, Panicked, Runnable, State};

/// Steps before the operating system is polled although something is ready.
const STEPS_PER_TURN: usize = 64;

impl EventLoop {
    /// Turns until `task`, the main task, has ended.
    ///
    /// asyncio's loop notices that in the round after, where a round is what was ready when the
    /// round before it was through. So the others have the rest of this round and one more.
    pub(crate) fn run_until_done(&self, task: Rc<dyn Runnable>) {
        self.main.replace(Some(Rc::clone(&task)));
        self.deadlocks.set(0);
        while !task.header().is_done() {
            self.turn(|| task.header().is_done());
        }
        self.main.replace(None);
        self.run_some(self.round.get());
        self.run_some(self.ready.len());
    }

    /// One turn, without the look outside if `finished` says that nobody waits for it any more.
    pub(crate) fn turn(&self, finished: impl Fn() -> bool) {
        if self.debug.is_on() {
            self.run_ready::<true>();
        } else {
            self.run_ready::<false>();
        }
        if finished() {
            self.hurry.set(false);
        } else {
            self.poll();
            if self.signals.has_news() {
                self.signals.deliver(self);
            }
            self.fire_timers();
        }
    }

    /// Runs what is ready, watched in debug mode.
    fn run_ready<const WATCHED: bool>(&self) {
        for _ in 0..STEPS_PER_TURN {
            if !self.run_one::<WATCHED>() || self.hurry.get() {
                break;
            }
        }
    }

    fn run_some(&self, count: usize) {
        for _ in 0..count {
            if self.debug.is_on() {
                self.run_one::<true>();
            } else {
                self.run_one::<false>();
            }
        }
    }

    /// Runs what has been ready longest. Says whether there was anything.
    #[inline(always)]
    fn run_one<const WATCHED: bool>(&self) -> bool {
        let left = match self.round.get() {
            0 => self.ready.len(),
            left => left,
        };
        self.round.set(left.saturating_sub(1));
        // SAFETY: only a task that is done leaves the table, in `step`, which does not look at it
        // any more then; and only a child is in the queue when it is done, once, and leaves the
        // table when it is taken out.
        match unsafe { self.ready.pop() } {
            Some(Ready::Step(task)) => self.step::<WATCHED>(task),
            Some(Ready::Call(callback)) => self.call(callback),
            None => return false,
        }
        true
    }

    // Inlined, so that no `ret` of the loop comes between two tasks: the processor predicts where a
    // `ret` goes from the `call`s that it saw, and two tasks that wait in the same place have left the
    // same `call`s behind (measured: a contended lock, 76 ns; with this, 59).
    #[inline(always)]
    fn step<const WATCHED: bool>(&self, task: &Header) {
        let key = task.key;
        let runs = match task.state() {
            State::Ready => true,
            State::Created => self.begin(task),
            State::Done => return self.report_end(key),
            _ if task.misses_turn() => return,
            _ => true,
        };
        self.steps.set(self.steps.get() + 1);
        let run = || match WATCHED {
            true => self.watch_step(task),
            false => with_current(task, || task.step()),
        };
        if !runs || run() {
            self.end(key, task.is_child);
        } else if task.is_disturbed() {
            Self::deliver_pending(task);
        }
    }

    /// Tells a task that has just parked of a cancellation that came before.
    #[cold]
    #[inline(never)]
    fn deliver_pending(task: &Header) {
        let _context = Isolated::new();
        task.deliver_pending();
    }

    /// Lets go of a task that is done, if no nursery is to be told first.
    fn end(&self, key: usize, is_child: bool) {
        let main = self.main.borrow().as_ref().is_some_and(|main| main.header().is_done());
        if main {
            self.hurry.set(true);
        }
        if !is_child {
            self.let_go(self.remove(key));
        }
    }

    /// Tells the nursery that a child of it is done, and lets go of that.
    fn report_end(&self, key: usize) {
        let task = self.remove(key);
        task.report_end();
        self.let_go(task);
    }

    /// Drops the loop's share of a task that is done. It may be the last, and the task's context may
    /// hold the last of a value, whose destructor is the code of others.
    fn let_go(&self, task: Rc<dyn Runnable>) {
        if task.header().context().is_empty() {
            return drop(task);
        }
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(task))) {
            let error = Panicked::new("(context)", payload).into();
            self.report("a value of a task's context failed as it was dropped", &error);
        }
    }

    /// Makes a new task ready for its first step. Says whether it can have one.
    #[inline(never)]
    pub(super) fn begin(&self, header: &Header) -> bool {
        let begun = match header.take_pending() {
            Some(cancelled) => Err(cancelled.into()),
            None => self.task(header.key).start(),
        };
        match begun {
            Ok(coroutine) => header.set_coroutine(coroutine),
            Err(error) => self.task(header.key).refuse(error),
        }
        !header.is_done()
    }

    pub(super) fn remove(&self, key: usize) -> Rc<dyn Runnable> {
        self.tasks.borrow_mut().remove(key)
    }

    fn call(&self, callback: Box<dyn FnOnce()>) {
        if self.debug.is_on() {
            return self.watch_call(|| self.call_unwatched(callback));
        }
        self.call_unwatched(callback);
    }

    fn call_unwatched(&self, callback: Box<dyn FnOnce()>) {
        let failed = |what: &str, payload| {
            self.report(what, &Error::from(Panicked::in_callback(payload)));
        };
        let in_its_context = || {
            let _context = Isolated::new();
            if let Err(payload) = catch_unwind(AssertUnwindSafe(callback)) {
                failed("a callback of the event loop failed", payload);
            }
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(in_its_context)) {
            failed("a value of a callback's context failed as it was dropped", payload);
        }
    }

    /// Asks the operating system what became ready; waits for it if nothing is ready here.
    fn poll(&self) {
        self.collect();
        let busy = !self.ready.is_empty() || self.hurry.get() || self.signals.has_news();
        if busy && self.reactor.sources() == 0 {
            self.ready.note_outside(false);
            return;
        }
        let next = self.timers.borrow().next_deadline();
        let timeout = match next {
            _ if busy => Some(Duration::ZERO),
            Some(deadline) if self.clock.is_virtual() => Some(self.hold_the_clock(deadline)),
            Some(deadline) => Some(deadline.saturating_duration_since(self.now())),
            None if self.may_be_woken() => None,
            None => return self.break_deadlock(),
        };
        // If nobody outside can call or wake a task, nobody becomes able to while this thread sleeps.
        let listens = timeout != Some(Duration::ZERO) && self.may_be_woken();
        let mail_came = listens && !self.threads.nod_off();
        let timeout = if mail_came { Some(Duration::ZERO) } else { timeout };
        let polled = self.reactor.wait(timeout, |waiters, readiness| {
            if readiness.readable {
                waiters.readable.notify_all();
            }
            if readiness.writable {
                waiters.writable.notify_all();
            }
        });
        match polled {
            Ok(count) => self.ready.note_outside(count > 0),
            Err(error) => {
                self.report("the operating system could not be polled", &error.into());
            }
        }
        if listens {
            self.threads.wake_up();
            self.collect();
        }
        // Virtual time stands still while anything can happen, then jumps.
        if let Some(deadline) = next
            && self.clock.is_virtual()
            && self.ready.is_empty()
            && self.hold_the_clock(deadline).is_zero()
        {
            self.clock.advance_to(deadline);
            self.threads.release();
        }
    }

    /// Whether the outside world may make something ready.
    fn may_be_woken(&self) -> bool {
        self.waiting_for_io.get() > 0 || self.threads.may_call() || self.signals.has_handlers()
    }

    /// How long, in real time, virtual time must stand still before it may jump to `deadline`.
    fn hold_the_clock(&self, deadline: Instant) -> Duration {
        self.threads.hold(deadline.saturating_duration_since(self.now()))
    }

    fn fire_timers(&self) {
        self.hurry.set(false);
        if self.timers.borrow().is_empty() {
            return;
        }
        let now = self.now();
        let mut sleepers = Sleepers::default();
        loop {
            let alarm = self.timers.borrow_mut().pop_expired(now);
            if !matches!(alarm, Some(Alarm::Wake(_))) {
                sleepers.wake_now();
            }
            match alarm {
                Some(Alarm::Wake(sleeper)) => sleepers.wake_soon(sleeper),
                Some(Alarm::Expire(task)) => drop(task.header().cancel(&Default::default())),
                // Not at once: it may set a timer that has expired already.
                Some(Alarm::Call(callback)) => self.ready.push_callback(callback),
                None => return,
            }
        }
    }
}

/// Sleepers whose time has come, in order, on their way to be woken.
///
/// What a wake-up touches has left the cache where many sleep, so it is asked for first, and touched
/// when a few others have been asked for. Nothing else happens meanwhile.
#[derive(Default)]
struct Sleepers {
    asked_for: [Option<CurrentTask>; Self::AHEAD],
    oldest: usize,
}

impl Sleepers {
    const AHEAD: usize = 8;

    fn wake_soon(&mut self, sleeper: CurrentTask) {
        sleeper.prefetch_state();
        self.wake_oldest(Some(sleeper));
    }

    fn wake_now(&mut self) {
        for _ in 0..Self::AHEAD {
            self.wake_oldest(None);
        }
    }

    fn wake_oldest(&mut self, newest: Option<CurrentTask>) {
        let oldest = mem::replace(&mut self.asked_for[self.oldest], newest);
        self.oldest = (self.oldest + 1) % Self::AHEAD;
        if let Some(sleeper) = oldest {
            sleeper.alarm_set.set(false);
            sleeper.unpark();
        }
    }
}
