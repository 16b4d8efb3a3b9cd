//! Saying whose stack overflowed.
//!
//! A stack that overflows touches its guard page, and the system sends the thread a signal. With the feature
//! `overflow-report`, a handler looks whether the address is the guard of a stack of this thread; if so, it
//! writes one message and aborts, and if not, it leaves the signal to whoever had it before: std's own handler
//! for threads, a debugger's, a sanitizer's.
//!
//! Everything here runs inside a signal handler on its small stack, while the program may hold any lock: no
//! allocation, no formatting machinery, no buffered output.

cfg_select! {
    all(unix, feature = "overflow-report") => {
        mod handler;
        mod text;
        pub(crate) use self::handler::{enter_thread, leave_thread};
        use self::handler::set_noun;
    }
    _ => {
        mod disabled;
        pub(crate) use self::disabled::{enter_thread, leave_thread};
        use self::disabled::set_noun;
    }
}

/// Sets the noun for stacks with a name in the overflow report: `coroutine 'x' overflowed its 256 KiB stack` by
/// default.
///
/// For libraries that call their coroutines something else, like tasks or actors. The first call in a process
/// wins. Without the feature `overflow-report` it does nothing.
///
/// # Examples
///
/// ```
/// corio_coroutine::set_overflow_noun("task");
/// ```
pub fn set_overflow_noun(noun: &'static str) {
    set_noun(noun);
}
