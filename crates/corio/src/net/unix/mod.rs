//! Sockets that have a path, or only each other, instead of a port.

mod datagram;
mod listener;
mod stream;

pub use datagram::UnixDatagram;
pub use listener::UnixListener;
pub use stream::UnixStream;

/// How long to wait for a place in somebody else's queue where the system does not say when there
/// is one.
const RETRY: std::time::Duration = std::time::Duration::from_millis(2);
