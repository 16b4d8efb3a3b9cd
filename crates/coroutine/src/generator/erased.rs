//! A return value whose type only its receiver knows.

use std::ptr::NonNull;

/// A box whose type was forgotten. A value without a size costs no allocation.
#[derive(Debug)]
pub(super) struct Erased {
    value: NonNull<()>,
    drop: unsafe fn(NonNull<()>),
}

impl Erased {
    /// Boxes `value` and forgets its type.
    pub(super) fn new<R>(value: R) -> Self {
        unsafe fn drop_box<R>(value: NonNull<()>) {
            // SAFETY: the caller passes what `Box::into_raw` returned for this very type, once.
            drop(unsafe { Box::from_raw(value.cast::<R>().as_ptr()) });
        }
        Self { value: NonNull::from(Box::leak(Box::new(value))).cast(), drop: drop_box::<R> }
    }

    /// The value.
    ///
    /// # Safety
    ///
    /// `R` must be the type that it was made with.
    pub(super) unsafe fn into<R>(self) -> R {
        let value = self.value.cast::<R>();
        std::mem::forget(self);
        // SAFETY: made by `Box::leak` in `new` with the same type, as the caller promises, and not dropped:
        // forgotten.
        *unsafe { Box::from_raw(value.as_ptr()) }
    }
}

impl Drop for Erased {
    fn drop(&mut self) {
        // SAFETY: the function belongs to the value's type, and the value is dropped once: `into` forgets `self`.
        unsafe { (self.drop)(self.value) };
    }
}
