//! The sockets of std that connections are made over, and what they have in common.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

use polling::AsSource;

mod sealed {
    #[expect(unnameable_types, reason = "so nobody else can implement it")]
    pub trait Sealed {}
}
use sealed::Sealed;

/// A socket of std that is one end of a connection: what a [`Stream`](super::Stream) is over.
///
/// Implemented here, and nowhere else.
pub trait StreamSocket: Sealed + AsSource + fmt::Debug + Sized + 'static {
    /// What says where an end of the connection is.
    type Addr: Clone + fmt::Debug + 'static;

    #[doc(hidden)]
    fn local_addr(&self) -> io::Result<Self::Addr>;
    #[doc(hidden)]
    fn peer_addr(&self) -> io::Result<Self::Addr>;
}

/// A socket of std that connections come in at: what a [`Listener`](super::Listener) is over.
///
/// Implemented here, and nowhere else.
pub trait ListenSocket: Sealed + AsSource + fmt::Debug + Sized + 'static {
    /// What it makes of each.
    type Stream: StreamSocket;

    #[doc(hidden)]
    fn accept(&self) -> io::Result<(Self::Stream, <Self::Stream as StreamSocket>::Addr)>;
    #[doc(hidden)]
    fn local_addr(&self) -> io::Result<<Self::Stream as StreamSocket>::Addr>;
}

impl Sealed for TcpStream {}

impl StreamSocket for TcpStream {
    type Addr = SocketAddr;

    fn local_addr(&self) -> io::Result<SocketAddr> {
        TcpStream::local_addr(self)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        TcpStream::peer_addr(self)
    }
}

impl Sealed for TcpListener {}

impl ListenSocket for TcpListener {
    type Stream = TcpStream;

    fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        TcpListener::accept(self)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        TcpListener::local_addr(self)
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    use super::{ListenSocket, Sealed, StreamSocket};

    impl Sealed for UnixStream {}

    impl StreamSocket for UnixStream {
        type Addr = SocketAddr;

        fn local_addr(&self) -> io::Result<SocketAddr> {
            UnixStream::local_addr(self)
        }

        fn peer_addr(&self) -> io::Result<SocketAddr> {
            UnixStream::peer_addr(self)
        }
    }

    impl Sealed for UnixListener {}

    impl ListenSocket for UnixListener {
        type Stream = UnixStream;

        fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
            UnixListener::accept(self)
        }

        fn local_addr(&self) -> io::Result<SocketAddr> {
            UnixListener::local_addr(self)
        }
    }
}
