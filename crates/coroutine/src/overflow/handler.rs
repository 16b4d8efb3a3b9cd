//! The signal handler.

use std::cell::Cell;
use std::mem;
use std::process;
use std::ptr;
use std::sync::{Once, OnceLock};

use super::text::Text;
use crate::stack::with_guarded;
use crate::sys::Mapping;

/// Touching a guard raises the first on Linux and the second on some others.
const SIGNALS: [i32; 2] = [libc::SIGSEGV, libc::SIGBUS];
/// For threads that have no signal stack of their own.
const SIGNAL_STACK_SIZE: usize = 64 * 1024;

/// Who handled each signal before.
static PREVIOUS: [OnceLock<libc::sigaction>; SIGNALS.len()] = [const { OnceLock::new() }; SIGNALS.len()];
static NOUN: OnceLock<&'static str> = OnceLock::new();

thread_local! {
    /// The signal stack that this module gave to the thread, or null.
    static SIGNAL_STACK: Cell<*mut Mapping> = const { Cell::new(ptr::null_mut()) };
}

/// The noun for stacks with a name.
pub(super) fn set_noun(noun: &'static str) {
    let _ = NOUN.set(noun);
}

/// Prepares the process and this thread; called once a thread, before its first stack.
///
/// A failure leaves an overflow to the signal's default action, which ends the process as well, only without words.
pub(crate) fn enter_thread() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(install);
    let Some(old) = exchange_signal_stack(None) else { return };
    if old.ss_flags & libc::SS_DISABLE == 0 {
        return;
    }
    let Ok(mapping) = Mapping::new(SIGNAL_STACK_SIZE) else { return };
    let new = libc::stack_t { ss_sp: mapping.at(0).as_ptr().cast(), ss_flags: 0, ss_size: mapping.len() };
    if exchange_signal_stack(Some(new)).is_some() {
        SIGNAL_STACK.set(Box::into_raw(Box::new(mapping)));
    }
}

/// Takes the thread's signal stack back, if it came from here.
pub(crate) fn leave_thread() {
    let mapping = SIGNAL_STACK.replace(ptr::null_mut());
    if mapping.is_null() {
        return;
    }
    // SAFETY: not null, so it came from `Box::into_raw` above, and nobody else has it.
    let mapping = unsafe { Box::from_raw(mapping) };
    if exchange_signal_stack(None).is_some_and(|stack| stack.ss_sp.addr() == mapping.start()) {
        let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: SIGNAL_STACK_SIZE };
        exchange_signal_stack(Some(none));
    }
}

/// Sets the thread's signal stack if `new` is given; returns the old one.
fn exchange_signal_stack(new: Option<libc::stack_t>) -> Option<libc::stack_t> {
    let mut old = mem::MaybeUninit::<libc::stack_t>::zeroed();
    let new = new.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: both pointers are valid or null. A new stack, if any, stays mapped until it is replaced.
    let result = unsafe { libc::sigaltstack(new, old.as_mut_ptr()) };
    // SAFETY: zeroed is a valid `stack_t`, and the call filled it in if it succeeded.
    (result == 0).then(|| unsafe { old.assume_init() })
}

fn install() {
    for (signal, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
        let Some(old) = exchange_action(signal, None) else { continue };
        // Known before the handler can run.
        let _ = previous.set(old);
        // SAFETY: all zeroes is a valid `sigaction`: the default action, an empty mask, no flags.
        let mut new = unsafe { mem::zeroed::<libc::sigaction>() };
        new.sa_sigaction = handle as *const () as usize;
        new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        exchange_action(signal, Some(new));
    }
}

/// Sets the action of `signal` if `new` is given; returns the old one.
fn exchange_action(signal: i32, new: Option<libc::sigaction>) -> Option<libc::sigaction> {
    let mut old = mem::MaybeUninit::<libc::sigaction>::zeroed();
    let new = new.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: both pointers are valid or null, and the only handler ever set is the function below.
    let result = unsafe { libc::sigaction(signal, new, old.as_mut_ptr()) };
    // SAFETY: zeroed is a valid `sigaction`, and the call filled it in if it succeeded.
    (result == 0).then(|| unsafe { old.assume_init() })
}

extern "C" fn handle(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid record to a handler that was set with `SA_SIGINFO`.
    let info_ref = unsafe { &*info };
    // SAFETY: the record of these signals has an address; of one sent by `kill` it is some other number, which
    // is in no guard page but by accident.
    let address = unsafe { info_ref.si_addr() };
    with_guarded(address.addr(), |stack| {
        write_all(Text::report(stack, NOUN.get().copied().unwrap_or("coroutine")).as_bytes());
        process::abort();
    });
    pass_on(signal, info, context);
}

/// Writes to standard error, past any buffer.
fn write_all(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the pointer and length are those of a slice.
        let written = unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) if written > 0 => bytes = &bytes[written..],
            _ => return,
        }
    }
}

/// Does what would have been done without this handler.
fn pass_on(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let index = SIGNALS.iter().position(|known| *known == signal);
    let previous = index.and_then(|index| PREVIOUS[index].get());
    match previous {
        Some(action) if action.sa_sigaction == libc::SIG_IGN || action.sa_sigaction == libc::SIG_DFL => {
            // The faulting instruction runs again, and ends the process.
            exchange_action(signal, Some(*action));
        }
        Some(action) if action.sa_flags & libc::SA_SIGINFO != 0 => {
            let handler = ptr::with_exposed_provenance::<()>(action.sa_sigaction);
            // SAFETY: whoever set the action with `SA_SIGINFO` gave a function of this type.
            let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = unsafe { mem::transmute(handler) };
            handler(signal, info, context);
        }
        Some(action) => {
            let handler = ptr::with_exposed_provenance::<()>(action.sa_sigaction);
            // SAFETY: whoever set the action without `SA_SIGINFO` gave a function of this type.
            let handler: extern "C" fn(i32) = unsafe { mem::transmute(handler) };
            handler(signal);
        }
        None => process::abort(),
    }
}
