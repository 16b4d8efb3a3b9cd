//! Listening at a path.

use std::io;
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;

use crate::net::Listener;
use crate::net::resolve::explain;

/// A socket that connections come in at, by a path, as [`std::os::unix::net::UnixListener`].
///
/// The path remains when the listener is gone, and cannot be bound again before it is removed.
/// [`start_unix_server`](crate::start_unix_server) sees to that.
pub type UnixListener = Listener<net::UnixListener>;

impl UnixListener {
    /// A listener at `path`, which must not exist.
    ///
    /// # Errors
    ///
    /// Of the system, with the path in the message; off the loop.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        Self::from_std(net::UnixListener::bind(path).map_err(explain("listen at", path))?)
    }

    /// A listener at `addr`, which need not be a path: on Linux, it may be a name that is in no file
    /// system and goes with the listener; see [`UnixStream::connect_addr`](super::UnixStream::connect_addr).
    ///
    /// # Errors
    ///
    /// Of the system, with the address in the message; off the loop.
    pub fn bind_addr(addr: &SocketAddr) -> io::Result<Self> {
        Self::from_std(net::UnixListener::bind_addr(addr).map_err(explain("listen at", addr))?)
    }
}
