#![doc = include_str!("../README.md")]

pub mod completion;
pub mod contract;
pub mod queue;

mod barrier;
mod condition;
mod error;
mod event;
mod future;
mod group;
mod kinds;
mod lock;
mod semaphore;
mod wait_list;

pub use barrier::Barrier;
pub use completion::CallbackKey;
pub use condition::{Condition, ConditionGuard};
pub use error::{Error, Result};
pub use event::Event;
pub use future::{Future, Promise, SharedFuture, create_future};
pub use group::ErrorGroup;
pub use kinds::{
    BrokenBarrier, BrokenPromise, Cancelled, CannotWait, InvalidState, NoParties, NoRunningLoop,
    QueueEmpty, QueueFull, QueueShutDown, TimedOut, TooManyPermits, TooManyTasksDone,
};
pub use lock::{Lock, LockGuard};
pub use queue::{GetNowaitError, LifoQueue, PriorityQueue, PutError, PutNowaitError, Queue};
pub use semaphore::{BoundedSemaphore, Permit, Semaphore};
pub use wait_list::{Interrupted, WaitList};
