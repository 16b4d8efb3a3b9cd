//! What streams are made over.

use std::any::Any;
use std::fmt;
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;

use super::connection::Connection;
use super::{StreamReader, StreamWriter};
use crate::net::{Stream, StreamSocket};

/// What carries the bytes of a [`StreamReader`] and a [`StreamWriter`]: a TCP or Unix connection,
/// or something of your own, such as one that encrypts what goes through it.
///
/// One task at a time reads, and one writes; the two may be at it at the same time.
pub trait Transport: Any + fmt::Debug {
    /// Waits until there are bytes to read, and reads some; 0 is the end.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong; a cancellation, by which nothing may be lost.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Waits until a read is worth a try: a reader that waits here needs no memory to read into.
    /// Returns at once, which is what it does unless it is overridden, where that cannot be told.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong; a cancellation.
    fn wait_readable(&self) -> io::Result<()> {
        Ok(())
    }

    /// Writes as much as there is room for, and does not wait.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is no room; whatever goes wrong.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Waits until a write is worth a try.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong; a cancellation.
    fn wait_writable(&self) -> io::Result<()>;

    /// Closes one half or both. Who waits there goes on.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// Reads what is there, and does not wait. Asked for at the very end: a system to which unread
    /// bytes are left takes the connection for broken, and may drop what is still on its way.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is nothing, or it cannot be told; whatever
    /// goes wrong.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let _ = buffer;
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Whether it keeps bytes that it took and has not passed on: one that encrypts may have to.
    /// Then [`wait_writable`](Self::wait_writable) returns when they are on their way.
    fn has_unsent(&self) -> bool {
        false
    }

    /// Tells the peer that this was all, where closing alone does not. Comes before a connection is
    /// closed in good order, and not before it is aborted.
    fn say_goodbye(&self) {}

    /// The address of the peer, if it has one.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) if addresses are of another kind here.
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The address on this side, if it has one.
    ///
    /// # Errors
    ///
    /// As [`peer_addr`](Self::peer_addr).
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl<S: StreamSocket> Transport for Stream<S> {
    #[track_caller]
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = self;
        Read::read(&mut stream, buffer)
    }

    #[track_caller]
    fn wait_readable(&self) -> io::Result<()> {
        Stream::wait_readable(self)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // Not what is known of its readiness: the news may not have come yet.
        self.socket().read(buffer)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        Stream::try_write(self, bytes)
    }

    #[track_caller]
    fn wait_writable(&self) -> io::Result<()> {
        Stream::wait_writable(self)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Stream::shutdown(self, how)
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        ip(Stream::peer_addr(self)?)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        ip(Stream::local_addr(self)?)
    }
}

/// The address of an IP socket, and no other's.
fn ip(addr: impl Any) -> io::Result<SocketAddr> {
    let addr: &dyn Any = &addr;
    addr.downcast_ref().copied().ok_or_else(|| io::ErrorKind::Unsupported.into())
}

/// A reader and a writer over a connection that is there already. asyncio's
/// `loop.connect_accepted_socket`.
///
/// # Examples
///
/// ```
/// # #[cfg(unix)]
/// corio::run(|| {
///     let (near, far) = corio::net::UnixStream::pair()?;
///     let (_near_reader, near_writer) = corio::streams::open(near);
///     let (mut far_reader, _far_writer) = corio::streams::open(far);
///     near_writer.write("hello\n")?;
///     assert_eq!(far_reader.read_line()?, b"hello\n");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub fn open(transport: impl Transport) -> (StreamReader, StreamWriter) {
    let connection = Connection::new(Rc::new(transport));
    (StreamReader::new(Rc::clone(&connection)), StreamWriter::new(connection))
}
