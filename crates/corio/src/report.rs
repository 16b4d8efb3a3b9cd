//! Failures that nobody waits for.

use std::fmt;

use corio_futures::Error;

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

/// What happens to a report where there is no handler.
#[expect(clippy::print_stderr, reason = "the last resort for an error is to be seen")]
pub(crate) fn print(message: &str, error: &Error) {
    eprintln!("corio: {message}: {error:?}");
}
