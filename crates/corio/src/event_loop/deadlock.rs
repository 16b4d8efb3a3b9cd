//! Nothing is ready, no timer is set, no file descriptor is waited for: nothing will ever happen
//! again. asyncio waits for ever then; corio says which task waits for what, and ends the main
//! task's wait with that.

use std::fmt;

use super::EventLoop;

/// Every task waits for another, for ever. What each waits for is in the message.
///
/// The main task gets this where it waits, and so, as a rule, whoever called
/// [`run`](crate::run).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlock {
    waits: Vec<(String, String)>,
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
        for (task, wait) in self.waits().take(SHOWN) {
            write!(f, "\n  task '{task}' waits for {wait}")?;
        }
        match self.waits.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

impl std::error::Error for Deadlock {}

impl EventLoop {
    /// Interrupts the oldest task with an account of who waits for what.
    ///
    /// The oldest is the main task; or, when that has ended and the rest was cancelled, one that
    /// would not end.
    pub(super) fn break_deadlock(&self) {
        self.deadlocks.set(self.deadlocks.get() + 1);
        let tasks = self.unfinished_tasks();
        let waits = tasks.iter().filter_map(|task| {
            let header = task.header();
            Some((header.name().to_string(), header.waits_for()?))
        });
        let deadlock = Deadlock { waits: waits.collect() };
        if let Some(oldest) = tasks.first() {
            oldest.header().interrupt(deadlock.into());
        }
    }
}
