//! What crosses threads, in every order in which it can.
//!
//! The files below are the library's own, compiled once more with loom's primitives in the place of
//! the standard library's. Loom runs each program in every interleaving that the memory model
//! allows, and finds deadlocks itself: a wake-up that is lost is a program that does not end.

#![expect(dead_code, reason = "not every part of those files is needed here")]

mod call_model;
mod inbox_model;
mod oneshot_model;

#[path = "../../crates/corio/src/threads/call.rs"]
mod call;
#[path = "../../crates/corio/src/threads/inbox.rs"]
mod inbox;
#[path = "../../crates/corio/src/threads/oneshot.rs"]
mod oneshot;

mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Arc, Condvar, Mutex};
}

/// Runs a program of three threads in most of its interleavings: in those that put threads aside
/// against their will no more than twice. All of them would take a minute, and these a moment.
fn check_three_threads(program: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(program);
}
