//! The behaviour of the crate, seen from outside. Whatever concerns the operating system runs on
//! every backend, and what does not need one on the backend without a system too.
#![expect(clippy::print_stdout, reason = "a failed test shows on which backend it failed")]

mod auto_traits;
mod clock;
mod edges;
mod errors;
mod manual;
mod notifier;
mod ownership;
#[cfg(target_os = "linux")]
mod signals;
mod support;
mod timers;
mod waiting;
