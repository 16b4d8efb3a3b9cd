//! Networking on the loop, in the shape of [`std::net`].
//!
//! A socket is registered with the loop once, in edge mode; whether it is ready is remembered in
//! user space. So an operation is tried first, and only one that finds nothing to do costs a turn
//! of the loop, never a system call of its own. How a task waits for a socket is in the module `io`.
//!
//! | what | type |
//! |---|---|
//! | a connection | [`Stream`]: `TcpStream`, `UnixStream` |
//! | where connections come in | [`Listener`]: `TcpListener`, `UnixListener` |
//! | datagrams | [`UdpSocket`], `UnixDatagram` |
//! | any file descriptor | [`Async`] |
//! | names and addresses | [`lookup_host`], `lookup_addr`, [`ToSocketAddrs`] |
//!
//! Streams implement [`std::io::Read`] and [`std::io::Write`], also for shared references, so
//! what is written for blocking sockets works here as it is, one task at a time being suspended
//! instead of the thread. asyncio's streams, with their buffers and limits, are in
//! [`streams`](crate::streams).
//!
//! What is the same for TCP and Unix sockets is written once, for `Stream<S>` and `Listener<L>`;
//! the names that one uses stand for these over a socket of std.
//!
//! Deliberately absent: halves of a stream. A reference, or [`Stream::try_clone`], serves as one.

mod addresses;
mod async_fd;
mod happy_eyeballs;
pub(crate) mod io;
mod listen;
mod listener;
#[cfg(unix)]
mod name_info;
mod resolve;
mod socket;
mod stream;
mod sys;
mod tcp;
mod udp;
#[cfg(unix)]
mod unix;

pub use addresses::ToSocketAddrs;
pub use async_fd::Async;
pub use listen::{ListenOptions, TcpListener};
pub use listener::{Incoming, Listener};
#[cfg(unix)]
pub use name_info::{NameInfo, NameInfoOptions, lookup_addr};
pub use resolve::lookup_host;
pub use socket::{ListenSocket, StreamSocket};
pub use stream::Stream;
pub use tcp::TcpStream;
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix::{UnixDatagram, UnixListener, UnixStream};
