//! A yielded value on its way out.

use std::cell::Cell;
use std::mem::{self, ManuallyDrop, MaybeUninit};

/// What a body yields: a value, or nothing if it leaves a message instead.
///
/// Which of them, the type does not tell. Whoever resumes the body looks for a message, and then [takes](Self::take) the
/// value or [forgets](Self::forget) the slot, before any other code runs. A slot is dropped only where nobody resumes the
/// body but it is unwound by force, and it yields nevertheless.
#[repr(transparent)]
pub(super) struct Slot<T>(MaybeUninit<T>);

thread_local! {
    /// Whether the slot that is under way is empty; there is one at most.
    static EMPTY: Cell<bool> = const { Cell::new(false) };
}

impl<T> Slot<T> {
    /// A value.
    #[inline(always)]
    pub(super) fn new(value: T) -> Self {
        Self(MaybeUninit::new(value))
    }

    /// Nothing. To be yielded at once.
    pub(super) fn empty() -> Self {
        EMPTY.set(true);
        Self(MaybeUninit::uninit())
    }

    /// The value.
    ///
    /// # Safety
    ///
    /// There must be one.
    #[inline(always)]
    pub(super) unsafe fn take(self) -> T {
        let slot = ManuallyDrop::new(self);
        // SAFETY: there is a value, as the caller promises, and the slot, which is not dropped, does not use it again.
        unsafe { slot.0.assume_init_read() }
    }

    /// Does away with an empty slot.
    pub(super) fn forget(self) {
        EMPTY.set(false);
        mem::forget(self);
    }
}

impl<T> Drop for Slot<T> {
    #[cold]
    fn drop(&mut self) {
        if !EMPTY.replace(false) {
            // SAFETY: not empty, as an empty slot says so until it is forgotten or dropped; and dropped once.
            unsafe { self.0.assume_init_drop() };
        }
    }
}
