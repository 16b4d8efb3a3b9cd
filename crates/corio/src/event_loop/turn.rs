//! One turn of the loop: what is ready, then the operating system, then the timers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use corio_futures::Error;

use super::current::with_current;
use super::ready::Ready;
use super::{Alarm, BUDGET, EventLoop};
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
        for _ in 0..STEPS_PER_TURN {
            if !self.run_one() || self.hurry.get() {
                break;
            }
        }
        if finished() {
            self.hurry.set(false);
        } else {
            self.poll();
            self.fire_timers();
        }
    }

    fn run_some(&self, count: usize) {
        for _ in 0..count {
            self.run_one();
        }
    }

    /// Runs what has been ready longest. Says whether there was anything.
    #[inline(always)]
    fn run_one(&self) -> bool {
        let left = match self.round.get() {
            0 => self.ready.len(),
            left => left,
        };
        self.round.set(left.saturating_sub(1));
        // SAFETY: a task in the queue is not done, and only a task that is done leaves the table,
        // in `step`, which does not look at it any more then.
        match unsafe { self.ready.pop() } {
            Some(Ready::Step(task)) => self.step(task),
            Some(Ready::Call(callback)) => self.call(callback),
            None => return false,
        }
        true
    }

    fn step(&self, task: &Header) {
        self.steps.set(self.steps.get() + 1);
        self.budget.set(BUDGET);
        let key = task.key;
        let runs = match task.state() {
            State::Ready => true,
            State::Created => self.begin(task),
            _ if task.misses_turn() => return,
            _ => true,
        };
        if !runs || with_current(task, || task.step()) {
            let main = self.main.borrow().as_ref().is_some_and(|main| main.header().is_done());
            if main {
                self.hurry.set(true);
            }
            self.remove(key);
        }
    }

    /// Makes a new task ready for its first step. Says whether it can have one.
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

    pub(super) fn remove(&self, key: usize) {
        let task = self.tasks.borrow_mut().remove(key);
        drop(task);
    }

    fn call(&self, callback: Box<dyn FnOnce()>) {
        let _context = Isolated::new();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(callback)) {
            let error = Error::from(Panicked::in_callback(payload));
            self.report("a callback of the event loop failed", &error);
        }
    }

    /// Asks the operating system what became ready; waits for it if nothing is ready here.
    fn poll(&self) {
        let busy = !self.ready.is_empty() || self.hurry.get();
        if busy && self.reactor.sources() == 0 {
            return;
        }
        let next = self.timers.borrow().next_deadline();
        let timeout = match next {
            _ if busy => Some(Duration::ZERO),
            Some(_) if self.clock.is_virtual() => Some(Duration::ZERO),
            Some(deadline) => Some(deadline.saturating_duration_since(self.now())),
            None if self.waiting_for_io.get() > 0 => None,
            None => return self.break_deadlock(),
        };
        let polled = self.reactor.wait(timeout, |waiters, readiness| {
            if readiness.readable {
                waiters.readable.notify_all();
            }
            if readiness.writable {
                waiters.writable.notify_all();
            }
        });
        if let Err(error) = polled {
            self.report("the operating system could not be polled", &error.into());
        }
        // Virtual time stands still while anything can happen, then jumps.
        if let Some(deadline) = next
            && self.clock.is_virtual()
            && self.ready.is_empty()
        {
            self.clock.advance_to(deadline);
        }
    }

    fn fire_timers(&self) {
        self.hurry.set(false);
        if self.timers.borrow().is_empty() {
            return;
        }
        let now = self.now();
        loop {
            let alarm = self.timers.borrow_mut().pop_expired(now);
            match alarm {
                Some(Alarm::Wake(task)) => task.unpark(),
                Some(Alarm::Expire(task)) => drop(task.header().cancel(&Default::default())),
                Some(Alarm::Call(callback)) => self.call(callback),
                None => return,
            }
        }
    }
}
