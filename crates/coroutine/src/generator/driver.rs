//! What runs a generator and those that it delegates to.
//!
//! A body that calls `yield_from` does not resume the other generator itself. It leaves a request and suspends;
//! the driver, in the frame of whoever called `next`, puts the other coroutine on a list and from then on
//! resumes the last of the list, so that a value takes one switch each way however long the list is:
//!
//! ```text
//! caller ── next() ──► driver ──► [ own body | delegate | its delegate ]
//!                        ▲                                     │ ▲
//!                        └───────────── yields ────────────────┘ └─ resumed directly
//! ```
//!
//! When the last one ends, it leaves the list, and the one before it is resumed with the outcome.
//!
//! This is sound because delegates are `'static`: while one runs, the bodies before it are suspended and not its
//! resumers, so it must not hold the yielder of any of them. Scoped generators could, so they cannot be delegated to.

use std::mem::{self, MaybeUninit};
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use super::co::Exit;
use super::erased::Erased;
use super::mailbox::{self, Interrupt, Left, Outcome, Raw};
use super::slot::Slot;
use crate::quiet::{self, First};
use crate::state::CoroutineState;

/// A generator's coroutine and those it delegates to, innermost last.
pub(super) struct Driver<T, S> {
    /// The own one is the first. Empty once it has ended.
    own: Option<Raw<T, S>>,
    delegates: Vec<Raw<T, S>>,
}

/// What to resume with.
pub(super) enum Input<S> {
    /// The start of a body, or a value for its yield.
    Value(Option<S>),
    /// Something else.
    Interrupt(Interrupt),
}

/// Where the generator stopped.
pub(super) enum Stop<T> {
    /// At a yield.
    Yielded(T),
    /// At its end.
    Returned(Erased),
    /// At a yield that it cannot be unwound from; only with `panic = "abort"`.
    Stuck,
}

impl<T, S> Driver<T, S> {
    /// Drives `own`, which has not started.
    #[inline]
    pub(super) fn new(own: Raw<T, S>) -> Self {
        Self { own: Some(own), delegates: Vec::new() }
    }

    /// Whether the own body waits for another generator.
    #[inline]
    pub(super) fn is_delegating(&self) -> bool {
        !self.delegates.is_empty()
    }

    /// What the own body unwinds with when it is closed.
    pub(super) fn own_exit(&self) -> Exit {
        exit_of(self.own.as_ref().expect("a generator that has not ended has a coroutine"))
    }

    /// Gives the stack of the own coroutine back, if that has ended.
    #[inline]
    pub(super) fn retire(&mut self) {
        if self.own.as_ref().is_some_and(Raw::is_done) {
            self.own = None;
        }
    }

    /// Whether nothing is left to end.
    pub(super) fn is_gone(&self) -> bool {
        self.own.as_ref().is_none_or(Raw::is_done) && !self.is_delegating()
    }

    /// Takes the coroutines away, for another generator to run.
    pub(super) fn take(&mut self) -> Option<mailbox::Request<T, S>> {
        let own = self.own.take()?;
        Some(mailbox::Request { own, delegates: mem::take(&mut self.delegates), first: None })
    }

    /// Runs another generator in place of the innermost coroutine, which asked for it. Returns what to
    /// resume it with.
    fn serve(&mut self, request: mailbox::Request<T, S>) -> Input<S> {
        self.delegates.push(request.own);
        self.delegates.extend(request.delegates);
        Input::Value(request.first)
    }

    /// Drops all coroutines, innermost first: the outer ones may be waiting for it.
    ///
    /// # Panics
    ///
    /// With the first panic that one of them answers with; the others are dropped regardless.
    pub(super) fn clear(&mut self) {
        if self.is_delegating() {
            self.clear_delegates();
        }
        self.own = None;
    }

    #[cold]
    fn clear_delegates(&mut self) {
        let mut panicked = First::default();
        while let Some(delegate) = self.delegates.pop() {
            panicked.catch(|| drop(delegate));
        }
        // The own one is dropped first, so that none of this happens while a panic is under way.
        panicked.catch(|| self.own = None);
        if let Some(payload) = panicked.take() {
            quiet::resume(payload);
        }
    }

    /// Resumes the own body, which stands at a yield of its own, with a value, or starts it; the fast path.
    /// What is not a yielded value is for [`go_on`](Self::go_on).
    #[inline]
    pub(super) fn resume_own(
        &mut self,
        value: MaybeUninit<S>,
    ) -> Result<T, CoroutineState<Slot<T>, Erased>> {
        let own = self.own.as_mut().expect("a suspended generator has a coroutine");
        if thread::panicking() {
            mailbox::leave_panicking(own.stack().header());
        }
        match own.resume(value) {
            CoroutineState::Yielded(value) if mailbox::is_empty(own.stack().header()) => {
                // SAFETY: no message was left, so this is what a yield handed over.
                Ok(unsafe { value.take() })
            }
            state => Err(state),
        }
    }

    /// Deals with what the own body left when it stopped, if that was not a value.
    pub(super) fn go_on(&mut self, state: CoroutineState<Slot<T>, Erased>) -> Stop<T> {
        let own = self.own.as_mut().expect("a coroutine that was just resumed");
        // SAFETY: the coroutine was just resumed with this result.
        match unsafe { resumed(own, state) } {
            Resumed::Yielded(value) => Stop::Yielded(value),
            Resumed::Returned(value) => Stop::Returned(value),
            Resumed::Stuck => Stop::Stuck,
            Resumed::Request(request) => {
                let input = self.serve(request);
                self.run(input)
            }
        }
    }

    /// Resumes the innermost delegate, which stands at a yield, with a value.
    pub(super) fn resume_delegate(&mut self, value: S) -> Stop<T> {
        let delegate =
            self.delegates.last_mut().expect("a generator that delegates has a delegate");
        if thread::panicking() {
            mailbox::leave_panicking(delegate.stack().header());
        }
        let caught =
            panic::catch_unwind(AssertUnwindSafe(|| delegate.resume(MaybeUninit::new(value))));
        let state = match caught {
            Ok(CoroutineState::Yielded(value)) if mailbox::is_empty(delegate.stack().header()) => {
                // SAFETY: no message was left, so this is what a yield handed over.
                return Stop::Yielded(unsafe { value.take() });
            }
            // SAFETY: the coroutine was just resumed with this result.
            Ok(state) => Ok(unsafe { resumed(delegate, state) }),
            Err(payload) => Err(payload),
        };
        match self.next_input(state, &mut 0) {
            ControlFlow::Break(stop) => stop,
            ControlFlow::Continue(input) => self.run(input),
        }
    }

    /// Resumes the innermost coroutine, and goes on until one of them yields or the own one returns. If the own one
    /// unwinds, so does this.
    pub(super) fn run(&mut self, mut input: Input<S>) -> Stop<T> {
        // How many of the delegates, counted from the first, are being closed: those that were there when the caller
        // asked for it. What a closed body delegates to in order to clean up is not among them.
        let mut closing = match input {
            Input::Interrupt(Interrupt::Close) => self.delegates.len(),
            Input::Interrupt(_) | Input::Value(_) => 0,
        };
        loop {
            let state = match self.delegates.last_mut() {
                None => Ok(resume(
                    self.own.as_mut().expect("a generator that has not ended has a coroutine"),
                    input,
                )),
                Some(delegate) => panic::catch_unwind(AssertUnwindSafe(|| resume(delegate, input))),
            };
            input = match self.next_input(state, &mut closing) {
                ControlFlow::Break(stop) => return stop,
                ControlFlow::Continue(input) => input,
            };
        }
    }

    /// After the innermost coroutine has stopped: what to resume the one that is then the innermost with, if
    /// anything.
    fn next_input(
        &mut self,
        state: thread::Result<Resumed<T, S>>,
        closing: &mut usize,
    ) -> ControlFlow<Stop<T>, Input<S>> {
        let interrupt = match state {
            Ok(Resumed::Yielded(value)) => return ControlFlow::Break(Stop::Yielded(value)),
            Ok(Resumed::Stuck) => return ControlFlow::Break(Stop::Stuck),
            Ok(Resumed::Request(request)) => {
                return ControlFlow::Continue(self.serve(request));
            }
            Ok(Resumed::Returned(value)) => match self.pop_delegate(closing) {
                None => return ControlFlow::Break(Stop::Returned(value)),
                // Nobody wants the value. Whoever delegated gets the panic, if its destructor panics.
                Some((_, true)) => match panic::catch_unwind(AssertUnwindSafe(|| drop(value))) {
                    Ok(()) => Interrupt::Close,
                    Err(payload) => Interrupt::Delegated(Outcome::Unwound(payload)),
                },
                Some((_, false)) => Interrupt::Delegated(Outcome::Returned(value)),
            },
            Err(payload) => match self.pop_delegate(closing) {
                Some((delegate, true)) if exit_of(&delegate).is_of(&*payload) => Interrupt::Close,
                _ => Interrupt::Delegated(Outcome::Unwound(payload)),
            },
        };
        ControlFlow::Continue(Input::Interrupt(interrupt))
    }

    /// Takes the innermost delegate, which has ended, and says whether it is among the first `closing` ones.
    fn pop_delegate(&mut self, closing: &mut usize) -> Option<(Raw<T, S>, bool)> {
        let delegate = self.delegates.pop()?;
        let was_closing = self.delegates.len() < *closing;
        *closing = self.delegates.len().min(*closing);
        Some((delegate, was_closing))
    }
}

impl<T, S> Drop for Driver<T, S> {
    #[inline]
    fn drop(&mut self) {
        if self.is_delegating() {
            self.clear();
        }
    }
}

/// What `coroutine` unwinds with when it is closed.
fn exit_of<T, S>(coroutine: &Raw<T, S>) -> Exit {
    Exit(std::ptr::from_ref(coroutine.stack().header()).addr())
}

/// What one coroutine of a chain did.
enum Resumed<T, S> {
    Yielded(T),
    Returned(Erased),
    Request(mailbox::Request<T, S>),
    Stuck,
}

/// Resumes one coroutine of a chain.
#[inline]
fn resume<T, S>(coroutine: &mut Raw<T, S>, input: Input<S>) -> Resumed<T, S> {
    let mut interrupt;
    let value = match input {
        Input::Value(value) => {
            if thread::panicking() {
                mailbox::leave_panicking(coroutine.stack().header());
            }
            value.map_or(MaybeUninit::uninit(), MaybeUninit::new)
        }
        Input::Interrupt(given) => {
            interrupt = Some(given);
            // SAFETY: it stays in this frame, which is stopped while the body runs.
            unsafe { mailbox::leave_interrupt(coroutine.stack().header(), &mut interrupt) };
            MaybeUninit::uninit()
        }
    };
    let state = coroutine.resume(value);
    // SAFETY: the coroutine was just resumed with this result.
    unsafe { resumed(coroutine, state) }
}

/// Interprets what a coroutine did.
///
/// # Safety
///
/// `state` must be what the last resume of `coroutine` returned.
#[inline]
unsafe fn resumed<T, S>(
    coroutine: &Raw<T, S>,
    state: CoroutineState<Slot<T>, Erased>,
) -> Resumed<T, S> {
    match state {
        CoroutineState::Complete(returned) => Resumed::Returned(returned),
        CoroutineState::Yielded(value) => {
            // SAFETY: the coroutine, which has these types, has just yielded.
            match unsafe { mailbox::take_left::<T, S>(coroutine.stack().header()) } {
                // SAFETY: no message, so this is what a yield handed over.
                Left::Value => Resumed::Yielded(unsafe { value.take() }),
                Left::Request(request) => {
                    value.forget();
                    Resumed::Request(request)
                }
                Left::Stuck => {
                    value.forget();
                    Resumed::Stuck
                }
            }
        }
    }
}
