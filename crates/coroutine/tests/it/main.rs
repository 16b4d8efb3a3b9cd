//! The tests of the crate, as one program: tests that end the process run it again as their child.

mod child;
mod coroutine;
mod drops;
mod elsewhere;
mod generator;
mod hostile;
#[cfg(unix)]
mod overflow;
mod scope;
#[cfg(feature = "proptest")]
mod script;
mod stack;
mod threads;
mod traits;
mod trimming;
