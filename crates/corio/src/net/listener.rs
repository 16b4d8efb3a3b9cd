//! Listening for TCP connections.

use std::fmt;
use std::io;
use std::net::{self, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::TcpStream;
use super::io::{Direction, Registered};
use crate::sleep;

/// Connections that may wait to be accepted. What overflows is lost, and its client tries again
/// after a second. The system may allow fewer (`net.core.somaxconn`).
const BACKLOG: i32 = 1024;

/// How long `accept` waits before it says that file descriptors have run out, so that a server that
/// tries again does so at a rate at which others can give some back.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A socket that TCP connections come in at, as [`std::net::TcpListener`].
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// use corio::net::{TcpListener, TcpStream};
///
/// corio::run(|| {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let address = listener.local_addr()?;
///     let server = corio::create_task(move || {
///         let (mut stream, _) = listener.accept()?;
///         stream.write_all(b"welcome")?;
///         Ok(())
///     });
///     let mut greeting = String::new();
///     TcpStream::connect(address)?.read_to_string(&mut greeting)?;
///     assert_eq!(greeting, "welcome");
///     server.wait()
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct TcpListener {
    registered: Registered<net::TcpListener>,
}

impl TcpListener {
    /// A listener at `addr`. Port 0 asks the system for a free one.
    ///
    /// A host name is resolved on the spot, which blocks the thread; addresses are not.
    ///
    /// # Errors
    ///
    /// If the address cannot be resolved or is in use, with the address in the message; off the
    /// loop.
    pub fn bind(addr: impl ToSocketAddrs + fmt::Debug) -> io::Result<Self> {
        let listening = addr.to_socket_addrs().and_then(|mut candidates| {
            let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen at");
            let listener =
                candidates.find_map(|addr| listen(addr).map_err(|error| last = error).ok());
            listener.ok_or(last)
        });
        let listener = listening.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen at {addr:?}: {error}"))
        })?;
        Self::from_std(listener)
    }

    /// The loop's form of a listener that was set up elsewhere. Puts it in non-blocking mode.
    ///
    /// # Errors
    ///
    /// If it cannot be registered with the loop; off the loop.
    pub fn from_std(listener: net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { registered: Registered::new(listener, "a connection")? })
    }

    /// Waits for a connection. asyncio's `loop.sock_accept`.
    ///
    /// A connection that was given up before it could be accepted is passed over.
    ///
    /// # Cancellation
    ///
    /// Ends the wait; no connection is lost.
    ///
    /// # Errors
    ///
    /// Of the system; a cancellation, as an [`io::Error`]. Where file descriptors have run out, this
    /// is said after a tenth of a second: a server does well to log that and accept on.
    #[track_caller]
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            let accepted = self
                .registered
                .perform(Direction::Read, "a connection", |listener| listener.accept());
            match accepted {
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if is_exhausted(&error) => {
                    // The connection is still there, and so would be the error: not at once again.
                    sleep(BACK_OFF)?;
                    return Err(error);
                }
                Err(error) => return Err(error),
                Ok((stream, addr)) => return Ok((TcpStream::from_std(stream)?, addr)),
            }
        }
    }

    /// The connections as they come: an iterator without end.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.registered.socket().local_addr()
    }
}

/// Whether the process or the system has run out of file descriptors or memory.
fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        exhausted.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::OutOfMemory
    }
}

/// As [`std::net::TcpListener::bind`], but with room for more connections that wait to be accepted.
fn listen(addr: SocketAddr) -> io::Result<net::TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A server that is started again need not wait for the last connections of its predecessor.
    // On Windows the option means something else.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.registered.socket(), f)
    }
}

/// The connections of a listener. Made by [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}
