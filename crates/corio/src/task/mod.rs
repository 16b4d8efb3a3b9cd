//! Tasks: a body, a stack to run it on, and an outcome.
//!
//! * [`cell`]: the one allocation a task is, generic over its body and its result;
//! * [`header`]: what the loop and those who wait need of it, whatever its types: the states, the
//!   suspension, cancellation;
//! * [`handle`]: [`Task`] and [`TaskHandle`], what users hold;
//! * [`shared`]: [`SharedTask`], for several who wait;
//! * [`options`]: how a task is made.

mod cell;
mod handle;
mod header;
mod options;
mod shared;

pub use cell::Panicked;
pub(crate) use cell::{Outcome, Runnable, spawn_unchecked};
pub use handle::{
    CannotAwait, LoopClosed, Task, TaskHandle, all_tasks, create_task, create_task_with,
    current_task,
};
pub(crate) use header::{Header, State};
pub use options::TaskOptions;
pub use shared::SharedTask;
