//! The behaviour of corio, seen from outside. Where time passes, it is virtual.

mod auto_traits;
mod budget;
mod call_graph;
mod cancellation;
mod context_managers;
mod coroutines;
mod crowd;
mod deadlock;
mod debug;
mod docs;
mod errors;
mod futures;
mod gather;
mod generators;
mod groups;
mod iter;
mod locks;
mod net;
mod programs;
mod reports;
mod run;
mod std_futures;
mod tasks;
mod threads;
mod timeouts;
mod waiting;
