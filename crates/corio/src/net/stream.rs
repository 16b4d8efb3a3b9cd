//! Connections, over whatever socket.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

use socket2::SockRef;

use super::StreamSocket;
use super::io::{Direction, Registered};
use super::sys::NO_SIGNAL;

/// A connection over a socket of std: a [`TcpStream`](super::TcpStream) or a
#[cfg_attr(unix, doc = "[`UnixStream`](super::UnixStream).")]
#[cfg_attr(not(unix), doc = "`UnixStream`.")]
///
/// Reading and writing suspend the task, not the thread. Limits on how long they take are
/// [`timeout`](crate::timeout)'s business.
///
/// A shared reference reads and writes as well, so one task can do the one while another does the
/// other; [`try_clone`](Self::try_clone) gives each a handle of its own. If several tasks read,
/// each byte goes to one of them.
///
/// # Cancellation
///
/// A read or write that is cancelled while it waits fails with an [`io::Error`] for which
/// [`Error::is_cancelled`](crate::Error::is_cancelled) is true. Nothing that was read is lost, and
/// the connection remains usable.
///
/// That is one read. A function of std that reads several times may be cancelled between two of them:
/// [`read_exact`](Read::read_exact) and [`BufRead::lines`](io::BufRead::lines) then lose what they
/// have so far, while [`BufRead::read_until`](io::BufRead::read_until) and
/// [`read_to_end`](Read::read_to_end) leave it in the `Vec<u8>` that they were given. A
/// [`StreamReader`](crate::StreamReader) loses nothing, whichever of its own methods is cancelled.
pub struct Stream<S: StreamSocket> {
    registered: Rc<Registered<S>>,
}

impl<S: StreamSocket> Stream<S> {
    /// The loop's form of a connection that was made elsewhere. Puts it in non-blocking mode.
    ///
    /// # Errors
    ///
    /// If it cannot be registered with the loop; off the loop.
    pub fn from_std(socket: S) -> io::Result<Self> {
        SockRef::from(&socket).set_nonblocking(true)?;
        Ok(Self::from_registered(Registered::new(socket, "a connection")?))
    }

    pub(super) fn from_registered(registered: Registered<S>) -> Self {
        // As a rule the peer has said nothing yet; if it has, the next poll brings the news, and that
        // there is room to write in any case. So a read is not tried in vain.
        registered.exhausted(Direction::Read);
        Self { registered: Rc::new(registered) }
    }

    /// Another handle to the same connection. Costs nothing but a count; never fails.
    ///
    /// # Errors
    ///
    /// None; it returns a `Result` because [`std::net::TcpStream::try_clone`] does.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { registered: Rc::clone(&self.registered) })
    }

    /// Closes the reading half, the writing half, or both. Who waits there goes on.
    ///
    /// # Errors
    ///
    /// Of the system, such as that there is no connection any more.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        SockRef::from(self.socket()).shutdown(how)
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// Of the system, such as that there is no connection any more.
    pub fn peer_addr(&self) -> io::Result<S::Addr> {
        self.socket().peer_addr()
    }

    /// The address on this side.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn local_addr(&self) -> io::Result<S::Addr> {
        self.socket().local_addr()
    }

    pub(crate) fn socket(&self) -> &S {
        self.registered.get()
    }

    pub(super) fn registered(&self) -> &Registered<S> {
        &self.registered
    }

    /// Waits until a read is worth a try.
    #[track_caller]
    pub(crate) fn wait_readable(&self) -> io::Result<()> {
        self.registered.ready_to_read("bytes to read")
    }

    /// Waits until a write is worth a try.
    #[track_caller]
    pub(crate) fn wait_writable(&self) -> io::Result<()> {
        self.registered.ready(Direction::Write, "room to write")
    }

    /// Writes what there is room for now; if there is none, the error is `WouldBlock`.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.registered.attempt(Direction::Write, |socket| {
            let count = socket.write(bytes)?;
            self.note(Direction::Write, count, bytes.len());
            Ok(count)
        })
    }

    /// Notes what the length of a transfer says about the next one.
    fn note(&self, direction: Direction, count: usize, wanted: usize) {
        let is_all = direction == Direction::Write || S::SHORT_READS_ARE_ALL;
        if is_all && 0 < count && count < wanted {
            self.registered.exhausted(direction);
        }
    }
}

impl<S: StreamSocket> Read for &Stream<S> {
    #[track_caller]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.registered.perform(Direction::Read, "bytes to read", |socket| {
            let count = socket.read(buffer)?;
            self.note(Direction::Read, count, buffer.len());
            Ok(count)
        })
    }

    #[track_caller]
    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let wanted = buffers.iter().map(|buffer| buffer.len()).sum();
        if wanted == 0 {
            return Ok(0);
        }
        self.registered.perform(Direction::Read, "bytes to read", |socket| {
            let count = socket.read_vectored(buffers)?;
            self.note(Direction::Read, count, wanted);
            Ok(count)
        })
    }
}

impl<S: StreamSocket> Write for &Stream<S> {
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.registered.perform(Direction::Write, "room to write", |socket| {
            let count = socket.write(bytes)?;
            self.note(Direction::Write, count, bytes.len());
            Ok(count)
        })
    }

    #[track_caller]
    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let wanted = buffers.iter().map(|buffer| buffer.len()).sum();
        if wanted == 0 {
            return Ok(0);
        }
        self.registered.perform(Direction::Write, "room to write", |socket| {
            // Std's own would raise SIGPIPE where the peer is gone and nobody ignores that signal.
            let count = SockRef::from(socket).send_vectored_with_flags(buffers, NO_SIGNAL)?;
            self.note(Direction::Write, count, wanted);
            Ok(count)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: StreamSocket> Read for Stream<S> {
    #[track_caller]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    #[track_caller]
    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl<S: StreamSocket> Write for Stream<S> {
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    #[track_caller]
    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// To set options that corio has no name for, by `socket2::SockRef` for example.
#[cfg(unix)]
impl<S: StreamSocket> std::os::fd::AsFd for Stream<S> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.socket().as_fd()
    }
}

impl<S: StreamSocket> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.socket(), f)
    }
}
