//! From what names a peer to its addresses, and through those to the first that will do.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// The addresses that `addr` stands for: never none.
///
/// Looking a host *name* up blocks the thread. Everything that does so comes through here.
pub(super) fn resolve(addr: &(impl ToSocketAddrs + fmt::Debug)) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<_> = addr.to_socket_addrs().map_err(explain("resolve", addr))?.collect();
    if addresses.is_empty() {
        let message = format!("{addr:?} stands for no address");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(addresses)
}

/// What `attempt` makes of the first address of `addr` with which it succeeds.
///
/// `verb` says what it attempts, for the error: that of the last address, with the failures of all
/// of them in its message.
#[track_caller]
pub(super) fn first_of<T>(
    addr: &(impl ToSocketAddrs + fmt::Debug),
    verb: &str,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut failures = Vec::new();
    let mut kind = io::ErrorKind::InvalidInput;
    for address in resolve(addr)? {
        match attempt(address) {
            Ok(value) => return Ok(value),
            // Interrupted or off the loop: the next address would fare no better.
            Err(error) if error.raw_os_error().is_none() => return Err(error),
            Err(error) => {
                kind = error.kind();
                failures.push(format!("cannot {verb} {address}: {error}"));
            }
        }
    }
    Err(io::Error::new(kind, failures.join("; ")))
}

/// Says on what an operation failed, which the system does not.
pub(super) fn explain(verb: &str, on_what: impl fmt::Debug) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("cannot {verb} {on_what:?}: {error}"))
}
