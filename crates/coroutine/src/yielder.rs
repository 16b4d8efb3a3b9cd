//! The inside end of a coroutine.

use std::fmt;
use std::ptr::{self, NonNull};

use crate::stack::{Header, prefetch_top, runs_inside};

/// The inside end of a [`Coroutine`](crate::Coroutine): what its body yields through.
///
/// A reference to it may be handed to any function that the body calls, however deep, and kept as long as the
/// body runs. While another coroutine runs nested on top, it may be used from there as well: the yield then
/// suspends the whole tower, down to the `resume` of the coroutine that this belongs to, and the next `resume`
/// goes on inside the nested one. From anywhere else a yield panics: what is to be suspended does not run there.
///
/// It cannot leave its coroutine's thread:
///
/// ```compile_fail,E0277
/// fn send<T: Send>() {}
/// send::<&corio_coroutine::Yielder<(), ()>>();
/// ```
#[repr(transparent)]
pub struct Yielder<In, Out> {
    raw: corosensei::Yielder<In, Out>,
}

impl<In, Out> Yielder<In, Out> {
    /// Hands `value` to whoever resumed the coroutine, stops here, and returns what the next `resume` passes in.
    ///
    /// If the coroutine is dropped instead of resumed, this unwinds the stack, so that everything on it is
    /// dropped. The unwinding runs no panic hook; catching it and going on only delays it until the next yield.
    ///
    /// Do not yield from a destructor that runs because of unwinding. The panic count belongs to the thread, so
    /// everybody else would seem to be panicking meanwhile, and if the coroutine is dropped in that state, Rust
    /// ends the process: a panic cannot leave a destructor during cleanup. Ask [`std::thread::panicking`] where
    /// that can happen.
    ///
    /// # Panics
    ///
    /// If the caller does not run on the coroutine's stack or on one nested in it: if it is another task, say, to which a
    /// task lent its yielder. A [boundary](crate::Stack::set_boundary) ends the nesting, and so does a switch to a stack
    /// that this crate did not make.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::{Coroutine, CoroutineState::Yielded};
    ///
    /// let mut sum = Coroutine::<u32, u32, ()>::new(|co, first| {
    ///     let mut total = first;
    ///     loop {
    ///         total += co.yield_(total);
    ///     }
    /// });
    /// assert_eq!(sum.resume(1), Yielded(1));
    /// assert_eq!(sum.resume(10), Yielded(11));
    /// ```
    #[inline]
    #[track_caller]
    pub fn yield_(&self, value: Out) -> In {
        let header = self.header();
        // SAFETY: a stack with a yielder that is still borrowed is in use.
        if !unsafe { runs_inside(header) } {
            // SAFETY: as above.
            outside("yield_", unsafe { header.as_ref() });
        }
        // SAFETY: just checked.
        unsafe { self.yield_unchecked(value) }
    }

    /// Whether the caller runs where it may yield: on the coroutine's stack, or on one nested in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::{Coroutine, CoroutineState::Complete};
    ///
    /// let mut here = Coroutine::<(), (), bool>::new(|co, ()| co.runs_here());
    /// assert_eq!(here.resume(()), Complete(true));
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn runs_here(&self) -> bool {
        // SAFETY: a stack with a yielder that is still borrowed is in use.
        unsafe { runs_inside(self.header()) }
    }

    /// As [`yield_`](Self::yield_), without looking where it is called from.
    ///
    /// # Safety
    ///
    /// The caller must run on the coroutine's stack, or on one nested in it: [`runs_on`](crate::runs_on) is true for the
    /// [range](crate::Stack::range) of the coroutine's stack. Stacks that are not of this crate may lie in between, if
    /// they can be suspended with the rest.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Coroutine, CoroutineState::Yielded};
    /// let mut one = Coroutine::<(), u32, ()>::new(|co, ()| {
    ///     // SAFETY: this is the coroutine's own body.
    ///     unsafe { co.yield_unchecked(1) }
    /// });
    /// assert_eq!(one.resume(()), Yielded(1));
    /// ```
    #[inline(always)]
    pub unsafe fn yield_unchecked(&self, value: Out) -> In {
        self.raw.suspend(value)
    }

    /// Asks the processor for the memory that the next `resume` needs: the top of the coroutine's stack.
    ///
    /// For a scheduler with many coroutines that knows a little ahead which one is next. Worth it if the stack has left
    /// the cache since the coroutine ran, which it has when thousands of others have run; a small loss otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::Coroutine;
    /// let mut co = Coroutine::<(), (), ()>::new(|co, ()| co.prefetch_stack());
    /// co.resume(());
    /// ```
    #[inline]
    pub fn prefetch_stack(&self) {
        prefetch_top(self.header());
    }

    /// corosensei's own, for code that does not know this crate.
    ///
    /// # Safety
    ///
    /// Its methods may be called only where [`yield_unchecked`](Self::yield_unchecked) may be. They ask for no `unsafe`
    /// block, so this does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Coroutine, CoroutineState::Yielded};
    /// let mut one = Coroutine::<(), u32, ()>::new(|co, ()| {
    ///     // SAFETY: this is the coroutine's own body.
    ///     unsafe { co.raw() }.suspend(1);
    /// });
    /// assert_eq!(one.resume(()), Yielded(1));
    /// ```
    #[inline(always)]
    pub unsafe fn raw(&self) -> &corosensei::Yielder<In, Out> {
        &self.raw
    }

    /// The wrapper around corosensei's own.
    #[inline]
    pub(crate) fn of(raw: &corosensei::Yielder<In, Out>) -> &Self {
        // SAFETY: `Self` is a transparent wrapper around exactly this type.
        unsafe { &*ptr::from_ref(raw).cast::<Self>() }
    }

    /// The header of the coroutine's stack.
    #[inline(always)]
    pub(crate) fn header(&self) -> NonNull<Header> {
        // SAFETY: corosensei's yielder is the link of the stack that it is on.
        unsafe { Header::above(ptr::from_ref(self).addr()) }
    }
}

impl<In, Out> fmt::Debug for Yielder<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").finish_non_exhaustive()
    }
}

/// `method` was called by code that a yield would not suspend.
#[cold]
#[inline(never)]
#[track_caller]
pub(crate) fn outside(method: &str, header: &Header) -> ! {
    panic!(
        "{method}() was called from outside its coroutine, the one {}: by another task, or on a stack that the coroutine \
         did not resume. Only what runs inside the coroutine can stop with it: yield in its own body, or send the value \
         to it",
        header.label()
    );
}
