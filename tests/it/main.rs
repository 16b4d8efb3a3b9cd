//! The behaviour of corio, seen from outside. Where time passes, it is virtual.

mod auto_traits;
mod cancellation;
mod context;
mod deadlock;
mod eager;
mod errors;
mod futures;
mod gather;
mod groups;
mod locks;
mod net;
mod programs;
mod race;
mod reports;
mod run;
mod start;
mod tasks;
mod timeouts;
