//! What a yield can say instead of bringing back a value.

use std::error::Error as StdError;
use std::fmt;

use corio_coroutine::Interrupted;
use corio_futures::Error;

/// The generator is being closed: nobody wants another value. asyncio's `GeneratorExit`.
///
/// What [`Co::yield_`](crate::Co::yield_) returns then. Let `?` carry it out; the cleanup on the
/// way may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the generator is being closed: clean up and return")]
pub struct GeneratorExit;

impl GeneratorExit {
    /// Whether `error` is this.
    pub(crate) fn is(error: &Error) -> bool {
        error.downcast_ref::<Self>().is_some()
    }
}

/// A generator was to yield out of a timeout or a task group.
///
/// That would go on while the task does something else, and cancel it there when time is up or a
/// child fails. The value was not yielded; the generator runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a generator cannot yield while a timeout or task group is open in its body: it would cancel \
     whatever its task does meanwhile. Yield after it, open it around the use of the generator, or \
     make the generator a context manager"
)]
pub struct ScopeLeftOpen;

/// An [`Error`] on its way into a generator: the way takes standard errors only.
#[derive(Debug)]
pub(super) struct Carried(pub(super) Error);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Carried {}

/// What was thrown, as it was.
pub(super) fn unpack(thrown: Box<dyn StdError + Send + Sync>) -> Error {
    match thrown.downcast::<Carried>() {
        Ok(carried) => carried.0,
        Err(other) => Error::msg(other.to_string()),
    }
}

/// What a body sees of an interruption.
#[cold]
pub(super) fn interruption(interrupted: Interrupted) -> Error {
    match interrupted {
        Interrupted::Closed => GeneratorExit.into(),
        Interrupted::Thrown(thrown) => unpack(thrown),
        other => other.into(),
    }
}
