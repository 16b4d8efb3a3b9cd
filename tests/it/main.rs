//! The behaviour of corio, seen from outside. Where time passes, it is virtual.

mod auto_traits;
mod budget;
mod call_graph;
mod cancellation;
mod context;
mod context_managers;
mod coroutines;
mod crowd;
mod deadlock;
mod debug;
mod docs;
mod eager;
mod errors;
mod exits;
mod foreign_code;
#[cfg(unix)]
mod fs;
mod futures;
mod gather;
mod generators;
mod groups;
mod iter;
mod locks;
#[cfg(unix)]
mod name_info;
mod net;
#[cfg(unix)]
mod process;
mod programs;
mod race;
mod reports;
mod resolve;
mod run;
mod servers;
#[cfg(target_os = "linux")]
mod soak;
mod start;
mod std_futures;
mod streams;
mod tasks;
mod threads;
mod timeouts;
mod tls;
mod waiting;
