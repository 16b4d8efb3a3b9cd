//! Queues: items that some tasks put and others get.
//!
//! * [`Queue`], [`LifoQueue`], [`PriorityQueue`]: asyncio's three. They are one type,
//!   [`BaseQueue`], over three kinds of [`Storage`]; implement that for an order of your own.
//! * [`PutError`], [`PutNowaitError`]: an item that could not be put, and why.
//!
//! **Who gets an item** is whoever takes it first: a task that does not have to wait never does,
//! and takes what is best *then*, the smallest in a priority queue. Putting wakes the task that has
//! waited longest; if another takes the item before that one runs, it waits on in its old place.
//! So those who wait are served in the order in which they came. (In asyncio the unlucky one goes
//! to the end of the line.) The same holds for those who wait to put.
//!
//! **Nothing is lost.** A task that was woken and is cancelled leaves the item in the queue and
//! wakes the next. One that is cancelled while it puts has its item back, in the error.
//!
//! Deliberately absent: handing the item itself to the one who waits. It would pass by the queue:
//! by its length, its order, and [`shutdown_now`](BaseQueue::shutdown_now).

mod base;
mod error;
mod iter;
mod storage;

pub use base::BaseQueue;
pub use error::{GetNowaitError, PutError, PutNowaitError};
pub use iter::Iter;
pub use storage::{LifoQueue, PriorityQueue, Queue, Storage};
