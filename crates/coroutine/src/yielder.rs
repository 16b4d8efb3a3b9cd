//! The inside end of a coroutine.

use std::fmt;

/// The inside end of a [`Coroutine`](crate::Coroutine): what its body yields through.
///
/// A reference to it may be handed to any function that the body calls, however deep, and kept as long as the
/// body runs. While another coroutine runs nested on top, it may be used from there as well: the yield then
/// suspends the whole tower, down to the `resume` of the coroutine that this belongs to, and the next `resume`
/// goes on inside the nested one.
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
    pub fn yield_(&self, value: Out) -> In {
        self.raw.suspend(value)
    }

    /// The wrapper around corosensei's own.
    #[inline]
    pub(crate) fn wrap(raw: &corosensei::Yielder<In, Out>) -> &Self {
        // SAFETY: `Self` is a transparent wrapper around exactly this type.
        unsafe { &*std::ptr::from_ref(raw).cast::<Self>() }
    }
}

impl<In, Out> fmt::Debug for Yielder<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").finish_non_exhaustive()
    }
}
