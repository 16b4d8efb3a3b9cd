//! What a scope holds until it ends.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};

use crate::abort;
use crate::coroutine::Coroutine;
use crate::generator::Generator;
use crate::quiet::Payload;

/// What a scope ends.
pub(super) trait Member {
    /// Ends it, if it has not ended. Returns the panic with which it answered, if it did.
    fn end(&self) -> Option<Payload>;

    /// Whether nothing of its body is left.
    fn is_over(&self) -> bool;
}

impl<T, S, R> Member for Generator<T, S, R> {
    fn end(&self) -> Option<Payload> {
        if self.is_running() {
            still_running();
        }
        self.finish()
    }

    fn is_over(&self) -> bool {
        self.is_gone()
    }
}

/// A coroutine, or nothing once it has been dropped.
pub(super) type Slot<In, Out, Ret> = RefCell<Option<Coroutine<In, Out, Ret>>>;

impl<In, Out, Ret> Member for Slot<In, Out, Ret> {
    fn end(&self) -> Option<Payload> {
        let Ok(mut slot) = self.try_borrow_mut() else { still_running() };
        let coroutine = slot.take();
        drop(slot);
        panic::catch_unwind(AssertUnwindSafe(|| drop(coroutine))).err()
    }

    fn is_over(&self) -> bool {
        self.try_borrow().is_ok_and(|slot| slot.is_none())
    }
}

/// Running bodies are called from inside the scope's own body, which has ended; going on would free what they use.
#[cold]
fn still_running() -> ! {
    abort::with_message(format_args!(
        "a scope ended while a coroutine that was made in it is running"
    ));
}
