//! TCP connections.

use std::io;
use std::net::{self, SocketAddr};
use std::time::Duration;

use corio_futures::TimedOut;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};

use super::io::{Direction, Registered};
use super::resolve::resolve;
use super::sys::is_in_progress;
use super::{Stream, ToSocketAddrs, happy_eyeballs};
use crate::timeout;

/// A TCP connection, as [`std::net::TcpStream`].
///
/// It implements [`Read`](io::Read) and [`Write`](io::Write), also for `&TcpStream`.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::Shutdown;
///
/// use corio::net::{TcpListener, TcpStream};
///
/// corio::run(|| {
///     let listener = TcpListener::bind("127.0.0.1:0")?;
///     let mut near = TcpStream::connect(listener.local_addr()?)?;
///     let (mut far, _) = listener.accept()?;
///     near.write_all(b"question")?;
///     near.shutdown(Shutdown::Write)?;
///     let mut text = String::new();
///     far.read_to_string(&mut text)?;
///     assert_eq!(text, "question");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub type TcpStream = Stream<net::TcpStream>;

impl TcpStream {
    /// Connects to `addr`, or to the first of its addresses that answers. asyncio's
    /// `loop.sock_connect`.
    ///
    /// A host name is looked up on a thread meanwhile; see [`lookup_host`](super::lookup_host). Of
    /// several addresses the next is tried as well when one has not answered for 250 ms, and those
    /// of IPv4 and IPv6 take turns (happy eyeballs, RFC 8305). What else was begun is closed when
    /// one has connected.
    ///
    /// # Cancellation
    ///
    /// Gives the connection up, and all attempts at it.
    ///
    /// # Errors
    ///
    /// Those of all addresses, in one message, with the kind of the last; if there is no such name;
    /// off the loop.
    #[track_caller]
    pub fn connect(addr: impl ToSocketAddrs) -> io::Result<Self> {
        happy_eyeballs::connect(resolve(&addr)?, connect_to)
    }

    /// As [`connect`](Self::connect), but gives up when it has taken `limit`, all addresses
    /// included.
    ///
    /// # Cancellation
    ///
    /// As [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect); one of kind [`TimedOut`](io::ErrorKind::TimedOut).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # corio::run(|| {
    /// let stream =
    ///     corio::net::TcpStream::connect_timeout("example.org:80", Duration::from_secs(3))?;
    /// # drop(stream);
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn connect_timeout(addr: impl ToSocketAddrs, limit: Duration) -> io::Result<Self> {
        timeout(limit, || Ok(Self::connect(&addr)?)).map_err(|error| {
            // The system has a limit of its own; its error says so, and on which address.
            if error.downcast_ref::<TimedOut>().is_none() {
                return error.into();
            }
            let message = format!("cannot connect to {addr:?}: no answer within {limit:?}");
            io::Error::new(io::ErrorKind::TimedOut, message)
        })
    }

    /// Reads without taking the bytes away.
    ///
    /// # Errors
    ///
    /// Of the system; a cancellation, as an [`io::Error`].
    #[track_caller]
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.registered().perform(Direction::Read, "bytes to read", |socket| socket.peek(buffer))
    }

    /// Whether small writes are sent at once instead of being collected (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.socket().nodelay()
    }

    /// Sends small writes at once, or collects them (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket().set_nodelay(nodelay)
    }

    /// Whether the peer of an idle connection is asked, now and then, if it is still there
    /// (`SO_KEEPALIVE`).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn keepalive(&self) -> io::Result<bool> {
        SockRef::from(self.socket()).keepalive()
    }

    /// Has the peer asked whether it is still there when the connection has been idle for so
    /// long, or never (`SO_KEEPALIVE`). One that does not answer ends the connection. Systems count
    /// in seconds: a fraction counts as a whole one.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn set_keepalive(&self, idle: Option<Duration>) -> io::Result<()> {
        let socket = SockRef::from(self.socket());
        match idle {
            Some(idle) => {
                socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(whole_seconds(idle)))
            }
            None => socket.set_keepalive(false),
        }
    }

    /// What becomes of unsent bytes when the connection is closed (`SO_LINGER`).
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self.socket()).linger()
    }

    /// Says what becomes of unsent bytes when the connection is closed (`SO_LINGER`): with `None`
    /// the system goes on sending them, with zero they are dropped and the peer gets a reset.
    ///
    /// Any other time has closing **block the thread** until they are sent. To wait for that
    /// without blocking, shut the writing half down and read to the end. Systems count in seconds: a
    /// fraction counts as a whole one.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        SockRef::from(self.socket()).set_linger(linger.map(whole_seconds))
    }
}

/// The next whole number of seconds that a system can count to. Cut off, as they would be, those
/// of less than one would come to zero, which means something else.
fn whole_seconds(span: Duration) -> Duration {
    const MOST: u64 = i32::MAX as u64;
    let begun = u64::from(span.subsec_nanos() > 0);
    Duration::from_secs(span.as_secs().saturating_add(begun).min(MOST))
}

#[track_caller]
fn connect_to(addr: SocketAddr) -> io::Result<TcpStream> {
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
    Ok(TcpStream::from_registered(registered))
}
