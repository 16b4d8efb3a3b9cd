//! Writes a trace while a program runs, up to the point where asyncio closes the loop.
//!
//! There the two part. When the main task has ended, asyncio cancels what is left and waits for it,
//! but not for what *that* has started meanwhile; corio waits until nothing runs any more. And
//! asyncio cannot cancel tasks that wait for one another in a circle: it fails with a
//! `RecursionError`, and nothing runs any more. What corio does beyond is not recorded.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use corio::{Error, Result, SharedTask, get_running_loop};

use super::trace::{Event, Trace, Value, deadlock_in};

/// Tasks by name, without the main task.
pub(super) type Tasks = BTreeMap<String, SharedTask<'static, Value>>;

/// See the module's documentation.
pub(super) struct Recorder {
    began: Instant,
    trace: RefCell<Trace>,
    /// Whom each task waits for and cancels if it is cancelled itself.
    awaited: RefCell<BTreeMap<String, Vec<String>>>,
    /// The main task has ended.
    closing: RefCell<Option<Closing>>,
    /// Every task waits for what never comes; the program is not to go on.
    halted: Cell<bool>,
    deadlock: RefCell<Option<String>>,
}

/// What the main task has left.
struct Closing {
    left: Tasks,
    /// When one of them ended last.
    last_end: Instant,
    /// Some wait for one another in a circle.
    circular: bool,
}

impl Recorder {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            began: get_running_loop()?.time(),
            trace: RefCell::default(),
            awaited: RefCell::default(),
            closing: RefCell::new(None),
            halted: Cell::new(false),
            deadlock: RefCell::new(None),
        })
    }

    /// The trace, and the deadlock that halted the program, if one did.
    pub(super) fn take(&self) -> (Trace, Option<String>) {
        (self.trace.take(), self.deadlock.take())
    }

    /// Adds an event to the trace of a task.
    pub(super) fn record(&self, task: &str, words: Vec<String>) {
        let now = self.now();
        let closed = self.closing.borrow().as_ref().is_some_and(|closing| closing.is_over(now));
        if closed || self.halted.get() {
            return;
        }
        let rounded = now - self.began + Duration::from_nanos(500);
        let at = rounded.as_micros().try_into().unwrap_or(u64::MAX);
        self.trace.borrow_mut().entry(task.to_owned()).or_default().push(Event { at, words });
    }

    /// Runs `wait`, in which `task` waits for others and cancels them if it is cancelled.
    pub(super) fn while_awaiting<T>(
        &self,
        task: &str,
        others: &[String],
        wait: impl FnOnce() -> T,
    ) -> T {
        self.awaited.borrow_mut().insert(task.to_owned(), others.to_vec());
        let waited = wait();
        self.awaited.borrow_mut().remove(task);
        waited
    }

    /// Takes note that the main task has ended. `tasks` are all the others.
    pub(super) fn main_ended(&self, tasks: &Tasks) {
        let mut left = tasks.clone();
        left.retain(|_, task| !task.done());
        let circular = left.keys().any(|task| self.awaits_itself(task, &left));
        self.closing.replace(Some(Closing { left, last_end: self.now(), circular }));
    }

    /// Takes note that a task other than the main task has ended.
    pub(super) fn task_ended(&self, task: &str) {
        if let Some(closing) = &mut *self.closing.borrow_mut()
            && closing.left.contains_key(task)
        {
            closing.last_end = self.now();
        }
    }

    /// Halts the program if an error tells of a deadlock.
    pub(super) fn look_for_a_deadlock(&self, error: &Error) {
        let Some(deadlock) = deadlock_in(error) else { return };
        let closed = self.closing.borrow().as_ref().is_some_and(Closing::is_at_its_end);
        if !self.halted.replace(true) && !closed {
            self.deadlock.replace(Some(deadlock.to_string()));
        }
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted.get()
    }

    /// Whether `task` waits for one that waits for … `task`, all of them being `left`.
    fn awaits_itself(&self, task: &str, left: &Tasks) -> bool {
        let awaited = self.awaited.borrow();
        let others = |task: &str| awaited.get(task).into_iter().flatten().map(String::as_str);
        let mut seen = Vec::new();
        let mut next: Vec<&str> = others(task).collect();
        while let Some(other) = next.pop() {
            if other == task {
                return true;
            }
            if left.contains_key(other) && !seen.contains(&other) {
                seen.push(other);
                next.extend(others(other));
            }
        }
        false
    }

    fn now(&self) -> Instant {
        get_running_loop().map_or(self.began, |event_loop| event_loop.time())
    }
}

impl Closing {
    /// Whether asyncio's loop is closed by then.
    fn is_over(&self, now: Instant) -> bool {
        self.circular || (self.is_at_its_end() && now > self.last_end)
    }

    /// Whether nothing runs any more that asyncio would wait for.
    fn is_at_its_end(&self) -> bool {
        self.circular || self.left.values().all(SharedTask::done)
    }
}
