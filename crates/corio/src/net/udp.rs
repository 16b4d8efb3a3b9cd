//! UDP.

use std::fmt;
use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use super::ToSocketAddrs;
use super::io::{Direction, Registered};
use super::resolve::{first_of, resolve_first};

/// A UDP socket, as [`std::net::UdpSocket`].
///
/// Datagrams arrive whole or not at all, in any order, and perhaps twice. What does not fit into
/// the buffer that one is received into is lost.
///
/// A shared reference sends and receives, so several tasks can use one socket; each datagram goes
/// to one of them.
///
/// # Cancellation
///
/// Ends a wait at once, by an [`io::Error`] for which
/// [`Error::is_cancelled`](crate::Error::is_cancelled) is true. No datagram is lost by it.
///
/// # Examples
///
/// ```
/// use corio::net::UdpSocket;
///
/// corio::run(|| {
///     let server = UdpSocket::bind("127.0.0.1:0")?;
///     let client = UdpSocket::bind("127.0.0.1:0")?;
///     client.connect(server.local_addr()?)?;
///     client.send(b"ping")?;
///
///     let mut buffer = [0; 1500];
///     let (length, from) = server.recv_from(&mut buffer)?;
///     assert_eq!(&buffer[..length], b"ping");
///     server.send_to(b"pong", from)?;
///     assert_eq!(client.recv(&mut buffer)?, 4);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct UdpSocket {
    registered: Rc<Registered<net::UdpSocket>>,
}

impl UdpSocket {
    /// A socket at `addr`, or at the first of its addresses that will do. Port 0 asks the system for
    /// a free one.
    ///
    /// A host name is looked up on a thread meanwhile; see [`lookup_host`](super::lookup_host).
    ///
    /// # Errors
    ///
    /// If the address cannot be resolved or is in use, with the address in the message; off the
    /// loop.
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        first_of(&addr, "bind a socket to", |address| {
            Self::from_std(net::UdpSocket::bind(address)?)
        })
    }

    /// The loop's form of a socket that was set up elsewhere. Puts it in non-blocking mode.
    ///
    /// # Errors
    ///
    /// If it cannot be registered with the loop; off the loop.
    pub fn from_std(socket: net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { registered: Rc::new(Registered::new(socket, "a datagram")?) })
    }

    /// Another handle to the same socket. Costs nothing but a count; never fails.
    ///
    /// # Errors
    ///
    /// None; it returns a `Result` because [`std::net::UdpSocket::try_clone`] does.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { registered: Rc::clone(&self.registered) })
    }

    /// Makes `addr` the one peer: [`send`](Self::send) goes there, and what others send is not
    /// received.
    ///
    /// # Errors
    ///
    /// Of the system, with the address in the message.
    pub fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<()> {
        first_of(&addr, "connect to", |address| self.socket().connect(address))
    }

    /// Sends a datagram to the peer that the socket is [connected](Self::connect) to.
    ///
    /// # Errors
    ///
    /// Of the system, also about an earlier datagram: if there is nobody at the peer's port, that is
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused) here or in [`recv`](Self::recv).
    #[track_caller]
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write(|socket| socket.send(bytes))
    }

    /// Sends a datagram to `addr`: the first of its addresses. asyncio's `loop.sock_sendto`.
    ///
    /// # Errors
    ///
    /// Of the system; if `addr` cannot be resolved.
    #[track_caller]
    pub fn send_to(&self, bytes: &[u8], addr: impl ToSocketAddrs) -> io::Result<usize> {
        let address = resolve_first(&addr)?;
        self.write(|socket| socket.send_to(bytes, address))
    }

    /// Waits for a datagram, from the peer if the socket is [connected](Self::connect). Gives its
    /// length.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[track_caller]
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(|socket| socket.recv(buffer))
    }

    /// Waits for a datagram. Gives its length, and where it came from. asyncio's
    /// `loop.sock_recvfrom`.
    ///
    /// # Errors
    ///
    /// Of the system; a cancellation, as an [`io::Error`].
    #[track_caller]
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.read(|socket| socket.recv_from(buffer))
    }

    /// As [`recv`](Self::recv), but leaves the datagram to be received again.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(|socket| socket.peek(buffer))
    }

    /// As [`recv_from`](Self::recv_from), but leaves the datagram to be received again.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](Self::recv_from).
    #[track_caller]
    pub fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.read(|socket| socket.peek_from(buffer))
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

    /// Whether datagrams may be sent to all of a network at once (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.socket().broadcast()
    }

    /// Allows datagrams to all of a network at once, or forbids them (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.socket().set_broadcast(broadcast)
    }

    /// Receives from now on what is sent to the group, at the interface with this address;
    /// `0.0.0.0` has the system choose one.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.socket().join_multicast_v4(group, interface)
    }

    /// Leaves a group that was [joined](Self::join_multicast_v4).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.socket().leave_multicast_v4(group, interface)
    }

    /// Receives from now on what is sent to the group, at the interface with this index; 0 has the
    /// system choose one.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket().join_multicast_v6(group, interface)
    }

    /// Leaves a group that was [joined](Self::join_multicast_v6).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket().leave_multicast_v6(group, interface)
    }

    /// Chooses the interface, by its address, at which datagrams to a group leave.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn set_multicast_if_v4(&self, interface: &Ipv4Addr) -> io::Result<()> {
        socket2::SockRef::from(self.socket()).set_multicast_if_v4(interface)
    }

    /// Whether datagrams to a group come back to this machine (`IP_MULTICAST_LOOP`).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn set_multicast_loop_v4(&self, comes_back: bool) -> io::Result<()> {
        self.socket().set_multicast_loop_v4(comes_back)
    }

    /// How many routers a datagram to a group may pass (`IP_MULTICAST_TTL`).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn set_multicast_ttl_v4(&self, hops: u32) -> io::Result<()> {
        self.socket().set_multicast_ttl_v4(hops)
    }

    #[track_caller]
    fn read<R>(&self, operation: impl FnMut(&net::UdpSocket) -> io::Result<R>) -> io::Result<R> {
        self.registered.perform(Direction::Read, "a datagram", operation)
    }

    #[track_caller]
    fn write<R>(&self, operation: impl FnMut(&net::UdpSocket) -> io::Result<R>) -> io::Result<R> {
        self.registered.perform(Direction::Write, "room to send", operation)
    }

    fn socket(&self) -> &net::UdpSocket {
        self.registered.get()
    }
}

/// To set options that corio has no name for, by `socket2::SockRef` for example.
#[cfg(unix)]
impl std::os::fd::AsFd for UdpSocket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket().as_fd()
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.socket(), f)
    }
}
