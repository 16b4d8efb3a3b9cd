//! Sockets and other file descriptors on the loop.

#[cfg(unix)]
mod async_fd;
mod cancelling;
mod ends;
mod listening;
mod sharing;
mod tcp;
mod udp;
#[cfg(unix)]
mod unix;

use corio::net::{TcpListener, TcpStream};
use corio::{Result, gather};

/// Both ends of a connection.
pub(crate) fn connection() -> Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (near, far) = gather((|| Ok(TcpStream::connect(address)?), || Ok(listener.accept()?.0)))?;
    assert_eq!(near.local_addr()?, far.peer_addr()?);
    Ok((near, far))
}

/// Bytes none of which looks like its neighbours.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

/// Enough to fill the buffers of both ends several times over.
pub(crate) const LARGE: usize = 16 * 1024 * 1024;
