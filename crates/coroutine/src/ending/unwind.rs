//! `panic = "unwind"`: suspended bodies are unwound.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use crate::stack::{RawStack, Stack};

/// Whether a body may borrow: of no interest here, as every body is unwound.
#[derive(Debug)]
pub(crate) struct Claim;

impl Claim {
    /// The body may borrow.
    #[inline]
    pub(crate) fn borrowing() -> Self {
        Self
    }

    /// The body turned out to own all it uses.
    #[inline]
    pub(crate) fn own_all(&self) {}
}

/// Unwinds a suspended body.
#[cold]
pub(crate) fn end<In, Out, Ret>(
    raw: &mut corosensei::Coroutine<In, Out, Ret, RawStack>,
    _: &Stack,
    _: &Claim,
) {
    match panic::catch_unwind(AssertUnwindSafe(|| raw.force_unwind())) {
        Ok(()) => {}
        Err(payload) if thread::panicking() => drop_quietly(payload),
        Err(payload) => panic::resume_unwind(payload),
    }
}

/// Drops a payload whose own destructor may panic.
fn drop_quietly(payload: Box<dyn Any + Send>) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(payload);
    }
}

/// Ends a generator's body from inside, by unwinding with `payload`.
pub(crate) fn stop_for_good(payload: impl Any + Send, _: impl FnMut()) -> ! {
    panic::resume_unwind(Box::new(payload))
}
