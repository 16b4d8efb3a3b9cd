//! Writes a trace while a program runs, up to the point where asyncio closes the loop.
//!
//! There the two part. When the main task has ended, asyncio cancels what is left and waits for it,
//! but drops what *that* has started meanwhile; corio cancels and waits for that as well. And
//! asyncio cannot cancel tasks that wait for one another in a circle: it fails with a
//! `RecursionError`, and nothing runs any more. What corio does beyond is not recorded.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use corio::{Cancelled, Error, Result, ReturnWhen, SharedTask, get_running_loop, sleep, wait};
use corio_futures::contract::{Wait, park};

use super::trace::{Event, Trace, Value, deadlock_in};

/// Tasks by name, without the main task.
pub(super) type Tasks = BTreeMap<String, SharedTask<'static, Value>>;

/// See the module's documentation.
pub(super) struct Recorder {
    began: Instant,
    trace: RefCell<Trace>,
    /// Whom each task waits for and cancels if it is cancelled itself.
    awaited: RefCell<BTreeMap<String, Vec<String>>>,
    /// asyncio's loop would be closed by now.
    closed: Cell<bool>,
    /// Every task waits for what never comes; the program is not to go on.
    halted: Cell<bool>,
    deadlock: RefCell<Option<String>>,
}

impl Recorder {
    /// How often asyncio's loop goes round when the last task has ended: twice to say so to
    /// `gather` and to `run_until_complete`, twice each to shut down generators and executor.
    const LAST_ROUNDS: usize = 6;

    /// The name of the task that [closes](Self::close) the recorder.
    pub(super) const CLOSING: &str = "(closing)";

    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            began: get_running_loop()?.time(),
            trace: RefCell::default(),
            awaited: RefCell::default(),
            closed: Cell::new(false),
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
        if self.closed.get() || self.halted.get() {
            return;
        }
        let Ok(event_loop) = get_running_loop() else { return };
        let rounded = event_loop.time() - self.began + Duration::from_nanos(500);
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

    /// Waits for the closing of the loop, which begins with the cancellation of all tasks, and then
    /// for what was left to cancel; `tasks` are those of the program. To be run in a task of its
    /// own, made before all the others.
    pub(super) fn close(&self, tasks: &RefCell<Tasks>) -> Result<()> {
        let left = RefCell::new(Tasks::new());
        let closing_begins = |_: &Cancelled| {
            let mut unfinished = tasks.borrow().clone();
            unfinished.retain(|_, task| !task.done());
            self.closed.set(unfinished.keys().any(|task| self.awaits_itself(task, &unfinished)));
            left.replace(unfinished);
            false
        };
        let closing = Wait::new("the loop to be closed").on_cancel(&closing_begins);
        while park(&closing).is_ok() {}
        let left = left.take();
        if !left.is_empty() {
            wait(left.values(), ReturnWhen::AllCompleted, None)?;
        }
        for _ in 1..Self::LAST_ROUNDS {
            sleep(Duration::ZERO)?;
        }
        self.closed.set(true);
        Ok(())
    }

    /// Halts the program if an error tells of a deadlock.
    pub(super) fn look_for_a_deadlock(&self, error: &Error) {
        let Some(deadlock) = deadlock_in(error) else { return };
        if !self.halted.replace(true) && !self.closed.get() {
            let waits = deadlock.waits().filter(|(task, _)| *task != Self::CLOSING);
            let lines = waits.map(|(task, wait)| format!("\n  {task} waits for {wait}"));
            self.deadlock.replace(Some(format!("deadlock{}", lines.collect::<String>())));
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
}
