//! How a body ends, and what each exit makes of it.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;

use corio_futures::{Error, Result};

type Payload = Box<dyn Any + Send>;

/// How the body has ended and what the managers that were left since have made of it.
///
/// A panic counts as an error, so that exits can see it, and wait; when all have run it goes on.
/// It cannot be swallowed.
pub(super) struct Outcome {
    result: Result<()>,
    /// What the body failed with, or the first exit that did: there is no value then, whatever
    /// becomes of the error.
    failure: Option<Error>,
    panic: Option<(Payload, Error)>,
}

impl Outcome {
    /// A body that has succeeded.
    pub(super) fn success() -> Self {
        Self::from(Ok(()))
    }

    /// Runs the body. Its value comes first, if there is one.
    pub(super) fn of<T>(body: impl FnOnce() -> Result<T>) -> (Option<T>, Self) {
        match Self::entering(body) {
            Ok(value) => (Some(value), Self::success()),
            Err(outcome) => (None, outcome),
        }
    }

    /// Enters a manager inside others, to whom its failure is their body's.
    pub(super) fn entering<V>(enter: impl FnOnce() -> Result<V>) -> Result<V, Self> {
        match catch_unwind(AssertUnwindSafe(enter)) {
            Ok(entered) => entered.map_err(|error| Self::from(Err(error))),
            Err(payload) => {
                let error = Error::from(BodyPanicked::new(&*payload));
                Err(Self { panic: Some((payload, error.clone())), ..Self::from(Err(error)) })
            }
        }
    }

    /// Leaves one manager.
    pub(super) fn leave(&mut self, exit: impl FnOnce(Result<()>) -> Result<()>) {
        let before = self.result.clone();
        let (_, mut after) = Self::of(|| exit(before));
        if let (Err(error), Err(earlier)) = (&after.result, &self.result) {
            after.result = Err(ExitFailed::chain(error, earlier));
        }
        self.result = after.result;
        self.failure = self.failure.take().or_else(|| self.result.as_ref().err().cloned());
        // The first panic goes on; of another, the panic hook has told.
        self.panic = self.panic.take().or(after.panic);
        if let (Ok(()), Some((_, error))) = (&self.result, &self.panic) {
            self.result = Err(error.clone());
        }
    }

    /// What came of it all: an error, or the body's value, or the error of the body that was
    /// swallowed.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<Result<T, Suppressed>> {
        if let Some((payload, _)) = self.panic {
            resume_unwind(payload);
        }
        self.result?;
        Ok(match (self.failure, value) {
            (None, Some(value)) => Ok(value),
            (failure, _) => Err(Suppressed { error: failure.map(|error| error.to_string()) }),
        })
    }
}

impl From<Result<()>> for Outcome {
    fn from(result: Result<()>) -> Self {
        let failure = result.as_ref().err().cloned();
        Self { result, failure, panic: None }
    }
}

/// The exit of a context manager failed, or replaced the error that it was given.
///
/// It shows, and its sources are, the new error; [`earlier`](Self::earlier) has the others, which
/// Python keeps as the `__context__` of an exception.
#[derive(Clone, Debug)]
pub struct ExitFailed {
    error: Error,
    earlier: Vec<Error>,
}

impl ExitFailed {
    /// `error` as the answer to `earlier`, unless they are the same.
    fn chain(error: &Error, earlier: &Error) -> Error {
        if is_same(error, earlier) {
            return error.clone();
        }
        // Flat, however many exits fail in a row: nothing recurses into it.
        let before = earlier.downcast_ref::<Self>().filter(|top| is_top(earlier, top));
        let earlier = match before {
            Some(before) => [std::slice::from_ref(&before.error), &before.earlier].concat(),
            None => vec![earlier.clone()],
        };
        Self { error: error.clone(), earlier }.into()
    }

    /// The error that the exit ended with.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// What the body, and exits before this one, had failed with: the latest first.
    pub fn earlier(&self) -> &[Error] {
        &self.earlier
    }
}

impl fmt::Display for ExitFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.error)?;
        match self.earlier.first() {
            Some(earlier) => write!(f, " (while handling: {earlier})"),
            None => Ok(()),
        }
    }
}

impl StdError for ExitFailed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.error.as_error())
    }
}

/// Whether one is a clone of the other; all cancellations are one.
fn is_same(one: &Error, other: &Error) -> bool {
    ptr::addr_eq(one.as_error(), other.as_error()) || one.is_cancelled() && other.is_cancelled()
}

/// Whether `top` is `error` itself, not a source of it.
fn is_top(error: &Error, top: &ExitFailed) -> bool {
    ptr::addr_eq(error.as_error(), top)
}

/// The body of a [`with`](crate::with()) panicked: what its managers see of that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body panicked: {message}")]
pub struct BodyPanicked {
    message: String,
}

impl BodyPanicked {
    fn new(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self { message: text.unwrap_or("(a payload that is no text)").to_owned() }
    }

    /// One that unwinds the caller, so that nobody has its message yet.
    pub(super) fn unseen() -> Self {
        Self { message: "(a panic that is under way)".to_owned() }
    }

    /// What the panic had to say.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// A manager swallowed the error of the body, so there is no value for [`with`](crate::with()) to
/// return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    error: Option<String>,
}

impl fmt::Display for Suppressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a context manager swallowed the error of the body, which leaves `with` without a \
             value to return: use `with_suppressing`",
        )?;
        match &self.error {
            Some(error) => write!(f, " (the error: {error})"),
            None => Ok(()),
        }
    }
}

impl StdError for Suppressed {}
