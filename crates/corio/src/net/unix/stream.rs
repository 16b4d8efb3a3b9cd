//! Connections by a path, or by none.

use std::io;
use std::os::unix::net;
use std::path::Path;

use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::net::Stream;
use crate::net::resolve::explain;
use crate::sleep;

use super::RETRY;

/// A connection within one machine, as [`std::os::unix::net::UnixStream`].
///
/// It implements [`Read`](io::Read) and [`Write`](io::Write), also for `&UnixStream`.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// use corio::net::UnixStream;
///
/// corio::run(|| {
///     let (mut near, mut far) = UnixStream::pair()?;
///     near.write_all(b"hello")?;
///     drop(near);
///     let mut text = String::new();
///     far.read_to_string(&mut text)?;
///     assert_eq!(text, "hello");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub type UnixStream = Stream<net::UnixStream>;

impl UnixStream {
    /// Connects to who listens at `path`. Waits while that one has as many connections to accept
    /// as it allows.
    ///
    /// # Cancellation
    ///
    /// Gives the connection up.
    ///
    /// # Errors
    ///
    /// Of the system, with the path in the message; off the loop.
    pub fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let explained = |error| explain("connect to", path)(error);
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let address = SockAddr::unix(path).map_err(explained)?;
        while let Err(error) = socket.connect(&address) {
            if error.raw_os_error() != Some(Errno::AGAIN.raw_os_error()) {
                return Err(explained(error));
            }
            // The queue is full, and the system does not say when it is not any more.
            sleep(RETRY)?;
        }
        Self::from_std(socket.into())
    }

    /// Both ends of a connection that has no path.
    ///
    /// # Errors
    ///
    /// Of the system; off the loop.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (near, far) = net::UnixStream::pair()?;
        Ok((Self::from_std(near)?, Self::from_std(far)?))
    }
}
