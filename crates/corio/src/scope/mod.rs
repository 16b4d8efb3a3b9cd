//! Children that cannot outlive the call which made them, and so may borrow from it.
//!
//! * [`nursery`]: the one place that waits for children whatever happens;
//! * [`group`]: [`task_group`], asyncio's `TaskGroup`;
//! * [`start`]: a child that says when it is ready;
//! * [`gather`]: several things at once, and their results;
//! * [`race`]: several ways to the same end, one after the other.

mod gather;
mod group;
mod nursery;
mod race;
mod start;

pub use gather::{Gather, Gathered, gather, gather_results};
pub use group::{TaskGroup, task_group};
pub(crate) use nursery::Nursery;
pub use race::{NoCandidates, Winner, staggered_race};
pub use start::{NotStarted, Started};
