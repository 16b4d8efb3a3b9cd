//! Writing, with a buffer and a high-water mark.

use std::any::Any;
use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;

use corio_futures::Result;

use super::Transport;
use super::connection::{Connection, low_water};

/// The writing end of a connection, or of a pipe. asyncio's `StreamWriter`.
///
/// Several tasks may share one: what each writes arrives in one piece. It is an [`io::Write`] as
/// well, also by reference.
///
/// Dropping it ends the writing half when all is sent. The loop sees to that in the background, as
/// long as it runs: what must arrive before `run` returns, [`flush`](Self::flush). It waits without
/// limit for a peer that takes nothing, and that peer may wait for somebody to take what *it* has sent:
/// who gives a connection up in the middle, [aborts](Self::abort) it.
///
/// # Examples
///
/// ```
/// use std::io::Write;
///
/// use corio::{open_connection, start_server};
///
/// corio::run(|| {
///     let serve = |mut reader: corio::StreamReader, mut writer: corio::StreamWriter| {
///         let name = reader.read_line()?;
///         writer.write("hello ")?;
///         writer.write(&name)?;
///         Ok(writeln!(writer, "{} bytes", name.len())?) // std's way
///     };
///     let server = start_server(serve, "127.0.0.1:0")?;
///     let (mut reader, writer) = open_connection(server.local_addr())?;
///     writer.write("you\n")?;
///     writer.write_eof()?;
///     let lines: corio::Result<Vec<String>> = reader.lines().collect();
///     assert_eq!(lines?, ["hello you", "4 bytes"]);
///     writer.close();
///     writer.wait_closed()
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct StreamWriter {
    connection: Rc<Connection>,
}

impl StreamWriter {
    pub(crate) fn new(connection: Rc<Connection>) -> Self {
        Self { connection }
    }

    #[cfg(feature = "tls-no-provider")]
    pub(crate) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    /// Writes `bytes`: the system gets what it takes now, the rest is sent in the background.
    ///
    /// Returns at once, and lets nobody else run, unless more than the
    /// [high-water mark](Self::set_high_water_mark) would be unsent. Then it waits. (asyncio's does
    /// not, and buffers without limit unless one thinks of [`drain`](Self::drain).)
    ///
    /// # Cancellation
    ///
    /// Ends the wait. Some of `bytes` may have been taken, and as nobody knows how many, there is
    /// little left to do but to [`abort`](Self::abort). `io::Write::write` says how many.
    ///
    /// # Errors
    ///
    /// Of the connection, also about what was written before; [`WriterClosed`](super::WriterClosed);
    /// a cancellation.
    #[track_caller]
    pub fn write(&self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.connection.write(bytes.as_ref())
    }

    /// Writes all of `bytes`, or none if that would take waiting: for callbacks, and for whoever
    /// rather drops a slow peer than waits for it.
    ///
    /// # Errors
    ///
    /// [`WriteBufferFull`](super::WriteBufferFull), and nothing was written; otherwise as
    /// [`write`](Self::write).
    pub fn write_nowait(&self, bytes: impl AsRef<[u8]>) -> Result<()> {
        self.connection.write_nowait(bytes.as_ref())
    }

    /// Waits until little is unsent: a quarter of the [high-water mark](Self::set_high_water_mark).
    /// asyncio's `drain`.
    ///
    /// # Cancellation
    ///
    /// Ends the wait and nothing else.
    ///
    /// # Errors
    ///
    /// Of the connection; a cancellation.
    #[track_caller]
    pub fn drain(&self) -> Result<()> {
        self.connection.drain(low_water)
    }

    /// Waits until the system has taken all that was written.
    ///
    /// # Cancellation
    ///
    /// Ends the wait and nothing else.
    ///
    /// # Errors
    ///
    /// Of the connection; a cancellation.
    #[track_caller]
    pub fn flush(&self) -> Result<()> {
        self.connection.drain(|_| 0)
    }

    /// Tells the peer, when all is sent, that this was all; it can go on sending. asyncio's
    /// `write_eof`.
    ///
    /// # Errors
    ///
    /// Of the system, such as that there is no connection any more.
    pub fn write_eof(&self) -> Result<()> {
        self.connection.end()
    }

    /// Closes the connection, both halves, when all is sent. Who reads sees the end then. asyncio's
    /// `close`.
    pub fn close(&self) {
        self.connection.close();
    }

    /// Closes the connection now. What is unsent is dropped. asyncio's `transport.abort`.
    pub fn abort(&self) {
        self.connection.abort();
    }

    /// Whether the connection is closed, or will be when all is sent.
    pub fn is_closing(&self) -> bool {
        self.connection.is_closing()
    }

    /// Waits until the connection is closed, which somebody must have asked for. asyncio's
    /// `wait_closed`.
    ///
    /// # Cancellation
    ///
    /// Ends the wait and nothing else.
    ///
    /// # Errors
    ///
    /// What the connection broke by, if it did before all was sent; a cancellation.
    #[track_caller]
    pub fn wait_closed(&self) -> Result<()> {
        self.connection.wait_closed()
    }

    /// How many bytes are unsent. asyncio's `transport.get_write_buffer_size`.
    pub fn write_buffer_size(&self) -> usize {
        self.connection.unsent()
    }

    /// Sets how many bytes may be unsent before a write waits; 64 KiB if it is not set, at least 1.
    /// asyncio's `transport.set_write_buffer_limits`.
    pub fn set_high_water_mark(&self, bytes: usize) {
        self.connection.set_high_water(bytes);
    }

    /// The address of the peer. asyncio's `get_extra_info("peername")`.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) when the connection is closed;
    /// [`Unsupported`](io::ErrorKind::Unsupported) if it is not one of IP.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.open_transport()?.peer_addr()
    }

    /// The address on this side. asyncio's `get_extra_info("sockname")`.
    ///
    /// # Errors
    ///
    /// As [`peer_addr`](Self::peer_addr).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.open_transport()?.local_addr()
    }

    /// What carries the bytes, until the connection is closed, if it is a `T`. asyncio's
    /// `get_extra_info("socket")`.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::net::TcpStream;
    /// # use corio::{open_connection, start_server};
    ///
    /// # corio::run(|| {
    /// # let server = start_server(|_, _| Ok(()), "127.0.0.1:0")?;
    /// # let (_reader, writer) = open_connection(server.local_addr())?;
    /// let socket = writer.transport::<TcpStream>().expect("it is open, and TCP");
    /// assert!(socket.nodelay()?);
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn transport<T: Transport>(&self) -> Option<Rc<T>> {
        let transport: Rc<dyn Any> = self.connection.transport()?;
        transport.downcast().ok()
    }

    fn open_transport(&self) -> io::Result<Rc<dyn Transport>> {
        self.connection.transport().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        // The peer may be gone, which is all the same by now.
        let _ = self.connection.end();
    }
}

impl Write for &StreamWriter {
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.connection.write_in_turn(bytes)?)
    }

    #[track_caller]
    fn flush(&mut self) -> io::Result<()> {
        Ok(StreamWriter::flush(self)?)
    }
}

impl Write for StreamWriter {
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut &*self, bytes)
    }

    #[track_caller]
    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut &*self)
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamWriter").field(&self.connection).finish()
    }
}
