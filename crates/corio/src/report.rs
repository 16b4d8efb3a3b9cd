//! Failures that nobody waits for.

use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use corio_futures::Error;

use crate::event_loop::{EventLoop, current_header};

/// A failure that nobody waits for: what the exception handler of a loop is given.
#[derive(Clone, Debug)]
pub struct Report {
    message: String,
    error: Error,
}

impl Report {
    pub(crate) fn new(message: &str, error: &Error) -> Self {
        Self { message: message.to_owned(), error: error.clone() }
    }

    /// What happened, with the name of the task.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The failure.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.error)
    }
}

/// Reports to the loop that runs, if there is one.
pub(crate) fn unheard(message: &str, error: &Error) {
    match EventLoop::current("a report") {
        Ok(event_loop) => event_loop.report(message, error),
        Err(_) => print(message, error),
    }
}

/// Deals with an error that a destructor has no way to let out. A cancellation of the current task is
/// delivered again where it waits next; everything else is reported.
pub(crate) fn from_destructor(message: impl fmt::Display, error: &Error) {
    match error.cancelled() {
        Some(cancelled) => {
            if let Some(task) = current_header() {
                task.redeliver(cancelled);
            }
        }
        None => unheard(&message.to_string(), error),
    }
}

/// What happens to a report where there is no handler.
///
/// Never panics: neither for a standard error stream that nobody reads any more, nor for an error
/// that fails to describe itself.
pub(crate) fn print(message: &str, error: &Error) {
    let text = catch_unwind(AssertUnwindSafe(|| format!("corio: {message}: {error:?}\n")));
    let text = text.unwrap_or_else(|_| format!("corio: {message}\n"));
    let written = io::stderr().write_all(text.as_bytes());
    drop(written);
}
