//! What a run leaves behind.

use std::collections::BTreeMap;
use std::fmt;

use corio::{
    BrokenBarrier, CannotAwait, Deadlock, Error, InvalidState, NothingToWaitFor, QueueEmpty,
    QueueFull, QueueShutDown,
};
use corio_futures::TooManyTasksDone;

/// The events of each task, in order.
pub type Trace = BTreeMap<String, Vec<Event>>;

/// What a task did, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// In virtual microseconds.
    pub at: u64,
    /// The operation, what it was applied to, the outcome: whichever of them there are.
    pub words: Vec<String>,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7}", self.at)?;
        self.words.iter().filter(|word| !word.is_empty()).try_for_each(|word| write!(f, " {word}"))
    }
}

/// What tasks return, futures are set to and queues hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Nothing.
    None,
    /// A truth value.
    Bool(bool),
    /// A number.
    Int(i64),
}

/// As a trace spells an outcome: `ok`, `ok:true`, `ok:7`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("ok"),
            Self::Bool(value) => write!(f, "ok:{value}"),
            Self::Int(value) => write!(f, "ok:{value}"),
        }
    }
}

impl Value {
    /// A number of things.
    pub(super) fn count(count: usize) -> Self {
        Self::Int(count.try_into().expect("no count is that large"))
    }
}

/// An error that a program raises.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct UserError(pub String);

/// What asyncio raises a `RuntimeError` for and corio has no error of its own.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the task group is shutting down")]
pub struct GroupIsClosed;

/// What came of something, as a trace spells it.
pub fn outcome(result: &corio::Result<impl fmt::Display>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(error) => outcome_of(error),
    }
}

/// An error, as a trace spells it.
pub fn outcome_of(error: &Error) -> String {
    if let Some(group) = error.group() {
        let mut members: Vec<_> = group.errors().iter().map(outcome_of).collect();
        members.sort();
        return format!("group({})", members.join(","));
    }
    if let Some(UserError(name)) = error.downcast_ref() {
        return format!("error:{name}");
    }
    let outcome = match error {
        error if error.is_cancelled() => "cancelled",
        error if error.is_timeout() => "timeout",
        error if is::<BrokenBarrier>(error) => "broken_barrier",
        error if is::<InvalidState>(error) => "invalid_state",
        error if is::<QueueEmpty>(error) => "queue_empty",
        error if is::<QueueFull>(error) => "queue_full",
        error if is::<QueueShutDown>(error) => "queue_shutdown",
        error if is::<TooManyTasksDone>(error) || is::<NothingToWaitFor>(error) => "value_error",
        error if is::<CannotAwait>(error) || is::<GroupIsClosed>(error) => "runtime_error",
        error => return format!("unknown({error})"),
    };
    outcome.to_owned()
}

fn is<E: std::error::Error + 'static>(error: &Error) -> bool {
    error.downcast_ref::<E>().is_some()
}

/// The deadlock that an error tells of, be it as the member of a group.
pub fn deadlock_in(error: &Error) -> Option<&Deadlock> {
    match error.group() {
        Some(group) => group.leaves().find_map(Error::downcast_ref),
        None => error.downcast_ref(),
    }
}
