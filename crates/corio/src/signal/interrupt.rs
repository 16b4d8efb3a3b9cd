//! Ctrl-C and `run`.
//!
//! The handler takes what is armed: the first Ctrl-C finds the inbox of the main thread's loop, the
//! second finds nothing and ends the process.
//!
//! On the main thread a `run` costs six small system calls for it, four of them `sigaction`: about as
//! many as it takes to make a loop and drop it. Keeping the handler from one `run` to the next would
//! cost none, but then the program between them would not have the `SIGINT` that it expects, nor
//! could a handler that it sets there be told from ours.

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use corio_futures::Cancelled;
use signal_hook::consts::SIGINT;

use super::action::{self, Action};
use super::inbox::Inbox;
use super::registry;
use crate::event_loop::EventLoop;
use crate::task::Header;

/// The inbox of the loop whose main task the next Ctrl-C cancels.
static ARMED: AtomicPtr<Inbox> = AtomicPtr::new(ptr::null_mut());
/// Handlers that may hold what was in `ARMED`.
static LOOKING: AtomicUsize = AtomicUsize::new(0);

/// Ctrl-C cancels the main task of a loop as long as this lives.
pub(crate) struct Interrupt {
    /// What is in `ARMED` until it is taken.
    inbox: Arc<Inbox>,
    /// What to restore.
    before: Option<Action>,
}

impl Interrupt {
    /// Arms Ctrl-C, if that is this loop's business.
    pub(crate) fn arm(event_loop: &EventLoop) -> Option<Self> {
        if !on_main_thread() {
            return None;
        }
        let current = Action::current(SIGINT).ok()?;
        let before = current.is_default().then_some(current);
        if before.is_none() && !registry::stands_in(SIGINT, current) {
            return None;
        }
        let inbox = Arc::clone(event_loop.signals().inbox(event_loop));
        let armed = Arc::as_ptr(&inbox).cast_mut();
        let order = Ordering::SeqCst;
        ARMED.compare_exchange(ptr::null_mut(), armed, order, order).ok()?;
        let this = Self { inbox, before };
        if before.is_some() {
            // SAFETY: `handle` is made to be a signal handler.
            unsafe { Action::calling(handle) }.set(SIGINT).ok()?;
        }
        Some(this)
    }

    /// Gives Ctrl-C back when the main task has ended. Says whether it is why.
    pub(crate) fn disarm(self, event_loop: &EventLoop, main: &Header, cancelled: bool) -> bool {
        let inbox = Arc::clone(&self.inbox);
        drop(self);
        // One that the main task has not noticed, for it did not wait any more: it ended cancelled
        // all the same, as asyncio has it.
        let unnoticed = inbox.take_interrupt();
        let noticed = event_loop.signals().take_interrupted();
        // As in asyncio: not if somebody else wanted it cancelled too.
        unnoticed || (noticed && cancelled && main.uncancel() == 0)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        if let Some(before) = self.before
            && Action::current(SIGINT).is_ok_and(|action| action.calls(handle))
        {
            let _ = before.set(SIGINT);
        }
        ARMED.swap(ptr::null_mut(), Ordering::SeqCst);
        // Who took the pointer before is on its way, on another thread: a handler that interrupted
        // this one would have ended.
        while LOOKING.load(Ordering::SeqCst) > 0 {
            std::thread::yield_now();
        }
    }
}

/// The handler.
extern "C" fn handle(signal: libc::c_int) {
    // Whoever has set another handler may call this one from it. That one is the program's own.
    if Action::current(signal).is_ok_and(|action| action.calls(handle)) {
        interrupt();
    }
}

/// What Ctrl-C does if nobody listens. May be called by a signal handler.
pub(super) fn interrupt() {
    LOOKING.fetch_add(1, Ordering::SeqCst);
    let armed = ARMED.swap(ptr::null_mut(), Ordering::SeqCst);
    // SAFETY: `Interrupt` keeps the inbox alive until it has found the pointer gone *and* then
    // nobody looking. This thread was looking before it took the pointer, and still is.
    let armed = unsafe { armed.as_ref() };
    if let Some(inbox) = armed {
        inbox.interrupt();
    }
    LOOKING.fetch_sub(1, Ordering::SeqCst);
    if armed.is_none() {
        action::do_default(SIGINT);
    }
}

/// Whether `action` is what an armed Ctrl-C does.
pub(super) fn is_ours(signal: i32, action: Action) -> bool {
    signal == SIGINT && action.calls(handle)
}

/// Tells the main task of a loop.
pub(super) fn cancel(main: &Header) {
    main.cancel(&Cancelled::with_message("Ctrl-C"));
}

fn on_main_thread() -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        rustix::thread::gettid() == rustix::process::getpid()
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        std::thread::current().name() == Some("main")
    }
}
