//! What can go wrong on either side of a generator.

use std::error::Error;

/// An error that a caller throws into a generator.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Why a [`Generator`](super::Generator) did not do what was asked.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{Generator, GeneratorError};
///
/// let echo = Generator::<u8, u8>::two_way(|co| {
///     let first = co.yield_(0);
///     co.yield_(first);
/// });
/// assert!(matches!(echo.send(1), Err(GeneratorError::NotStarted)));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GeneratorError {
    /// Its body is running: the call came from inside it, or from another coroutine while it waits for something.
    #[error(
        "the generator is running already: it was called from inside its own body, or while somebody else waits for it"
    )]
    Running,
    /// A value was sent before there was a yield to return it.
    #[error(
        "the generator has not started, so no yield waits for the value: call start() or next() first"
    )]
    NotStarted,
    /// It was started a second time.
    #[error("the generator has started already: call send() or next() to go on")]
    AlreadyStarted,
    /// A value was sent to a generator that has returned, was closed, or panicked.
    #[error("the generator has finished, so no yield waits for the value")]
    Finished,
    /// The body yielded although it was asked to end.
    #[error("the generator yielded again instead of ending when it was closed")]
    IgnoredClose,
    /// The error that was thrown in came out of the body.
    #[error("the generator let out the error that was thrown into it: {0}")]
    Thrown(#[source] BoxError),
}

/// Why [`try_yield`](super::Co::try_yield) did not bring back a value.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{Generator, Interrupted};
///
/// let polite = Generator::two_way(|co| {
///     let result: Result<(), Interrupted> = co.try_yield(1);
///     format!("{}", result.unwrap_err())
/// });
/// polite.start()?;
/// assert_eq!(polite.close()?.as_deref(), Some("the generator was closed"));
/// # Ok::<(), corio_coroutine::GeneratorError>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Interrupted {
    /// Nobody wants more values: clean up and return.
    #[error("the generator was closed")]
    Closed,
    /// The caller threw this.
    #[error("an error was thrown into the generator: {0}")]
    Thrown(#[source] BoxError),
    /// The body's stack is being unwound, and this is a destructor on it: nothing can be yielded any more.
    #[error("the generator's stack is being unwound, so nothing can be yielded any more")]
    Unwinding,

    /// The code that yields does not run inside the generator: it is another task, or on a stack that the generator did
    /// not resume. The generator itself has not been interrupted.
    #[error(
        "this code does not run inside the generator that it yields for, but as another task, or on a stack that the \
         generator did not resume: yield in the generator's own body, or send the value to it"
    )]
    Outside,
}

/// What a stack unwinds with when an error that was thrown into a generator is not looked at.
///
/// Code inside the body can catch it with [`std::panic::catch_unwind`] and find out what it was.
///
/// # Examples
///
/// ```
/// use std::panic::{AssertUnwindSafe, catch_unwind};
/// use corio_coroutine::{CoroutineState, Generator, Thrown};
///
/// let careful = Generator::two_way(|co| {
///     let payload = catch_unwind(AssertUnwindSafe(|| -> () { co.yield_(1) })).unwrap_err();
///     payload.downcast::<Thrown>().unwrap().0.to_string()
/// });
/// careful.start()?;
/// assert_eq!(careful.throw("out of luck")?, CoroutineState::Complete("out of luck".to_string()));
/// # Ok::<(), corio_coroutine::GeneratorError>(())
/// ```
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "the error is all there is to it")]
pub struct Thrown(pub BoxError);
