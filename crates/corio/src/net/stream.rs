//! TCP connections.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{self, Shutdown, SocketAddr, ToSocketAddrs};
use std::rc::Rc;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::io::{Direction, Registered};

/// A TCP connection, as [`std::net::TcpStream`].
///
/// Reading and writing suspend the task, not the thread. Limits on how long they take are
/// [`timeout`](crate::timeout)'s business.
///
/// # Cancellation
///
/// A read or write that is cancelled while it waits fails with an [`io::Error`] for which
/// [`Error::is_cancelled`](crate::Error::is_cancelled) is true. Nothing that was read is lost, and
/// the connection remains usable.
pub struct TcpStream {
    registered: Rc<Registered<net::TcpStream>>,
}

impl TcpStream {
    /// Connects to `addr`, or to the first of its addresses that answers. asyncio's
    /// `loop.sock_connect`.
    ///
    /// A host name is resolved on the spot, which blocks the thread; addresses are not.
    ///
    /// # Cancellation
    ///
    /// Gives the connection up.
    ///
    /// # Errors
    ///
    /// The error of the last address tried, with the address in the message; off the loop.
    #[track_caller]
    pub fn connect(addr: impl ToSocketAddrs) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to connect to");
        for addr in addr.to_socket_addrs()? {
            match Self::connect_to(addr) {
                Ok(stream) => return Ok(stream),
                // Interrupted or off the loop: the next address would fare no better.
                Err(error) if error.raw_os_error().is_none() => return Err(error),
                Err(error) => {
                    let message = format!("cannot connect to {addr}: {error}");
                    last = io::Error::new(error.kind(), message);
                }
            }
        }
        Err(last)
    }

    #[track_caller]
    fn connect_to(addr: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        let connecting = match socket.connect(&SockAddr::from(addr)) {
            Ok(()) => false,
            Err(error) if is_in_progress(&error) => true,
            Err(error) => return Err(error),
        };
        let registered = Registered::new(net::TcpStream::from(socket), "a connection")?;
        if connecting {
            // Being connected is being writable; the first look may come too early.
            registered.perform(Direction::Write, "a connection", |stream| {
                match stream.take_error()? {
                    Some(error) => Err(error),
                    None => match stream.peer_addr() {
                        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                            Err(io::ErrorKind::WouldBlock.into())
                        }
                        connected => connected.map(drop),
                    },
                }
            })?;
        }
        Ok(Self { registered: Rc::new(registered) })
    }

    /// The loop's form of a connection that was made elsewhere. Puts it in non-blocking mode.
    ///
    /// # Errors
    ///
    /// If it cannot be registered with the loop; off the loop.
    pub fn from_std(stream: net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self { registered: Rc::new(Registered::new(stream, "a connection")?) })
    }

    /// Another handle to the same connection. Costs nothing but a count; never fails.
    ///
    /// # Errors
    ///
    /// None; it returns a `Result` because [`std::net::TcpStream::try_clone`] does.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { registered: Rc::clone(&self.registered) })
    }

    /// Reads without taking the bytes away.
    ///
    /// # Errors
    ///
    /// Of the system; a cancellation, as an [`io::Error`].
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.registered.perform(Direction::Read, "bytes to read", |stream| stream.peek(buffer))
    }

    /// Closes the reading half, the writing half, or both.
    ///
    /// # Errors
    ///
    /// Of the system, such as that there is no connection any more.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket().shutdown(how)
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// Of the system, such as that there is no connection any more.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket().peer_addr()
    }

    /// The address on this side.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket().local_addr()
    }

    /// Whether small writes are sent at once instead of being collected (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket().set_nodelay(nodelay)
    }

    fn socket(&self) -> &net::TcpStream {
        self.registered.socket()
    }
}

/// Whether a non-blocking connect has begun and will be finished by the system.
fn is_in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    let in_progress = error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error());
    #[cfg(not(unix))]
    let in_progress = false;
    in_progress || error.kind() == io::ErrorKind::WouldBlock
}

impl Read for &TcpStream {
    #[track_caller]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let registered = &*self.registered;
        registered.perform(Direction::Read, "bytes to read", |mut stream| {
            let count = stream.read(buffer)?;
            if 0 < count && count < buffer.len() {
                registered.exhausted(Direction::Read);
            }
            Ok(count)
        })
    }
}

impl Write for &TcpStream {
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let registered = &*self.registered;
        registered.perform(Direction::Write, "room to write", |mut stream| {
            let count = stream.write(bytes)?;
            if 0 < count && count < bytes.len() {
                registered.exhausted(Direction::Write);
            }
            Ok(count)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    #[track_caller]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for TcpStream {
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.socket(), f)
    }
}
