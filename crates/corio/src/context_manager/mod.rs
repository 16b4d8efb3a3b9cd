//! Context managers: setting up, using, and tidying up whatever happens. asyncio's `async with`.
//!
//! * [`manager`]: the trait [`ContextManager`];
//! * [`with`]: [`with()`](with()), over one manager or several;
//! * [`outcome`]: how a body ends, and what each exit makes of it;
//! * [`from_generator`]: [`contextmanager`], a manager written as a generator;
//! * [`exit_stack`]: [`ExitStack`], a number of managers that is known only at run time;
//! * [`closing`]: [`closing()`](closing()), for what has a `close`;
//! * [`decorate`]: a function with a fresh manager around each of its calls.
//!
//! Any function can wait, so `enter` and `exit` can: there is no second, asynchronous kind.
//!
//! # When to use which
//!
//! **A guard comes first**: a type whose `Drop` tidies up. It is what Rust has, it needs no closure,
//! and its `Drop` may wait. Use a context manager where `Drop` falls short:
//!
//! * tidying up can fail, and the caller must hear of it;
//! * it depends on whether the body failed, as committing and rolling back do;
//! * it replaces the body's error, or swallows it;
//! * it has to wait although the body panics (a `Drop` cannot, then).

mod closing;
mod decorate;
mod exit_stack;
mod from_generator;
mod manager;
mod outcome;
mod with;

pub use closing::{Close, Closing, NullContext, closing, nullcontext};
pub use decorate::decorate;
pub use exit_stack::{ExitStack, exit_stack};
pub use from_generator::{ContextManagerMisused, GeneratorContextManager, contextmanager};
pub use manager::ContextManager;
pub use outcome::{BodyPanicked, ExitFailed, Suppressed};
pub use with::{Managers, with, with_suppressing};
