//! The outside end of a generator.

use std::fmt;
use std::iter::FusedIterator;
use std::panic::Location;
use std::rc::Rc;

use corio_coroutine::{CoroutineState, GeneratorError, Stack, StackLabel};
use corio_futures::{Error, Result};

use super::ending::Ending;
use super::state::State;
use super::{Co, OpenScopes};

/// The generator below: what its body returns is kept from being lost.
pub(super) type Inner<T, S, R> = corio_coroutine::Generator<T, S, Ending<R>>;

/// A generator whose `body` waits on the loop like any other code. asyncio's async generator.
///
/// It is an iterator over `Result`s, so `for` is `async for`. The body begins to run when the first
/// value is asked for. If it fails, that is the last item.
///
/// For one that is sent values, see [`Generator::two_way`].
///
/// # Panics
///
/// If there is no memory for another stack.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// corio::run(|| {
///     let ticks = corio::generator(|co| {
///         for tick in 1..=3 {
///             corio::sleep(Duration::from_millis(1))?;
///             co.yield_(tick)?;
///         }
///         Ok(())
///     });
///     let mut sum = 0;
///     for tick in ticks {
///         sum += tick?;
///     }
///     assert_eq!(sum, 6);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn generator<T, R, F>(body: F) -> Generator<T, (), R>
where
    F: FnOnce(&Co<'_, T>) -> Result<R> + 'static,
{
    Generator::two_way(body)
}

/// An iterator over what a function yields, which may wait while it does. Made by [`generator`].
///
/// # Cancellation
///
/// The body runs in the task that asks for a value, and waits there: a cancellation of that task
/// is an error in the body. It passes through the body's cleanup and out of the step.
///
/// # Dropping
///
/// Dropping a generator that stands at a yield closes it, as [`close`](Self::close) does. In a task
/// the cleanup may wait; elsewhere, as in a callback of the loop or while a panic unwinds, the loop
/// closes the generator in a task of its own. What is left when [`run`](crate::run) ends is closed
/// then. An error of the cleanup is reported; to have it returned, use
/// [`closing`](crate::closing).
///
/// # Sharing
///
/// All methods take `&self`, and `&Generator` is an iterator too. A generator runs for one caller at
/// a time: one that is asked for a value while it runs, or waits for something on behalf of another
/// task, answers with [`GeneratorError::Running`].
///
/// # Timeouts and groups
///
/// A timeout or a task group that is open in the body at a `yield_` would cancel its task when that
/// does something else. So yielding there is an error, [`ScopeLeftOpen`](crate::ScopeLeftOpen).
/// What the body does between two yields may be limited freely, and so may the use of a generator.
#[must_use = "a generator does nothing until it is asked for a value"]
pub struct Generator<T: 'static, S: 'static = (), R: 'static = ()> {
    /// Taken when another generator delegates to this one.
    state: Option<Rc<State<T, S, R>>>,
}

impl<T, S, R> Generator<T, S, R> {
    /// A generator that is sent values: `asend` in asyncio.
    ///
    /// # Panics
    ///
    /// If there is no memory for another stack.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use corio::{CoroutineState::Yielded, Generator};
    ///
    /// corio::run(|| {
    ///     let doubling = Generator::two_way(|co| {
    ///         let mut y = 1;
    ///         for _ in 0..3 {
    ///             corio::sleep(Duration::from_millis(1))?;
    ///             y = co.yield_(2 * y)?;
    ///         }
    ///         Ok("done")
    ///     });
    ///     let mut seen = Vec::new();
    ///     let mut step = doubling.start()?;
    ///     while let Yielded(x) = step {
    ///         seen.push(x);
    ///         step = doubling.send(x + 1)?;
    ///     }
    ///     assert_eq!(seen, [2, 6, 14]);
    ///     assert_eq!(step.complete(), Some("done"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn two_way<F>(body: F) -> Self
    where
        F: FnOnce(&Co<'_, T, S>) -> Result<R> + 'static,
    {
        Self::with_scopes(OpenScopes::Refused, body)
    }

    #[track_caller]
    pub(crate) fn with_scopes<F>(scopes: OpenScopes, body: F) -> Self
    where
        F: FnOnce(&Co<'_, T, S>) -> Result<R> + 'static,
    {
        let made = Location::caller();
        let stack = match Stack::labelled(Stack::DEFAULT_SIZE, StackLabel::Created(made)) {
            Ok(stack) => stack,
            Err(error) => panic!("cannot make a generator: {error}"),
        };
        let inner =
            Inner::with_stack(stack, move |co| Ending::new(body(&Co::new(co, scopes)), made));
        Self { state: Some(Rc::new(State::new(inner, made))) }
    }

    /// Runs the body to its first yield, or to its end. asyncio's `asend(None)`.
    ///
    /// # Errors
    ///
    /// What the body fails with; [`GeneratorError::AlreadyStarted`] and
    /// [`Running`](GeneratorError::Running).
    ///
    /// # Panics
    ///
    /// If the body does.
    pub fn start(&self) -> Result<CoroutineState<T, R>> {
        let state = self.started();
        state.outcome(state.step(|inner| inner.start()))
    }

    /// Goes on to the next yield, or to the end; the yield where the body stands returns `value`.
    /// asyncio's `asend`.
    ///
    /// # Errors
    ///
    /// What the body fails with; [`GeneratorError::NotStarted`],
    /// [`Finished`](GeneratorError::Finished) and [`Running`](GeneratorError::Running).
    ///
    /// # Panics
    ///
    /// If the body does.
    pub fn send(&self, value: S) -> Result<CoroutineState<T, R>> {
        let state = self.state();
        state.outcome(state.step(|inner| inner.send(value)))
    }

    /// Has the yield where the body stands return `error`, and goes on to the next yield or to the
    /// end. asyncio's `athrow`.
    ///
    /// A body that swallows the error goes on, and what it yields next is the result. A generator
    /// that has not started, or has ended, lets the error out, and is done.
    ///
    /// # Errors
    ///
    /// What the body fails with, as a rule `error`; [`GeneratorError::Running`].
    ///
    /// # Panics
    ///
    /// If the body does.
    pub fn throw(&self, error: impl Into<Error>) -> Result<CoroutineState<T, R>> {
        self.state().throw(error.into())
    }

    /// Ends the generator: the yield where the body stands returns
    /// [`GeneratorExit`](crate::GeneratorExit), and the cleanup may wait. asyncio's `aclose`.
    ///
    /// Returns what the body returns, if it returns a value nevertheless. Closing a generator that
    /// has not started drops the body; closing one that has ended does nothing.
    ///
    /// # Cancellation
    ///
    /// Reaches the body where its cleanup waits.
    ///
    /// # Errors
    ///
    /// What the cleanup fails with; [`GeneratorError::IgnoredClose`] if the body yields again;
    /// [`GeneratorError::Running`].
    ///
    /// # Panics
    ///
    /// If the body does.
    ///
    /// # Examples
    ///
    /// ```
    /// corio::run(|| {
    ///     let mut counter = corio::generator(|co| {
    ///         for n in 0.. {
    ///             if co.yield_(n).is_err() {
    ///                 corio::sleep(std::time::Duration::from_millis(1))?;
    ///                 return Ok(n);
    ///             }
    ///         }
    ///         Ok(0)
    ///     });
    ///     assert_eq!(counter.nth(2).transpose()?, Some(2));
    ///     assert_eq!(counter.close()?, Some(2));
    ///     assert_eq!(counter.close()?, None);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn close(&self) -> Result<Option<R>> {
        self.state().close()
    }

    /// The next value, or `default` if there is none any more. asyncio's `anext(it, default)`.
    ///
    /// # Errors
    ///
    /// As an item of the iterator.
    pub fn next_or(&self, default: T) -> Result<T>
    where
        S: Default,
    {
        self.advance().unwrap_or(Ok(default))
    }

    /// What the body returned when it was iterated to its end. The first call takes it away.
    #[must_use]
    pub fn take_return_value(&self) -> Option<R> {
        self.state().returned.take()
    }

    /// Whether the body has begun to run.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.state().inner.is_started()
    }

    /// Whether the body runs, or waits for something on behalf of who asked for a value.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state().inner.is_running()
    }

    /// Whether the body has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state().inner.is_done()
    }

    /// The next item of the iterator.
    fn advance(&self) -> Option<Result<T>>
    where
        S: Default,
    {
        let state = self.started();
        match state.step(|inner| inner.try_next()) {
            Ok(Some(value)) => Some(Ok(value)),
            Ok(None) => match state.inner.take_return_value()?.take() {
                Ok(returned) => {
                    state.returned.set(Some(returned));
                    None
                }
                Err(error) => Some(Err(error)),
            },
            Err(refused) => Some(Err(refused.into())),
        }
    }

    /// The state, known to the loop.
    #[inline]
    fn started(&self) -> &State<T, S, R> {
        let state = self.state();
        if !state.inner.is_started() {
            state.register();
        }
        state
    }

    #[inline]
    fn state(&self) -> &Rc<State<T, S, R>> {
        self.state.as_ref().expect("taken only from a generator that is consumed")
    }

    /// The generator below, for another to delegate to.
    pub(super) fn into_inner(mut self) -> Result<Inner<T, S, R>> {
        let running = || GeneratorError::Running.into();
        if self.is_running() {
            return Err(running());
        }
        let state = self.state.take().ok_or_else(running)?;
        // Somebody else has it only to close it.
        Ok(Rc::try_unwrap(state).map_err(|_| running())?.inner)
    }
}

impl<T, S, R> Drop for Generator<T, S, R> {
    fn drop(&mut self) {
        if let Some(state) = self.state.take()
            && state.inner.is_started()
            && !state.inner.is_done()
        {
            state.abandon();
        }
    }
}

impl<T, S: Default, R> Iterator for Generator<T, S, R> {
    type Item = Result<T>;

    /// Waits for the next value, if the body does.
    ///
    /// # Panics
    ///
    /// If the body does.
    fn next(&mut self) -> Option<Result<T>> {
        self.advance()
    }
}

impl<T, S: Default, R> Iterator for &Generator<T, S, R> {
    type Item = Result<T>;

    /// As for [`Generator`].
    fn next(&mut self) -> Option<Result<T>> {
        self.advance()
    }
}

impl<T, S: Default, R> FusedIterator for Generator<T, S, R> {}
impl<T, S: Default, R> FusedIterator for &Generator<T, S, R> {}

impl<T, S, R> fmt::Debug for Generator<T, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Generator").field("made", &state.made.to_string()).finish_non_exhaustive()
    }
}
