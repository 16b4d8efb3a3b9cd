//! Waiting for what runs already: one of several, all of several, or one but not for ever.

mod as_completed;
mod tally;
mod wait;
mod wait_for;

pub use as_completed::{AsCompleted, as_completed};
pub use wait::{NothingToWaitFor, ReturnWhen, wait};
pub use wait_for::{Awaitable, Shieldable, shield, wait_for};
