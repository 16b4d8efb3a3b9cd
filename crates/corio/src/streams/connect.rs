//! Connecting.

use corio_futures::Result;

use super::{StreamReader, StreamWriter, open};
use crate::net::{StreamSocket, TcpStream, ToSocketAddrs};

/// Connects to `addr`, or to the first of its addresses that answers. asyncio's
/// `open_connection`.
///
/// Names, and several addresses, are dealt with as by [`TcpStream::connect`]. What is written is sent
/// at once (`TCP_NODELAY`), as in asyncio.
///
/// # Cancellation
///
/// Gives the connection up.
///
/// # Errors
///
/// As [`TcpStream::connect`].
///
/// # Examples
///
/// ```
/// use corio::{open_connection, start_server};
///
/// corio::run(|| {
///     let server = start_server(|_, writer| writer.write("welcome\n"), "127.0.0.1:0")?;
///     let (mut reader, _writer) = open_connection(server.local_addr())?;
///     assert_eq!(reader.read_line()?, b"welcome\n");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn open_connection(addr: impl ToSocketAddrs) -> Result<(StreamReader, StreamWriter)> {
    let stream = TcpStream::connect(addr)?;
    stream.socket().send_at_once()?;
    Ok(open(stream))
}

/// Connects to who listens at `path`. asyncio's `open_unix_connection`.
///
/// # Cancellation
///
/// Gives the connection up.
///
/// # Errors
///
/// As [`UnixStream::connect`](crate::net::UnixStream::connect).
#[cfg(unix)]
pub fn open_unix_connection(
    path: impl AsRef<std::path::Path>,
) -> Result<(StreamReader, StreamWriter)> {
    Ok(open(crate::net::UnixStream::connect(path)?))
}
