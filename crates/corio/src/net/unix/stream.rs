//! Connections by a path, or by none.

use std::fmt;
use std::io;
use std::os::unix::net::{self, SocketAddr};
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
        // Refuses what the system would take for a shorter path.
        let address = SocketAddr::from_pathname(path).map_err(explain("connect to", path))?;
        Self::connect_to(&address, path)
    }

    /// As [`connect`](Self::connect), where `addr` need not be a path: on Linux, it may be a name
    /// that is in no file system.
    ///
    /// # Cancellation
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// Of the system, with the address in the message; off the loop.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// corio::run(|| {
    ///     use std::os::linux::net::SocketAddrExt;
    ///     use std::os::unix::net::SocketAddr;
    ///
    ///     use corio::net::{UnixListener, UnixStream};
    ///
    ///     let name = format!("example-{}", std::process::id());
    ///     let address = SocketAddr::from_abstract_name(&name)?;
    ///     let _listener = UnixListener::bind_addr(&address)?;
    ///     let stream = UnixStream::connect_addr(&address)?;
    ///     assert_eq!(stream.peer_addr()?.as_abstract_name(), Some(name.as_bytes()));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn connect_addr(addr: &SocketAddr) -> io::Result<Self> {
        Self::connect_to(addr, addr)
    }

    fn connect_to(addr: &SocketAddr, name: &(impl fmt::Debug + ?Sized)) -> io::Result<Self> {
        let explained = |error| explain("connect to", name)(error);
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let address = sock_addr(addr).map_err(explained)?;
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

/// The address as socket2 has it.
fn sock_addr(addr: &SocketAddr) -> io::Result<SockAddr> {
    #[cfg(target_os = "linux")]
    {
        use std::ffi::OsStr;
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;

        if let Some(name) = addr.as_abstract_name() {
            return SockAddr::unix(OsStr::from_bytes(&[b"\0", name].concat()));
        }
    }
    match addr.as_pathname() {
        Some(path) => SockAddr::unix(path),
        None => Err(io::Error::new(io::ErrorKind::InvalidInput, "nobody has this address")),
    }
}
