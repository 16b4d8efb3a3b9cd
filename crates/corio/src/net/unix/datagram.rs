//! Datagrams.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{self, SocketAddr};
use std::path::Path;
use std::rc::Rc;

use crate::net::io::{Direction, Registered};
use crate::net::resolve::explain;
use crate::sleep;

use super::RETRY;

/// Datagrams within one machine, as [`std::os::unix::net::UnixDatagram`].
///
/// They arrive whole, once and in order; who sends waits while the receiver has too many.
///
/// # Cancellation
///
/// As [`UdpSocket`](crate::net::UdpSocket).
///
/// # Examples
///
/// ```
/// use corio::net::UnixDatagram;
///
/// corio::run(|| {
///     let (near, far) = UnixDatagram::pair()?;
///     near.send(b"hello")?;
///     let mut buffer = [0; 16];
///     let length = far.recv(&mut buffer)?;
///     assert_eq!(&buffer[..length], b"hello");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct UnixDatagram {
    registered: Rc<Registered<net::UnixDatagram>>,
}

impl UnixDatagram {
    /// A socket at `path`, which must not exist. It remains when the socket is gone.
    ///
    /// # Errors
    ///
    /// Of the system, with the path in the message; off the loop.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        Self::from_std(net::UnixDatagram::bind(path).map_err(explain("bind a socket to", path))?)
    }

    /// A socket at `addr`, which need not be a path: on Linux, it may be a name that is in no file
    /// system and goes with the socket.
    ///
    /// # Errors
    ///
    /// Of the system, with the address in the message; off the loop.
    pub fn bind_addr(addr: &SocketAddr) -> io::Result<Self> {
        let bound = net::UnixDatagram::bind_addr(addr);
        Self::from_std(bound.map_err(explain("bind a socket to", addr))?)
    }

    /// A socket that has no path: it can send, but nobody can answer it.
    ///
    /// # Errors
    ///
    /// Of the system; off the loop.
    pub fn unbound() -> io::Result<Self> {
        Self::from_std(net::UnixDatagram::unbound()?)
    }

    /// Two sockets that are connected to each other.
    ///
    /// # Errors
    ///
    /// Of the system; off the loop.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (near, far) = net::UnixDatagram::pair()?;
        Ok((Self::from_std(near)?, Self::from_std(far)?))
    }

    /// The loop's form of a socket that was set up elsewhere. Puts it in non-blocking mode.
    ///
    /// # Errors
    ///
    /// If it cannot be registered with the loop; off the loop.
    pub fn from_std(socket: net::UnixDatagram) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { registered: Rc::new(Registered::new(socket, "a datagram")?) })
    }

    /// Another handle to the same socket. Costs nothing but a count; never fails.
    ///
    /// # Errors
    ///
    /// None; it returns a `Result` because [`std::os::unix::net::UnixDatagram::try_clone`] does.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { registered: Rc::clone(&self.registered) })
    }

    /// Makes the socket at `path` the one peer: [`send`](Self::send) goes there, and what others
    /// send is not received.
    ///
    /// # Errors
    ///
    /// Of the system, with the path in the message.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        self.socket().connect(path).map_err(explain("connect to", path))
    }

    /// As [`connect`](Self::connect), by an address of any kind.
    ///
    /// # Errors
    ///
    /// Of the system, with the address in the message.
    pub fn connect_addr(&self, addr: &SocketAddr) -> io::Result<()> {
        self.socket().connect_addr(addr).map_err(explain("connect to", addr))
    }

    /// Sends a datagram to the peer that the socket is [connected](Self::connect) to.
    ///
    /// # Errors
    ///
    /// Of the system, such as that the peer is gone; a cancellation, as an [`io::Error`].
    #[track_caller]
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write(|socket| socket.send(bytes))
    }

    /// Sends a datagram to the socket at `path`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[track_caller]
    pub fn send_to(&self, bytes: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        let path = path.as_ref();
        self.send_by(|socket| socket.send_to(bytes, path))
    }

    /// Sends a datagram to the socket at `addr`, such as the one that another
    /// [came from](Self::recv_from).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[track_caller]
    pub fn send_to_addr(&self, bytes: &[u8], addr: &SocketAddr) -> io::Result<usize> {
        self.send_by(|socket| socket.send_to_addr(bytes, addr))
    }

    #[track_caller]
    fn send_by(&self, send: impl Fn(&net::UnixDatagram) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            let sent = self.write(|socket| match send(socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                sent => sent.map(Some),
            })?;
            match sent {
                Some(length) => return Ok(length),
                // The receiver has too many, and the system says when it has not only to those
                // who are connected to it.
                None => sleep(RETRY)?,
            }
        }
    }

    /// Waits for a datagram. Gives its length; what does not fit into `buffer` is lost.
    ///
    /// # Errors
    ///
    /// Of the system; a cancellation, as an [`io::Error`].
    #[track_caller]
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(|socket| socket.recv(buffer))
    }

    /// As [`recv`](Self::recv), and says where the datagram came from.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    #[track_caller]
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.read(|socket| socket.recv_from(buffer))
    }

    /// Closes the reading half, the writing half, or both. Who waits to receive is not told.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket().shutdown(how)
    }

    /// The address on this side.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket().local_addr()
    }

    /// The address of the peer that the socket is [connected](Self::connect) to.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if there is none.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket().peer_addr()
    }

    #[track_caller]
    fn read<R>(&self, operation: impl FnMut(&net::UnixDatagram) -> io::Result<R>) -> io::Result<R> {
        self.registered.perform(Direction::Read, "a datagram", operation)
    }

    #[track_caller]
    fn write<R>(
        &self,
        operation: impl FnMut(&net::UnixDatagram) -> io::Result<R>,
    ) -> io::Result<R> {
        self.registered.perform(Direction::Write, "room to send", operation)
    }

    fn socket(&self) -> &net::UnixDatagram {
        self.registered.get()
    }
}

/// To set options that corio has no name for, by `socket2::SockRef` for example.
impl AsFd for UnixDatagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.socket(), f)
    }
}
