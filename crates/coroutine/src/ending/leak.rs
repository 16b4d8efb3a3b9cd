//! `panic = "abort"`: suspended bodies are leaked, if that is safe.

use std::any::Any;
use std::cell::Cell;

use crate::abort;
use crate::stack::{RawStack, Stack};

/// Whether a body may borrow.
#[derive(Debug)]
pub(crate) struct Claim {
    borrows: Cell<bool>,
}

impl Claim {
    /// The body may borrow.
    pub(crate) fn borrowing() -> Self {
        Self { borrows: Cell::new(true) }
    }

    /// The body turned out to own all it uses.
    pub(crate) fn own_all(&self) {
        self.borrows.set(false);
    }
}

/// Leaks a suspended body, stack and all.
#[cold]
pub(crate) fn end<In, Out, Ret>(
    raw: &mut corosensei::Coroutine<In, Out, Ret, RawStack>,
    stack: &Stack,
    claim: &Claim,
) {
    if claim.borrows.get() {
        abort::with_message(format_args!(
            "a suspended coroutine {} borrows its surroundings and was dropped, which cannot be done with \
             panic = \"abort\": run it to its end first",
            stack.label()
        ));
    }
    // SAFETY: nothing on the stack is used again, and the stack is leaked: as if the coroutine had been forgotten.
    unsafe { raw.force_reset() };
    stack.leak();
}

/// Stops a generator's body for ever: `suspend` is called again should anyone resume it.
pub(crate) fn stop_for_good(_: impl Any + Send, mut suspend: impl FnMut()) -> ! {
    loop {
        suspend();
    }
}
