//! Nothing is ready, no timer is set, no file descriptor is waited for, and no other thread has a
//! say: nothing will ever happen again. asyncio waits for ever then; corio says which task waits for what, and ends the main
//! task's wait with that.

use std::fmt;
use std::panic::Location;

use corio_futures::Error;

use super::EventLoop;
use crate::report;

/// Every task waits for another, for ever. What each waits for is in the message.
///
/// The main task gets this where it waits, and so, as a rule, whoever called
/// [`run`](crate::run).
///
/// A loop that waits for a job on another thread is not deadlocked, and neither is one of which a
/// [`LoopHandle`](crate::LoopHandle) is alive: whoever has it may wake a task yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlock {
    waits: Vec<(String, String)>,
    /// Where each task was made, in debug mode.
    created: Vec<Option<&'static Location<'static>>>,
}

impl Deadlock {
    /// The waiting tasks: the name of each, and what it waits for.
    pub fn waits(&self) -> impl Iterator<Item = (&str, &str)> {
        self.waits.iter().map(|(task, wait)| (task.as_str(), wait.as_str()))
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 20;
        f.write_str("deadlock: every task waits, and nothing is left that could wake one")?;
        for ((task, wait), created) in self.waits().zip(&self.created).take(SHOWN) {
            write!(f, "\n  task '{task}' waits for {wait}")?;
            if let Some(created) = created {
                write!(f, "; it was created at {created}")?;
            }
        }
        match self.waits.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl std::error::Error for Deadlock {}

/// How often a deadlock is broken in one run before the program is taken to be incorrigible.
const PATIENCE: usize = 100_000;

impl EventLoop {
    /// Interrupts the main task with an account of who waits for what; when that has ended, and
    /// the rest was cancelled, all that would not end.
    pub(super) fn break_deadlock(&self) {
        self.deadlocks.set(self.deadlocks.get() + 1);
        if self.deadlocks.get() > PATIENCE {
            self.give_up();
        }
        let deadlock = Error::from(self.deadlock());
        match self.main_task() {
            Some(main) => main.header().interrupt(deadlock),
            None => {
                for task in self.unfinished_tasks() {
                    task.header().interrupt(deadlock.clone());
                }
            }
        }
    }

    fn deadlock(&self) -> Deadlock {
        let waits = self.unfinished_tasks().into_iter().filter_map(|task| {
            let header = task.header();
            Some(((header.name().to_string(), header.waits_for()?), header.created()))
        });
        let (waits, created) = waits.unzip();
        Deadlock { waits, created }
    }

    /// A task that waits for ever, over and over, whatever it is told. `run` can neither go on nor
    /// return, since its caller's locals may be borrowed.
    fn give_up(&self) -> ! {
        let error = Error::from(self.deadlock());
        report::print("a task does not end although its waits have failed time and again", &error);
        std::process::abort()
    }
}
