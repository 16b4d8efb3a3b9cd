#![doc = include_str!("../README.md")]

mod abort;
mod coroutine;
mod ending;
mod generator;
mod overflow;
mod quiet;
mod scope;
#[cfg(feature = "proptest")]
pub mod script;
mod stack;
mod state;
mod sys;
mod yielder;

pub use self::coroutine::Coroutine;
pub use self::generator::{Co, Generator, GeneratorError, Interrupted, Thrown};
pub use self::overflow::set_overflow_noun;
pub use self::scope::{Scope, ScopedCoroutine, ScopedGenerator, scope};
#[doc(hidden)]
pub use self::stack::prefetch;
pub use self::stack::{
    GuardMethod, Stack, StackError, StackLabel, StackOptions, StackStatistics, StacksInUse,
    resident_bytes, runs_on, statistics, trim,
};
pub use self::state::CoroutineState;
pub use self::yielder::Yielder;
