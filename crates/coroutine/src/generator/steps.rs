//! What a caller does with a generator: one step, of one kind or another.

use std::mem::MaybeUninit;
use std::panic::{self, AssertUnwindSafe};

use super::Generator;
use super::driver::{Input, Stop};
use super::error::{GeneratorError, Thrown};
use super::mailbox::Interrupt;
use super::running::State;
use crate::state::CoroutineState;

impl<T, S, R> Generator<T, S, R> {
    /// Runs the body from its beginning to its first yield, or to its end.
    ///
    /// # Errors
    ///
    /// [`GeneratorError::AlreadyStarted`] unless it is fresh; [`GeneratorError::Running`] if it runs.
    ///
    /// # Panics
    ///
    /// If the body panics, with its payload.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{CoroutineState, Generator};
    /// let echo = Generator::<u8, u8>::two_way(|co| {
    ///     let sent = co.yield_(1);
    ///     co.yield_(sent);
    /// });
    /// assert_eq!(echo.start()?, CoroutineState::Yielded(1));
    /// assert_eq!(echo.send(2)?, CoroutineState::Yielded(2));
    /// assert_eq!(echo.send(3)?, CoroutineState::Complete(()));
    /// # Ok::<(), corio_coroutine::GeneratorError>(())
    /// ```
    pub fn start(&self) -> Result<CoroutineState<T, R>, GeneratorError> {
        match self.state.get() {
            State::Fresh => Ok(self.run_first()),
            State::Running => Err(GeneratorError::Running),
            State::Suspended | State::Delegating | State::Done => {
                Err(GeneratorError::AlreadyStarted)
            }
        }
    }

    /// Goes on to the next yield, or to the end; the yield where the body stands returns `value`.
    ///
    /// # Errors
    ///
    /// [`GeneratorError::NotStarted`], [`Finished`](GeneratorError::Finished) or
    /// [`Running`](GeneratorError::Running) if the body does not stand at a yield.
    ///
    /// # Panics
    ///
    /// If the body panics, with its payload.
    ///
    /// # Examples
    ///
    /// See [`start`](Self::start).
    #[inline]
    pub fn send(&self, value: S) -> Result<CoroutineState<T, R>, GeneratorError> {
        match self.state.get() {
            State::Suspended => Ok(self.run_own(MaybeUninit::new(value))),
            State::Delegating => Ok(self.run_delegate(value)),
            State::Running => Err(GeneratorError::Running),
            State::Fresh => Err(GeneratorError::NotStarted),
            State::Done => Err(GeneratorError::Finished),
        }
    }

    /// Throws `error` in, at the yield where the body stands, and goes on to the next yield or to the end.
    ///
    /// [`Co::try_yield`](super::Co::try_yield) returns the error; [`Co::yield_`](super::Co::yield_) unwinds
    /// with it, as a [`Thrown`]. If the body delegates, the error goes to the innermost generator first.
    ///
    /// # Errors
    ///
    /// - [`GeneratorError::Thrown`] with the error that the body lets out by unwinding. A generator that is
    ///   fresh or done lets every error out, and is done.
    /// - [`GeneratorError::Running`] if it runs.
    ///
    /// # Panics
    ///
    /// If the body panics, with its payload. With `panic = "abort"`, an error that meets a plain `yield_` ends
    /// the process.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::{CoroutineState, Generator, GeneratorError, Interrupted};
    ///
    /// let retry = Generator::<u32, ()>::two_way(|co| {
    ///     let mut attempt = 0;
    ///     while let Err(Interrupted::Thrown(_)) = co.try_yield(attempt) {
    ///         attempt += 1;
    ///     }
    /// });
    /// retry.start()?;
    /// assert_eq!(retry.throw("line is busy")?, CoroutineState::Yielded(1));
    ///
    /// let plain = Generator::new(|co| co.yield_(1));
    /// plain.start()?;
    /// assert!(matches!(plain.throw("no"), Err(GeneratorError::Thrown(error)) if error.to_string() == "no"));
    /// # Ok::<(), GeneratorError>(())
    /// ```
    pub fn throw(
        &self,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Result<CoroutineState<T, R>, GeneratorError> {
        // First, as it runs foreign code, which may come back here.
        let error = error.into();
        match self.state.get() {
            State::Running => Err(GeneratorError::Running),
            State::Fresh | State::Done => {
                self.discard();
                Err(GeneratorError::Thrown(error))
            }
            State::Suspended | State::Delegating => {
                let interrupt = Input::Interrupt(Interrupt::Throw(error));
                match panic::catch_unwind(AssertUnwindSafe(|| self.run(interrupt))) {
                    Ok(stop) => Ok(self.returned_or(stop)),
                    Err(payload) => match payload.downcast::<Thrown>() {
                        Ok(thrown) => Err(GeneratorError::Thrown(thrown.0)),
                        Err(payload) => panic::resume_unwind(payload),
                    },
                }
            }
        }
    }

    /// Asks the body to end; returns what it returns, if it returns rather than unwinds.
    ///
    /// At the yield where the body stands, [`Co::try_yield`](super::Co::try_yield) returns
    /// [`Interrupted::Closed`](super::Interrupted::Closed) and [`Co::yield_`](super::Co::yield_) unwinds. If
    /// the body delegates, the innermost generator is closed first. Closing one that is fresh drops the body,
    /// and closing one that is done does nothing.
    ///
    /// # Errors
    ///
    /// - [`GeneratorError::IgnoredClose`] if the body yields again; the value is dropped, and the body stands
    ///   at that yield.
    /// - [`GeneratorError::Running`] if it runs.
    ///
    /// # Panics
    ///
    /// If the body panics, with its payload.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::Generator;
    /// let unwound = Generator::new(|co| (0..).for_each(|n| co.yield_(n)));
    /// unwound.start()?;
    /// assert_eq!(unwound.close()?, None);
    /// assert!(unwound.is_done());
    /// # Ok::<(), corio_coroutine::GeneratorError>(())
    /// ```
    pub fn close(&self) -> Result<Option<R>, GeneratorError> {
        match self.state.get() {
            State::Running => Err(GeneratorError::Running),
            State::Fresh | State::Done => {
                self.discard();
                Ok(None)
            }
            State::Suspended | State::Delegating => {
                // Asked now, as the stack, which tells them apart, is given back when the body ends.
                let exit = self.own_exit();
                let close = Input::Interrupt(Interrupt::Close);
                match panic::catch_unwind(AssertUnwindSafe(|| self.run(close))) {
                    // SAFETY: the own coroutine, which has ended, returns an `R`.
                    Ok(Stop::Returned(value)) => Ok(Some(unsafe { value.into::<R>() })),
                    Ok(Stop::Yielded(_) | Stop::Stuck) => Err(GeneratorError::IgnoredClose),
                    Err(payload) if exit.is_of(&*payload) => Ok(None),
                    Err(payload) => panic::resume_unwind(payload),
                }
            }
        }
    }

    /// As [`next`](Iterator::next), but with an error if the generator is running.
    ///
    /// # Errors
    ///
    /// [`GeneratorError::Running`].
    ///
    /// # Panics
    ///
    /// If the body panics, with its payload.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::rc::Rc;
    /// use corio_coroutine::{Generator, GeneratorError};
    ///
    /// let snake = Rc::new_cyclic(|tail: &std::rc::Weak<Generator<bool>>| {
    ///     let tail = tail.clone();
    ///     Generator::new(move |co| {
    ///         let bitten = tail.upgrade().unwrap().try_next();
    ///         co.yield_(matches!(bitten, Err(GeneratorError::Running)));
    ///     })
    /// });
    /// assert_eq!(snake.try_next()?, Some(true));
    /// # Ok::<(), GeneratorError>(())
    /// ```
    #[inline(always)]
    pub fn try_next(&self) -> Result<Option<T>, GeneratorError>
    where
        S: Default,
    {
        if self.state.get() == State::Suspended {
            let value = S::default();
            // Again, as that was foreign code, which may have come back here.
            if self.state.get() == State::Suspended {
                return match self.run_own(MaybeUninit::new(value)) {
                    CoroutineState::Yielded(value) => Ok(Some(value)),
                    complete @ CoroutineState::Complete(_) => Ok(self.keep(complete)),
                };
            }
            return self.send_next(value);
        }
        self.try_next_apart()
    }

    /// From any state but the one that [`try_next`](Self::try_next) is fast in.
    #[inline(never)]
    fn try_next_apart(&self) -> Result<Option<T>, GeneratorError>
    where
        S: Default,
    {
        match self.state.get() {
            State::Suspended | State::Delegating => self.send_next(S::default()),
            State::Fresh => Ok(self.keep(self.run_first())),
            State::Done => Ok(None),
            State::Running => Err(GeneratorError::Running),
        }
    }

    /// Goes on with `value`, whatever the making of it has done to a generator that had started.
    #[inline(never)]
    fn send_next(&self, value: S) -> Result<Option<T>, GeneratorError> {
        match self.send(value) {
            Ok(state) => Ok(self.keep(state)),
            Err(GeneratorError::Finished) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What an iterator makes of a step: it keeps the return value for later.
    fn keep(&self, state: CoroutineState<T, R>) -> Option<T> {
        match state {
            CoroutineState::Yielded(value) => Some(value),
            CoroutineState::Complete(value) => {
                self.returned.set(Some(value));
                None
            }
        }
    }
}
