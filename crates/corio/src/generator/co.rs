//! The inside end of a generator.

use std::fmt;

use corio_coroutine::GeneratorError;
use corio_futures::Result;

use super::Generator;
use super::error::{ScopeLeftOpen, interruption};
use super::handle::Inner;
use crate::event_loop::current_header;

/// What the body of a [`Generator`] yields through.
///
/// A reference to it may be handed to any function that the body calls, however deep. It cannot
/// leave the body, and yields only for code that runs in it: elsewhere, as in another task,
/// [`yield_`](Self::yield_) says so.
pub struct Co<'g, T, S = ()> {
    inner: &'g corio_coroutine::Co<T, S>,
    open_scopes: OpenScopes,
}

/// Whether a timeout or task group of the body may be open at a yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenScopes {
    Refused,
    /// The code that runs at the yield does so inside the scope, and leaves it: a context manager.
    Allowed,
}

impl<'g, T, S> Co<'g, T, S> {
    pub(super) fn new(inner: &'g corio_coroutine::Co<T, S>, open_scopes: OpenScopes) -> Self {
        Self { inner, open_scopes }
    }

    /// Hands `value` to the caller and stops here; returns what the caller sends when it wants more.
    ///
    /// # Errors
    ///
    /// - [`GeneratorExit`](crate::GeneratorExit) if the generator is being closed: nobody wants
    ///   more. To yield again after that is an error for who closes it.
    /// - What the caller [threw](Generator::throw) in.
    /// - [`ScopeLeftOpen`] if a timeout or a task group of the body is open here.
    /// - [`Interrupted`](corio_coroutine::Interrupted) if this code does not run in the body, as
    ///   when it is another task.
    ///
    /// # Examples
    ///
    /// ```
    /// let letters = corio::generator(|co| {
    ///     for letter in ['a', 'b', 'c'] {
    ///         if let Err(error) = co.yield_(letter) {
    ///             corio::sleep(std::time::Duration::from_millis(1))?; // cleanup, which may wait
    ///             return Err(error);
    ///         }
    ///     }
    ///     Ok(())
    /// });
    /// corio::run(|| {
    ///     assert_eq!(letters.start()?.yielded(), Some('a'));
    ///     letters.close()?;
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[inline]
    pub fn yield_(&self, value: T) -> Result<S> {
        self.check_scopes()?;
        self.inner.try_yield(value).map_err(interruption)
    }

    /// Yields every item of `items`.
    ///
    /// # Errors
    ///
    /// As [`yield_`](Self::yield_).
    pub fn yield_all(&self, items: impl IntoIterator<Item = T>) -> Result<()> {
        for item in items {
            self.yield_(item)?;
        }
        Ok(())
    }

    /// Yields everything that `generator` yields, and returns what it returns. Python's
    /// `yield from`, which its async generators lack.
    ///
    /// The caller talks to `generator` directly: what it sends and throws arrives there, and closing
    /// this generator closes that one first. The cost of a value does not grow with the number of
    /// generators that delegate to one another.
    ///
    /// # Errors
    ///
    /// What `generator` fails with; [`GeneratorExit`](crate::GeneratorExit) if this one is being
    /// closed; [`GeneratorError`] if `generator` has finished or is running.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::{Generator, generator};
    ///
    /// fn countdown(from: u32) -> Generator<u32> {
    ///     generator(move |co| {
    ///         co.yield_(from)?;
    ///         if from > 0 { co.yield_from(countdown(from - 1)) } else { Ok(()) }
    ///     })
    /// }
    /// let numbers = countdown(3).collect::<corio::Result<Vec<_>>>()?;
    /// assert_eq!(numbers, [3, 2, 1, 0]);
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn yield_from<R>(&self, generator: Generator<T, S, R>) -> Result<R>
    where
        S: Default,
    {
        self.check_scopes()?;
        let inner: Inner<T, S, R> = generator.into_inner()?;
        match self.inner.try_yield_from(inner).map_err(interruption)? {
            Some(ending) => ending.take(),
            None => Err(GeneratorError::Finished.into()),
        }
    }

    #[inline]
    fn check_scopes(&self) -> Result<()> {
        if self.open_scopes == OpenScopes::Refused
            && let Some(task) = current_header()
            && task.has_scopes_of_generator()
        {
            return Err(ScopeLeftOpen.into());
        }
        Ok(())
    }
}

impl<T, S> fmt::Debug for Co<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Co").finish_non_exhaustive()
    }
}
