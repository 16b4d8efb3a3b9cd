#![doc = include_str!("../README.md")]

pub mod completion;
pub mod contract;

mod error;
mod event;
mod future;
mod group;
mod kinds;
mod lock;
mod wait_list;

pub use completion::CallbackKey;
pub use error::{Error, Result};
pub use event::Event;
pub use future::{Future, Promise, SharedFuture, create_future};
pub use group::ErrorGroup;
pub use kinds::{BrokenPromise, Cancelled, CannotWait, InvalidState, NoRunningLoop, TimedOut};
pub use lock::{Lock, LockGuard};
pub use wait_list::{Interrupted, WaitList};
