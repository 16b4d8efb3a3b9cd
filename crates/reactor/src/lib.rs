#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod arena;
mod clock;
mod error;
mod notifier;
mod reactor;
mod readiness;
mod source;
mod sys;
mod timers;

pub use polling::AsSource;

pub use crate::clock::Clock;
pub use crate::notifier::Notifier;
pub use crate::reactor::{Reactor, Statistics};
pub use crate::readiness::Readiness;
pub use crate::source::Source;
pub use crate::sys::Backend;
pub use crate::timers::{TimerKey, Timers};
