//! What the process does about a signal: `sigaction`, for what `signal-hook` does not offer.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use signal_hook::low_level;

/// A handler, in the sense of the operating system.
pub(super) type Handler = extern "C" fn(libc::c_int);

/// What is done about a signal.
#[derive(Clone, Copy)]
pub(super) struct Action(libc::sigaction);

impl Action {
    /// What the operating system does by itself.
    fn system_default() -> Self {
        // SAFETY: all zeroes is a valid `sigaction`: the default action, an empty mask, no flags.
        let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
        action.sa_sigaction = libc::SIG_DFL;
        Self(action)
    }

    /// What is done about `signal` now.
    pub(super) fn current(signal: i32) -> io::Result<Self> {
        exchange(signal, None)
    }

    /// Calls `handler`, on the signal stack of the thread that it interrupts: that thread may be on
    /// a small stack of a coroutine. System calls that it interrupts go on.
    ///
    /// # Safety
    ///
    /// `handler` does nothing that a signal handler may not do.
    pub(super) unsafe fn calling(handler: Handler) -> Self {
        let Self(mut action) = Self::system_default();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_ONSTACK | libc::SA_RESTART;
        Self(action)
    }

    /// The same, on the signal stack.
    pub(super) fn on_signal_stack(mut self) -> Self {
        self.0.sa_flags |= libc::SA_ONSTACK;
        self
    }

    /// Has `signal` do this.
    pub(super) fn set(self, signal: i32) -> io::Result<()> {
        exchange(signal, Some(self)).map(drop)
    }

    pub(super) fn is_default(self) -> bool {
        self.0.sa_sigaction == libc::SIG_DFL
    }

    pub(super) fn calls(self, handler: Handler) -> bool {
        self.0.sa_sigaction == handler as *const () as usize
    }

    pub(super) fn calls_the_same_as(self, other: Self) -> bool {
        self.0.sa_sigaction == other.0.sa_sigaction
    }
}

/// Does what `signal` would do without a handler; as a rule, that ends the process, and its parent
/// sees by which signal. May be called by a signal handler.
pub(super) fn do_default(signal: i32) {
    if low_level::emulate_default_handler(signal).is_err() {
        // A signal that `signal-hook` does not know, such as a real-time one.
        let _ = Action::system_default().set(signal);
        let _ = low_level::raise(signal);
    }
}

/// Sets what `signal` does, if `new` is given; returns what it did.
fn exchange(signal: i32, new: Option<Action>) -> io::Result<Action> {
    let new = new.as_ref().map_or(ptr::null(), |action| ptr::from_ref(&action.0));
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: both pointers are valid or null. What is set was either read by this function, from
    // whoever set it, or made by `calling`.
    let result = unsafe { libc::sigaction(signal, new, old.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all zeroes is valid, and the call has filled it in.
    Ok(Action(unsafe { old.assume_init() }))
}
