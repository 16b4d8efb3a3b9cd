//! Taking back a call from any thread.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use super::call::{Call, Standing};

/// A call that was handed to a loop by
/// [`call_soon_threadsafe`](super::LoopHandle::call_soon_threadsafe), to take it back from any
/// thread. asyncio's `Handle` of a threadsafe call.
///
/// Dropping it changes nothing.
#[derive(Clone)]
pub struct ThreadsafeCallHandle {
    call: Arc<dyn Call>,
}

impl ThreadsafeCallHandle {
    pub(super) fn new(call: Arc<dyn Call>) -> Self {
        Self { call }
    }

    /// Takes the call back. Says whether it had neither begun nor been taken back.
    ///
    /// The callback is dropped by this thread. If it has begun it is not disturbed, and this blocks
    /// until it has returned: whatever the callback uses is free then.
    ///
    /// A callback that takes itself back, or any other call, while that one runs, does not wait for
    /// it: so calls can never wait for one another in a circle.
    pub fn cancel(&self) -> bool {
        let taken_back = self.call.cancel();
        self.wait_while_running();
        taken_back
    }

    /// Whether the call was taken back. Blocks while the callback runs, as
    /// [`cancel`](Self::cancel) does.
    pub fn is_cancelled(&self) -> bool {
        self.wait_while_running();
        self.call.standing() == Standing::Cancelled
    }

    fn wait_while_running(&self) {
        if !CALLING.get() {
            self.call.wait_while_running();
        }
    }
}

impl fmt::Debug for ThreadsafeCallHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ThreadsafeCallHandle ({:?})", self.call.standing())
    }
}

thread_local! {
    /// Whether this thread runs a call that came from another. It must not wait for such calls.
    static CALLING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a call, on the thread of its loop.
pub(super) fn while_calling(call: impl FnOnce()) {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            CALLING.set(self.0);
        }
    }
    let _restore = Restore(CALLING.replace(true));
    call();
}
