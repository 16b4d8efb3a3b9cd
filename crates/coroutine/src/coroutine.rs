//! The outside end of a coroutine.
//!
//! A thin layer over corosensei, which switches stacks: what is added is the pooled [`Stack`], errors that say
//! where, and rules for dropping. The body is stored on its own stack, so making a coroutine allocates nothing;
//! a body that carries much with it is boxed first, because it might not fit.

use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::{self, AssertUnwindSafe};

use corosensei::CoroutineResult;

use crate::ending::{self, Claim};
use crate::quiet;
use crate::stack::{RawStack, Stack, StackError};
use crate::state::CoroutineState;
use crate::yielder::Yielder;

/// A body that captures more bytes than this is boxed.
const LARGEST_BODY: usize = 1024;

/// A function with a stack of its own, which can stop in the middle and go on later.
///
/// Each [`resume`](Self::resume) passes an `In` to the body and runs it until it [yields](Yielder::yield_) an
/// `Out` or returns a `Ret`. The body yields from wherever it is: from functions it calls, from closures and
/// callbacks, from inside loops of other libraries. Coroutines may resume others, to any depth.
///
/// # Dropping
///
/// Dropping a coroutine that never started drops its body. Dropping one that is suspended unwinds its stack, so
/// every destructor on it runs, also when the thread is panicking already. If the body answers the unwinding
/// with a panic of its own, that panic comes out of the drop, unless the thread is panicking: then the first
/// panic goes on and the other has been reported by the panic hook. A body that catches the unwinding and
/// yields again is unwound again.
///
/// With `panic = "abort"` nothing can be unwound. A suspended coroutine that is dropped is then leaked, stack
/// and all; one made by [`with_stack_unchecked`](Self::with_stack_unchecked) ends the process, as its borrows
/// must not survive.
///
/// # Threads
///
/// A coroutine stays on its thread, because its stack may hold anything:
///
/// ```compile_fail,E0277
/// let mut co = corio_coroutine::Coroutine::<(), (), ()>::new(|co, ()| co.yield_(()));
/// std::thread::spawn(move || co.resume(()));
/// ```
///
/// So it can be used with `Rc` and references to thread-locals. The body must not yield inside
/// [`LocalKey::with`](std::thread::LocalKey::with), though: others would run inside it too.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{Coroutine, CoroutineState::{Complete, Yielded}};
///
/// let mut countdown = Coroutine::<(), u32, &str>::new(|co, ()| {
///     for number in (1..=2).rev() {
///         co.yield_(number);
///     }
///     "lift-off"
/// });
/// assert_eq!(countdown.resume(()), Yielded(2));
/// assert_eq!(countdown.resume(()), Yielded(1));
/// assert_eq!(countdown.resume(()), Complete("lift-off"));
/// assert!(countdown.is_done());
/// ```
#[must_use = "a coroutine does nothing until it is resumed"]
pub struct Coroutine<In = (), Out = (), Ret = ()> {
    /// Runs on `stack`. Both are dropped by hand, in this order, and in a way that keeps the ordinary case, a
    /// body that has ended, a few instructions long.
    raw: ManuallyDrop<corosensei::Coroutine<In, Out, Ret, RawStack>>,
    stack: ManuallyDrop<Stack>,
    /// Whether the body may borrow, so that it must not be leaked.
    claim: Claim,
}

impl<In, Out, Ret> Coroutine<In, Out, Ret> {
    /// A coroutine that will run `body`, on a stack of [`Stack::DEFAULT_SIZE`].
    ///
    /// The stack's label is the place of this call.
    ///
    /// # Panics
    ///
    /// If no stack can be had; [`try_new`](Self::try_new) returns an error instead.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Coroutine, CoroutineState};
    /// let mut answer = Coroutine::<(), (), u32>::new(|_, ()| 42);
    /// assert_eq!(answer.resume(()), CoroutineState::Complete(42));
    /// ```
    #[inline]
    #[track_caller]
    pub fn new<F>(body: F) -> Self
    where
        F: FnOnce(&Yielder<In, Out>, In) -> Ret + 'static,
        In: 'static,
        Out: 'static,
        Ret: 'static,
    {
        match Self::try_new(body) {
            Ok(coroutine) => coroutine,
            Err(error) => no_stack(&error),
        }
    }

    /// As [`new`](Self::new), but with an error when there is no stack.
    ///
    /// # Errors
    ///
    /// [`StackError`], which says what to change.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Coroutine, StackError};
    /// let idle = Coroutine::<(), (), ()>::try_new(|_, ()| ())?;
    /// assert!(!idle.is_started());
    /// # Ok::<(), StackError>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_new<F>(body: F) -> Result<Self, StackError>
    where
        F: FnOnce(&Yielder<In, Out>, In) -> Ret + 'static,
        In: 'static,
        Out: 'static,
        Ret: 'static,
    {
        Ok(Self::with_stack(Stack::for_caller()?, body))
    }

    /// A coroutine that will run `body` on `stack`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Coroutine, CoroutineState, Stack, StackError, StackLabel};
    /// let stack = Stack::new(1 << 20)?;
    /// stack.set_label(StackLabel::Named("deep".into()));
    /// let mut deep = Coroutine::<u32, (), u32>::with_stack(stack, |_, n| (1..=n).sum());
    /// assert_eq!(deep.resume(4), CoroutineState::Complete(10));
    /// # Ok::<(), StackError>(())
    /// ```
    #[inline]
    pub fn with_stack<F>(stack: Stack, body: F) -> Self
    where
        F: FnOnce(&Yielder<In, Out>, In) -> Ret + 'static,
        In: 'static,
        Out: 'static,
        Ret: 'static,
    {
        // SAFETY: everything is `'static`, so it may outlive any forgotten coroutine.
        let coroutine = unsafe { Self::with_stack_unchecked(stack, body) };
        coroutine.own_all();
        coroutine
    }

    /// A coroutine that will run `body`, which may borrow, on `stack`.
    ///
    /// [`scope()`](crate::scope()) does the same safely.
    ///
    /// # Safety
    ///
    /// - What `body`, `In`, `Out` and `Ret` borrow must stay valid until the coroutine has completed or has
    ///   been dropped.
    /// - If the coroutine is forgotten half-way, it must stay valid for ever.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Coroutine, Stack, StackError};
    /// let mut seen = Vec::new();
    /// let stack = Stack::new(Stack::DEFAULT_SIZE)?;
    /// // SAFETY: `seen` outlives the coroutine, which is dropped in the next line but one.
    /// let mut push = unsafe { Coroutine::<u8, (), ()>::with_stack_unchecked(stack, |_, x| seen.push(x)) };
    /// push.resume(7);
    /// drop(push);
    /// assert_eq!(seen, [7]);
    /// # Ok::<(), StackError>(())
    /// ```
    #[inline]
    pub unsafe fn with_stack_unchecked<F>(stack: Stack, body: F) -> Self
    where
        F: FnOnce(&Yielder<In, Out>, In) -> Ret,
    {
        let raw = if size_of::<F>() > LARGEST_BODY || align_of::<F>() > 64 {
            let body = Box::new(body);
            // SAFETY: the caller promises that what the body borrows stays valid; the raw stack belongs to `stack`,
            // which is dropped after `raw`.
            unsafe {
                corosensei::Coroutine::with_stack_unchecked(stack.as_raw(), move |raw, input| {
                    body(Yielder::of(raw), input)
                })
            }
        } else {
            // SAFETY: as above.
            unsafe {
                corosensei::Coroutine::with_stack_unchecked(stack.as_raw(), move |raw, input| {
                    body(Yielder::of(raw), input)
                })
            }
        };
        Self {
            raw: ManuallyDrop::new(raw),
            stack: ManuallyDrop::new(stack),
            claim: Claim::borrowing(),
        }
    }

    /// Runs the body until it yields or returns; `input` is its argument the first time, and afterwards what
    /// its yield returns.
    ///
    /// # Panics
    ///
    /// - If the coroutine is [done](Self::is_done).
    /// - If the body panics: the panic goes on here, with its payload, and the coroutine is done.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Coroutine, CoroutineState::{Complete, Yielded}};
    /// let mut echo = Coroutine::<u8, u8, ()>::new(|co, first| {
    ///     co.yield_(first);
    /// });
    /// assert_eq!(echo.resume(5), Yielded(5));
    /// assert_eq!(echo.resume(6), Complete(()));
    /// ```
    #[inline]
    #[track_caller]
    pub fn resume(&mut self, input: In) -> CoroutineState<Out, Ret> {
        if self.raw.done() {
            resumed_when_done(&self.stack);
        }
        match self.raw.resume(input) {
            CoroutineResult::Yield(value) => CoroutineState::Yielded(value),
            CoroutineResult::Return(value) => CoroutineState::Complete(value),
        }
    }

    /// Whether it has been resumed at least once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::Coroutine;
    /// let mut co = Coroutine::<(), (), ()>::new(|co, ()| co.yield_(()));
    /// assert!(!co.is_started());
    /// co.resume(());
    /// assert!(co.is_started());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.raw.started()
    }

    /// Whether it has returned or panicked, and cannot be resumed.
    ///
    /// Its [stack](Self::stack) goes back to the pool when the coroutine is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::Coroutine;
    /// let mut co = Coroutine::<(), (), ()>::new(|_, ()| ());
    /// assert!(!co.is_done());
    /// co.resume(());
    /// assert!(co.is_done());
    /// ```
    #[inline]
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.raw.done()
    }

    /// The stack that it runs on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Coroutine, Stack};
    /// let co = Coroutine::<(), (), ()>::new(|_, ()| ());
    /// assert_eq!(co.stack().size(), Stack::DEFAULT_SIZE);
    /// assert!(co.stack().label().to_string().starts_with("created at "));
    /// ```
    #[inline]
    #[must_use]
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// The body borrows nothing.
    #[inline]
    pub(crate) fn own_all(&self) {
        self.claim.own_all();
    }
}

impl<In, Out, Ret> Coroutine<In, Out, Ret> {
    /// Drops what is left of a body that has not ended.
    #[cold]
    #[inline(never)]
    fn drop_half_way(&mut self) {
        // SAFETY: called by `drop` only, which leaves both fields alone afterwards.
        let stack = unsafe { ManuallyDrop::take(&mut self.stack) };
        // SAFETY: as above. Declared after `stack`, and so dropped before it, also if this unwinds.
        let mut raw = unsafe { ManuallyDrop::take(&mut self.raw) };
        if raw.started() {
            ending::end(&mut raw, &stack, &self.claim);
        } else if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| raw.force_unwind())) {
            // SAFETY: the body, which never ran, has been dropped, though something in it panicked meanwhile.
            unsafe { raw.force_reset() };
            quiet::resume(payload);
        }
    }
}

impl<In, Out, Ret> Drop for Coroutine<In, Out, Ret> {
    #[inline]
    fn drop(&mut self) {
        if !self.raw.done() {
            return self.drop_half_way();
        }
        // SAFETY: dropped once, and not used again.
        unsafe { ManuallyDrop::drop(&mut self.raw) };
        // SAFETY: dropped once, and not used again; what ran on it is gone.
        unsafe { ManuallyDrop::drop(&mut self.stack) };
    }
}

impl<In, Out, Ret> fmt::Debug for Coroutine<In, Out, Ret> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coroutine")
            .field("started", &self.is_started())
            .field("done", &self.is_done())
            .field("stack", self.stack())
            .finish_non_exhaustive()
    }
}

#[cold]
#[inline(never)]
#[track_caller]
pub(crate) fn no_stack(error: &StackError) -> ! {
    panic!("cannot make a coroutine: {error}");
}

#[cold]
#[inline(never)]
#[track_caller]
fn resumed_when_done(stack: &Stack) -> ! {
    panic!(
        "the coroutine {} has completed and cannot be resumed again: ask is_done() first",
        stack.label()
    );
}
