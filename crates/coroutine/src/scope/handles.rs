//! What a scope gives out: references to its members.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::rc::Rc;

use super::member::Slot;
use crate::coroutine::Coroutine;
use crate::generator::Generator;
use crate::quiet;
use crate::state::CoroutineState;

/// A [`Generator`] that may borrow, and belongs to a [`Scope`](crate::Scope).
///
/// It has all methods of a [`Generator`] that take `&self`, and is an iterator. Dropping it ends the body, as
/// with a generator; forgetting it leaves that to the scope. It cannot be given to
/// [`Co::yield_from`](crate::Co::yield_from): a body that runs in the place of others must not borrow from them.
/// [`Co::yield_all`](crate::Co::yield_all) takes it.
#[must_use = "a generator does nothing until it is asked for a value"]
pub struct ScopedGenerator<'scope, T, S = (), R = ()> {
    generator: Rc<Generator<T, S, R>>,
    _scope: PhantomData<&'scope mut &'scope ()>,
}

impl<T, S, R> ScopedGenerator<'_, T, S, R> {
    pub(super) fn new(generator: Rc<Generator<T, S, R>>) -> Self {
        Self { generator, _scope: PhantomData }
    }
}

impl<T, S, R> Deref for ScopedGenerator<'_, T, S, R> {
    type Target = Generator<T, S, R>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.generator
    }
}

impl<T, S: Default, R> Iterator for ScopedGenerator<'_, T, S, R> {
    type Item = T;

    /// # Panics
    ///
    /// As for [`Generator`].
    #[inline]
    #[track_caller]
    fn next(&mut self) -> Option<T> {
        (&*self.generator).next()
    }
}

impl<T, S, R> Drop for ScopedGenerator<'_, T, S, R> {
    fn drop(&mut self) {
        if let Some(payload) = self.generator.finish() {
            quiet::resume(payload);
        }
    }
}

impl<T, S, R> fmt::Debug for ScopedGenerator<'_, T, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopedGenerator").field(&self.generator).finish()
    }
}

/// A [`Coroutine`] that may borrow, and belongs to a [`Scope`](crate::Scope).
///
/// Dropping it ends the body, as with a coroutine; forgetting it leaves that to the scope.
#[must_use = "a coroutine does nothing until it is resumed"]
pub struct ScopedCoroutine<'scope, In = (), Out = (), Ret = ()> {
    slot: Rc<Slot<In, Out, Ret>>,
    _scope: PhantomData<&'scope mut &'scope ()>,
}

impl<In, Out, Ret> ScopedCoroutine<'_, In, Out, Ret> {
    pub(super) fn new(slot: Rc<Slot<In, Out, Ret>>) -> Self {
        Self { slot, _scope: PhantomData }
    }

    /// Runs the body until it yields or returns; as [`Coroutine::resume`].
    ///
    /// # Panics
    ///
    /// As [`Coroutine::resume`], and if the scope has ended.
    #[track_caller]
    pub fn resume(&mut self, input: In) -> CoroutineState<Out, Ret> {
        let mut slot = self.slot.borrow_mut();
        slot.as_mut().expect("the scope of the coroutine has ended").resume(input)
    }

    /// Whether it has been resumed at least once.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.slot.borrow().as_ref().is_none_or(Coroutine::is_started)
    }

    /// Whether it has returned or panicked, and cannot be resumed.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.slot.borrow().as_ref().is_none_or(Coroutine::is_done)
    }
}

impl<In, Out, Ret> Drop for ScopedCoroutine<'_, In, Out, Ret> {
    fn drop(&mut self) {
        let coroutine = match self.slot.try_borrow_mut() {
            Ok(mut slot) => slot.take(),
            Err(_) => return,
        };
        drop(coroutine);
    }
}

impl<In, Out, Ret> fmt::Debug for ScopedCoroutine<'_, In, Out, Ret> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopedCoroutine").field(&self.slot).finish()
    }
}
