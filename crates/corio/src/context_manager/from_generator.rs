//! A context manager that is written as a generator.

use std::panic::Location;

use corio_coroutine::CoroutineState;
use corio_futures::Result;

use super::ContextManager;
use crate::generator::{Co, Generator, OpenScopes};

/// A context manager of a generator that yields once: what is before the yield sets up, what is
/// after it tidies up. Python's `asynccontextmanager`.
///
/// The yielded value is given to the body. `yield_` returns when the body has ended, with the
/// body's error if it failed: hand it on, replace it, or swallow it by returning `Ok(())`. Unlike
/// other generators, this one may yield inside a timeout or a task group, which then holds for the
/// body. (It is the entering task that they cancel, so leave such a manager in the same one.)
///
/// # Panics
///
/// If there is no memory for another stack.
///
/// # Errors
///
/// Entering and leaving fail with what the generator fails with, and with
/// [`ContextManagerMisused`] if it does not yield exactly once.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio::{GeneratorContextManager, contextmanager, sleep, timeout, with};
///
/// fn connection(host: &'static str) -> GeneratorContextManager<String> {
///     contextmanager(move |co| {
///         sleep(Duration::from_millis(1))?; // connect
///         let outcome = co.yield_(format!("connection to {host}"));
///         sleep(Duration::from_millis(1))?; // disconnect
///         outcome
///     })
/// }
///
/// corio::run(|| {
///     let length = with(connection("localhost"), |connection| Ok(connection.len()))?;
///     assert_eq!(length, 23);
///
///     // A limit on whatever is done inside.
///     let patient = contextmanager(|co| timeout(Duration::from_millis(1), || co.yield_(())));
///     let error = with(patient, |()| sleep(Duration::from_secs(60))).unwrap_err();
///     assert!(error.is_timeout());
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn contextmanager<T, F>(body: F) -> GeneratorContextManager<T>
where
    F: FnOnce(&Co<'_, T>) -> Result<()> + 'static,
{
    GeneratorContextManager {
        generator: Generator::with_scopes(OpenScopes::Allowed, body),
        made: Location::caller(),
    }
}

/// A context manager made by [`contextmanager`].
#[derive(Debug)]
#[must_use = "a context manager does nothing until it is entered by `with`"]
pub struct GeneratorContextManager<T: 'static> {
    generator: Generator<T>,
    made: &'static Location<'static>,
}

impl<T> GeneratorContextManager<T> {
    /// Ends a generator that has yielded once too often.
    fn misused(&self, error: ContextManagerMisused) -> Result<()> {
        self.generator.close()?;
        Err(error.into())
    }
}

impl<T> ContextManager for GeneratorContextManager<T> {
    type Value = T;

    fn enter(&mut self) -> Result<T> {
        match self.generator.start()? {
            CoroutineState::Yielded(value) => Ok(value),
            CoroutineState::Complete(()) => {
                Err(ContextManagerMisused::DidNotYield(self.made).into())
            }
        }
    }

    fn exit(self, outcome: Result<()>) -> Result<()> {
        let failed = outcome.is_err();
        let step = match outcome {
            Ok(()) => self.generator.send(()),
            Err(error) => self.generator.throw(error),
        };
        match step? {
            CoroutineState::Complete(()) => Ok(()),
            CoroutineState::Yielded(_) if failed => {
                self.misused(ContextManagerMisused::DidNotStopAfterError(self.made))
            }
            CoroutineState::Yielded(_) => {
                self.misused(ContextManagerMisused::DidNotStop(self.made))
            }
        }
    }
}

/// The generator of a [`contextmanager`] did not yield exactly once. The place is where the manager
/// was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextManagerMisused {
    /// It returned without having yielded, so there is nothing to give to the body.
    #[error(
        "the generator of the context manager made at {0} returned without yielding: it must yield once"
    )]
    DidNotYield(&'static Location<'static>),
    /// It yielded again when the body had ended. It was closed.
    #[error(
        "the generator of the context manager made at {0} yielded a second time: it must yield once, and then end"
    )]
    DidNotStop(&'static Location<'static>),
    /// It yielded again when it was given the body's error. It was closed.
    #[error(
        "the generator of the context manager made at {0} yielded again when the body had failed: it must return the \
         error, another, or `Ok(())` to swallow it"
    )]
    DidNotStopAfterError(&'static Location<'static>),
}
