//! Tasks: a body, a stack to run it on, and an outcome.
//!
//! * [`cell`]: the one allocation a task is, generic over its body and its result;
//! * [`header`]: what the loop and those who wait need of it, whatever its types: the states, the
//!   suspension;
//! * [`prefetch`]: having its memory at hand when it is its turn;
//! * [`cancel`]: asking it to stop;
//! * [`handle`]: making tasks, and [`Task`], the right to what one comes to;
//! * [`shared`]: [`SharedTask`], for several who wait;
//! * [`any`]: [`TaskHandle`], any task whatever its type;
//! * [`options`]: how a task is made.

mod any;
mod cancel;
mod cell;
mod handle;
mod header;
mod options;
mod prefetch;
mod scopes;
mod shared;

pub use any::{TaskHandle, all_tasks, current_task};
pub(crate) use cancel::{Awaited, Members};
pub use cell::Panicked;
pub(crate) use cell::{Outcome, Parent, Runnable, spawn_unchecked};
pub use handle::{CannotAwait, LoopClosed, Task, create_task, create_task_with};
pub(crate) use header::{Header, State};
pub use options::TaskOptions;
pub use shared::SharedTask;
