//! Generators on the loop: asyncio's async generators.
//!
//! * this file: what they are, and what becomes of one that is left half-way;
//! * [`handle`]: [`Generator`], the outside end;
//! * [`co`]: [`Co`], the inside end;
//! * [`state`]: what is behind a handle, and outlives it if it must;
//! * [`ending`]: what a body ends with, which nobody may lose;
//! * [`live`]: the generators that a loop knows, and closes when it ends;
//! * [`error`]: what a yield can say.
//!
//! # Why not just corio-coroutine's
//!
//! A generator of `corio-coroutine` works in a task as it is: its body waits on the loop, and only
//! its task stops. But it knows no errors: what fails in its body, and a cancellation does, has to
//! be yielded as an item or panicked with, and closing one unwinds its stack, on which nothing can
//! wait. So this is the same generator with corio's errors: the body returns a `Result`, a step
//! does, and so does a yield. A closed body goes on with an `Err` and returns by `?`, so that its
//! cleanup is ordinary code, which waits where it likes.
//!
//! # What is left half-way
//!
//! asyncio closes a generator that is garbage in a task of its own, some time later. Here the end
//! of its handle is known:
//!
//! | where the handle is dropped | the generator is closed |
//! |---|---|
//! | in a task | there and then; the cleanup waits in that task |
//! | where nothing can wait: in a callback, while a panic unwinds, between two `run`s | by a task of its loop, soon |
//! | nowhere: something still holds it when the loop ends | by the loop, all at once |
//! | where no loop ever was | there and then; a wait in the cleanup is an error |
//!
//! In the first three the cleanup can wait. An error that it ends with is reported.

mod co;
mod ending;
mod error;
mod handle;
mod live;
mod state;

pub use co::Co;
pub(crate) use co::OpenScopes;
pub use error::{GeneratorExit, ScopeLeftOpen};
pub use handle::{Generator, generator};
pub(crate) use live::{Generators, closing};
