//! Entering a generator and leaving it.
//!
//! The state is the lock: whoever finds it other than `Running` may enter, which makes it `Running`, and
//! foreign code runs only then. However the body stops, [`Entered`] puts the state right: back to a yield if it
//! is told so, and else to the end, as when the body unwinds.

use std::mem::{self, MaybeUninit};

use super::Generator;
use super::co::Exit;
use super::driver::{Driver, Input, Stop};
use super::erased::Erased;
use super::mailbox::Request;
use super::slot::Slot;
use crate::quiet::{First, Payload};
use crate::state::CoroutineState;

/// Where a generator is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum State {
    Fresh,
    Running,
    Suspended,
    Delegating,
    Done,
}

impl<T, S, R> Generator<T, S, R> {
    /// The driver, for the length of one method that found the state not to be `Running`.
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "a cell by hand: the state keeps everybody else out")]
    fn driver(&self) -> &mut Driver<T, S> {
        // SAFETY: not `Sync`. Every caller saw a state other than `Running`, and before foreign code runs it
        // sets `Running`, which keeps every other caller away.
        unsafe { &mut *self.driver.get() }
    }

    /// Starts the own body, or resumes it at its yield; the fast path.
    #[inline(always)]
    pub(super) fn run_own(&self, value: MaybeUninit<S>) -> CoroutineState<T, R> {
        let driver = self.driver();
        let entered = self.enter();
        match driver.resume_own(value) {
            Ok(value) => {
                entered.leave(State::Suspended);
                CoroutineState::Yielded(value)
            }
            Err(state) => self.go_on(entered, state),
        }
    }

    /// The own body did something else than yield a value.
    #[inline(never)]
    fn go_on(
        &self,
        entered: Entered<'_, T, S, R>,
        state: CoroutineState<Slot<T>, Erased>,
    ) -> CoroutineState<T, R> {
        let driver = self.driver();
        let stop = match state {
            CoroutineState::Complete(returned) => Stop::Returned(returned),
            state @ CoroutineState::Yielded(_) => driver.go_on(state),
        };
        self.returned_or(entered.settle(driver, stop))
    }

    /// Starts the own body; apart, so that resuming it stays small.
    #[inline(never)]
    pub(super) fn run_first(&self) -> CoroutineState<T, R> {
        self.run_own(MaybeUninit::uninit())
    }

    /// Resumes the innermost delegate at its yield.
    #[inline(never)]
    pub(super) fn run_delegate(&self, value: S) -> CoroutineState<T, R> {
        let driver = self.driver();
        let entered = self.enter();
        let stop = driver.resume_delegate(value);
        self.returned_or(entered.settle(driver, stop))
    }

    /// Resumes the innermost body with anything.
    pub(super) fn run(&self, input: Input<S>) -> Stop<T> {
        let driver = self.driver();
        let entered = self.enter();
        let stop = driver.run(input);
        entered.settle(driver, stop)
    }

    #[inline]
    fn enter(&self) -> Entered<'_, T, S, R> {
        self.state.set(State::Running);
        Entered { generator: self }
    }

    pub(super) fn returned_or(&self, stop: Stop<T>) -> CoroutineState<T, R> {
        match stop {
            Stop::Yielded(value) => CoroutineState::Yielded(value),
            // SAFETY: the own coroutine returns an `R`.
            Stop::Returned(value) => CoroutineState::Complete(unsafe { value.into::<R>() }),
            Stop::Stuck => stuck(),
        }
    }

    /// Drops a body that does not run.
    pub(super) fn discard(&self) {
        let entered = self.enter();
        self.driver().clear();
        drop(entered);
    }

    /// What the own body, which has not ended, will unwind with when it is closed.
    pub(super) fn own_exit(&self) -> Exit {
        self.driver().own_exit()
    }

    /// Whether it stands at a yield.
    pub(super) fn waits_for_value(&self) -> bool {
        matches!(self.state.get(), State::Suspended | State::Delegating)
    }

    /// Takes the generator apart.
    pub(super) fn into_rest(self) -> Rest<T, S, R> {
        assert!(!self.is_running(), "cannot delegate to a generator that is running");
        // One that unwound is over too, though its coroutine is still there.
        let before = self.state.replace(State::Done);
        match self.driver().take() {
            Some(request) if before != State::Done => Rest::Open(request),
            _ => Rest::Over(self.take_return_value()),
        }
    }

    /// Ends a body that does not run, by asking it first and by force if it goes on regardless. Returns the
    /// panic with which it answered, if it did.
    pub(crate) fn finish(&self) -> Option<Payload> {
        let mut panicked = First::default();
        match self.state.get() {
            State::Running => {}
            State::Fresh | State::Done => panicked.catch(|| self.discard()),
            State::Suspended | State::Delegating => {
                panicked.catch(|| drop(self.close()));
                panicked.catch(|| self.discard());
            }
        }
        panicked.take()
    }

    /// Whether nothing of the body is left: neither the own coroutine, unless it has ended, nor any delegate.
    pub(crate) fn is_gone(&self) -> bool {
        !self.is_running() && self.driver().is_gone()
    }
}

/// What is left of a generator that another one delegates to.
pub(super) enum Rest<T, S, R> {
    /// All of it.
    Open(Request<T, S>),
    /// Nothing but what it returned, if nobody took that.
    Over(Option<R>),
}

/// A generator that runs. Dropping it means that the body has ended; its stack goes back to the pool then.
struct Entered<'a, T, S, R> {
    generator: &'a Generator<T, S, R>,
}

impl<T, S, R> Entered<'_, T, S, R> {
    /// The body stands at a yield.
    #[inline]
    fn leave(self, state: State) {
        self.generator.state.set(state);
        mem::forget(self);
    }

    /// The body has stopped.
    fn settle(self, driver: &mut Driver<T, S>, stop: Stop<T>) -> Stop<T> {
        if let Stop::Returned(_) = stop {
            driver.clear();
            return stop;
        }
        self.leave(if driver.is_delegating() { State::Delegating } else { State::Suspended });
        stop
    }
}

impl<T, S, R> Drop for Entered<'_, T, S, R> {
    #[inline]
    fn drop(&mut self) {
        self.generator.driver().retire();
        self.generator.state.set(State::Done);
    }
}

#[cold]
#[inline(never)]
fn stuck() -> ! {
    panic!(
        "the generator was closed at a yield_() that cannot be unwound, because the program is built with \
         panic = \"abort\": use try_yield() in its body"
    );
}
