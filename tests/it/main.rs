//! The behaviour of corio, seen from outside. Where time passes, it is virtual.

mod auto_traits;
mod cancellation;
mod deadlock;
mod errors;
mod futures;
mod gather;
mod groups;
mod locks;
mod net;
mod programs;
mod reports;
mod run;
mod servers;
mod streams;
mod tasks;
mod timeouts;
