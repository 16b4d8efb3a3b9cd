//! Children that cannot outlive the call which made them, and so may borrow from it.
//!
//! * [`nursery`]: the one place that waits for children whatever happens;
//! * [`group`]: [`task_group`], asyncio's `TaskGroup`;
//! * [`gather`]: several things at once, and their results.

mod gather;
mod group;
mod nursery;

pub use gather::{Gather, Gathered, gather, gather_results};
pub use group::{TaskGroup, task_group};
pub(crate) use nursery::Nursery;
