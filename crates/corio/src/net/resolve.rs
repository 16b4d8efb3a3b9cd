//! From what names a peer to its addresses, and through those to the first that will do.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

use super::addresses::{Endpoint, ToSocketAddrs};
use crate::threads::to_thread;

/// The addresses that `addr` stands for: never none. asyncio's `loop.getaddrinfo`.
///
/// A name is looked up by the system (`getaddrinfo`), on a thread of the default executor. Addresses
/// are taken as they are, at once.
///
/// # Cancellation
///
/// Ends the wait. The thread goes on until the system has answered, or given up.
///
/// # Errors
///
/// If there is no such name, or nobody who could tell, with the name in the message;
/// [`InvalidInput`](io::ErrorKind::InvalidInput) if `addr` is neither an address nor a name with a
/// port; a cancellation; for a name, off the loop.
///
/// # Examples
///
/// ```
/// use corio::net::lookup_host;
///
/// corio::run(|| {
///     for address in lookup_host("localhost:80")? {
///         assert!(address.ip().is_loopback());
///     }
///     assert_eq!(lookup_host("[::1]:80")?.len(), 1);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn lookup_host(addr: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    resolve(&addr)
}

#[track_caller]
pub(super) fn resolve(addr: &impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    let addresses = match addr.endpoint() {
        Endpoint::Address(address) => vec![address],
        Endpoint::Addresses(addresses) => addresses,
        Endpoint::Host(name, port) => look_up(name, port)?,
        Endpoint::Malformed => return Err(malformed(addr)),
    };
    if addresses.is_empty() {
        let message = format!("{addr:?} stands for no address");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(addresses)
}

/// The first of the addresses that `addr` stands for.
#[track_caller]
pub(super) fn resolve_first(addr: &impl ToSocketAddrs) -> io::Result<SocketAddr> {
    match addr.endpoint() {
        Endpoint::Address(address) => Ok(address),
        _ => Ok(resolve(addr)?[0]),
    }
}

#[track_caller]
fn look_up(name: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses = to_thread(move || {
        let found = (name.as_str(), port).to_socket_addrs();
        Ok(found.map_err(explain("resolve", &name))?.collect())
    })?;
    Ok(addresses)
}

fn malformed(addr: &impl fmt::Debug) -> io::Error {
    let message = format!("cannot resolve {addr:?}: it is no address or name that ends in :PORT");
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// What `attempt` makes of the first address of `addr` with which it succeeds.
///
/// `verb` says what it attempts, for the error: that of the last address, with the failures of all
/// of them in its message.
#[track_caller]
pub(super) fn first_of<T>(
    addr: &impl ToSocketAddrs,
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
