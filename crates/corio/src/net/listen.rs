//! Listening for TCP connections.

use std::io;
use std::net::{self, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

use super::resolve::{explain, first_of, resolve};
use super::{Listener, ToSocketAddrs};

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
pub type TcpListener = Listener<net::TcpListener>;

impl TcpListener {
    /// A listener at `addr`, or at the first of its addresses that will do. Port 0 asks the system
    /// for a free one.
    ///
    /// A host name is looked up on a thread meanwhile; see [`lookup_host`](super::lookup_host).
    ///
    /// # Errors
    ///
    /// If the address cannot be resolved or is in use, with the address in the message; off the
    /// loop.
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::options().bind(addr)
    }

    /// Options for a listener, to be followed by [`bind`](ListenOptions::bind).
    pub fn options() -> ListenOptions {
        ListenOptions::new()
    }
}

/// How a [`TcpListener`] is to be made.
///
/// # Examples
///
/// Two listeners at one port, among which the system divides the connections:
///
/// ```
/// use corio::net::TcpListener;
///
/// corio::run(|| {
///     let options = TcpListener::options().reuse_port(true).backlog(128);
///     let one = options.bind("127.0.0.1:0")?;
///     let another = options.bind(one.local_addr()?)?;
///     assert_eq!(one.local_addr()?, another.local_addr()?);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a listener is bound with them"]
pub struct ListenOptions {
    backlog: u16,
    reuse_address: bool,
    reuse_port: bool,
    only_v6: Option<bool>,
}

impl ListenOptions {
    /// A backlog of 1024; addresses are reused, except on Windows, where that means something else.
    pub const fn new() -> Self {
        Self { backlog: 1024, reuse_address: cfg!(unix), reuse_port: false, only_v6: None }
    }

    /// How many connections may wait to be accepted. What overflows is lost, and its client tries
    /// again after a second. The system may allow fewer (`net.core.somaxconn`).
    pub const fn backlog(mut self, connections: u16) -> Self {
        self.backlog = connections;
        self
    }

    /// Whether the address may be one of which connections still linger (`SO_REUSEADDR`), so that a
    /// server which is started again need not wait for the last ones of its predecessor.
    pub const fn reuse_address(mut self, reuse: bool) -> Self {
        self.reuse_address = reuse;
        self
    }

    /// Whether others of this user may listen at the same port, which takes that they ask for it
    /// as well (`SO_REUSEPORT`). One loop for each core is served so. Not on Windows.
    pub const fn reuse_port(mut self, reuse: bool) -> Self {
        self.reuse_port = reuse;
        self
    }

    /// Whether a listener at an IPv6 address leaves IPv4 alone (`IPV6_V6ONLY`); the default is the
    /// system's.
    pub const fn only_v6(mut self, only: bool) -> Self {
        self.only_v6 = Some(only);
        self
    }

    /// Makes the listener, as [`TcpListener::bind`].
    ///
    /// # Errors
    ///
    /// As [`TcpListener::bind`].
    pub fn bind(&self, addr: impl ToSocketAddrs) -> io::Result<TcpListener> {
        first_of(&addr, "listen at", |address| TcpListener::from_std(self.listen(address)?))
    }

    /// Makes a listener for each of the addresses of `addr`: a host name may have one of IPv4 and
    /// one of IPv6. asyncio's `start_server` does so.
    ///
    /// An address that this machine does not have is passed over, if there is another.
    ///
    /// # Errors
    ///
    /// If one of the addresses will not do, or there is none.
    pub fn bind_all(&self, addr: impl ToSocketAddrs) -> io::Result<Vec<TcpListener>> {
        let options = Self { only_v6: self.only_v6.or(Some(true)), ..self.clone() };
        let (mut listeners, mut missing) = (Vec::new(), None);
        for address in resolve(&addr)? {
            match options.listen(address) {
                Ok(listener) => listeners.push(TcpListener::from_std(listener)?),
                Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                    missing = Some(explain("listen at", address)(error));
                }
                Err(error) => return Err(explain("listen at", address)(error)),
            }
        }
        match missing {
            Some(error) if listeners.is_empty() => Err(error),
            _ => Ok(listeners),
        }
    }

    fn listen(&self, addr: SocketAddr) -> io::Result<net::TcpListener> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        if self.reuse_address {
            socket.set_reuse_address(true)?;
        }
        #[cfg(unix)]
        if self.reuse_port {
            socket.set_reuse_port(true)?;
        }
        if let Some(only) = self.only_v6
            && addr.is_ipv6()
        {
            socket.set_only_v6(only)?;
        }
        socket.bind(&addr.into())?;
        socket.listen(self.backlog.into())?;
        Ok(socket.into())
    }
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self::new()
    }
}
