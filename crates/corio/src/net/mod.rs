//! Networking on the loop, in the shape of [`std::net`].
//!
//! A socket is registered with the loop once, in edge mode; whether it is ready is remembered in
//! user space. So an operation is tried first, and only one that finds nothing to do costs a turn
//! of the loop, never a system call of its own. How a task waits for a socket is in the module `io`.
//!
//! The types implement [`std::io::Read`] and [`std::io::Write`], also for shared references, so
//! what is written for blocking sockets works here as it is, one task at a time being suspended
//! instead of the thread.

mod io;
mod listener;
mod stream;

pub use listener::{Incoming, TcpListener};
pub use stream::TcpStream;
