//! `panic = "unwind"`: suspended bodies are unwound.

use std::any::Any;
use std::panic;

use crate::quiet::{self, First};
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
    let mut panicked = First::default();
    // Again, if it was the destructor of a value yielded meanwhile that panicked: then the body still stands.
    while !raw.done() {
        panicked.catch(|| raw.force_unwind());
    }
    if let Some(payload) = panicked.take() {
        quiet::resume(payload);
    }
}

/// Ends a generator's body from inside, by unwinding with `payload`.
pub(crate) fn stop_for_good(payload: impl Any + Send, _: impl FnMut()) -> ! {
    panic::resume_unwind(Box::new(payload))
}
