//! Accepting connections, at whatever socket.

use std::fmt;
use std::io;
use std::time::Duration;

use socket2::SockRef;

use super::io::{Direction, Registered};
use super::sys::{concerns_one_connection, is_exhausted};
use super::{ListenSocket, Stream, StreamSocket};
use crate::sleep;

/// How long `accept` waits before it says that file descriptors have run out, so that a server that
/// tries again does so at a rate at which others can give some back.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A socket that connections come in at: a [`TcpListener`](super::TcpListener) or a
#[cfg_attr(unix, doc = "[`UnixListener`](super::UnixListener).")]
#[cfg_attr(not(unix), doc = "`UnixListener`.")]
pub struct Listener<L: ListenSocket> {
    registered: Registered<L>,
}

type AddrOf<L> = <<L as ListenSocket>::Stream as StreamSocket>::Addr;

impl<L: ListenSocket> Listener<L> {
    /// The loop's form of a listener that was set up elsewhere. Puts it in non-blocking mode.
    ///
    /// # Errors
    ///
    /// If it cannot be registered with the loop; off the loop.
    pub fn from_std(listener: L) -> io::Result<Self> {
        SockRef::from(&listener).set_nonblocking(true)?;
        Ok(Self { registered: Registered::new(listener, "a connection")? })
    }

    /// Waits for a connection. asyncio's `loop.sock_accept`.
    ///
    /// A connection that was given up, or broke, before it could be accepted is passed over.
    ///
    /// Several tasks may accept at one listener: each connection goes to one of them. They are all
    /// woken when one comes in, though, and those that find none wait again. So one task that makes
    /// a task for each connection does better than many that accept.
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
    pub fn accept(&self) -> io::Result<(Stream<L::Stream>, AddrOf<L>)> {
        loop {
            let accepted = self
                .registered
                .perform(Direction::Read, "a connection", |listener| listener.accept());
            match accepted {
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) if is_exhausted(&error) => {
                    // The connection is still there, and so would be the error: not at once again.
                    sleep(BACK_OFF)?;
                    return Err(error);
                }
                Err(error) => return Err(error),
                Ok((stream, addr)) => return Ok((Stream::from_std(stream)?, addr)),
            }
        }
    }

    /// The connections as they come: an iterator without end.
    pub fn incoming(&self) -> Incoming<'_, L> {
        Incoming { listener: self }
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn local_addr(&self) -> io::Result<AddrOf<L>> {
        self.registered.get().local_addr()
    }
}

#[cfg(unix)]
impl<L: ListenSocket> std::os::fd::AsFd for Listener<L> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.registered.get().as_fd()
    }
}

impl<L: ListenSocket> fmt::Debug for Listener<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.registered.get(), f)
    }
}

/// The connections of a listener. Made by [`Listener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a, L: ListenSocket = std::net::TcpListener> {
    listener: &'a Listener<L>,
}

impl<L: ListenSocket> Iterator for Incoming<'_, L> {
    type Item = io::Result<Stream<L::Stream>>;

    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.listener.accept().map(|(stream, _)| stream))
    }
}
