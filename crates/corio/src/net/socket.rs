//! The sockets of std that connections are made over, and what they have in common.

use std::fmt;
use std::io::{self, IoSliceMut, Read, Write};
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

    /// Whether a read that brings less than it could have has brought all there was.
    #[doc(hidden)]
    const SHORT_READS_ARE_ALL: bool;

    #[doc(hidden)]
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    #[doc(hidden)]
    fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>;
    #[doc(hidden)]
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;
    #[doc(hidden)]
    fn local_addr(&self) -> io::Result<Self::Addr>;
    #[doc(hidden)]
    fn peer_addr(&self) -> io::Result<Self::Addr>;

    /// Has what is written sent at once, for those who collect it themselves.
    #[doc(hidden)]
    fn send_at_once(&self) -> io::Result<()>;
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

/// Std has the same methods on both kinds of sockets, and no trait for them.
macro_rules! std_sockets {
    ($stream:ident, $listener:ident, $short_reads_are_all:expr, $send_at_once:expr) => {
        impl Sealed for $stream {}

        impl StreamSocket for $stream {
            type Addr = SocketAddr;

            const SHORT_READS_ARE_ALL: bool = $short_reads_are_all;

            fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                Read::read(&mut &*self, buffer)
            }

            fn read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                Read::read_vectored(&mut &*self, buffers)
            }

            fn write(&self, bytes: &[u8]) -> io::Result<usize> {
                Write::write(&mut &*self, bytes)
            }

            fn local_addr(&self) -> io::Result<SocketAddr> {
                $stream::local_addr(self)
            }

            fn peer_addr(&self) -> io::Result<SocketAddr> {
                $stream::peer_addr(self)
            }

            fn send_at_once(&self) -> io::Result<()> {
                $send_at_once(self)
            }
        }

        impl Sealed for $listener {}

        impl ListenSocket for $listener {
            type Stream = $stream;

            fn accept(&self) -> io::Result<($stream, SocketAddr)> {
                $listener::accept(self)
            }

            fn local_addr(&self) -> io::Result<SocketAddr> {
                $listener::local_addr(self)
            }
        }
    };
}

std_sockets!(TcpStream, TcpListener, true, |socket: &TcpStream| socket.set_nodelay(true));

#[cfg(unix)]
mod unix {
    use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

    use super::{IoSliceMut, ListenSocket, Read, Sealed, StreamSocket, Write, io};

    // A read ends behind a message that carries file descriptors, whatever follows.
    std_sockets!(UnixStream, UnixListener, false, |_| Ok(()));
}
