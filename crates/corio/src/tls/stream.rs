//! A TLS connection in one piece.

use std::fmt;
use std::io::{self, Read, Write};
use std::rc::Rc;

use corio_futures::Result;

use super::TlsTransport;
use crate::streams::connection::Connection;
use crate::{StreamReader, StreamWriter};

/// A TLS connection that is a [`Read`] and a [`Write`], also by reference: one task may read while
/// another writes. Made by [`connect`](super::connect), [`accept`](super::accept) and
/// [`start_tls`](super::start_tls).
///
/// It is written to as to a [`StreamWriter`]: what the system does not take at once is sent in the
/// background, and a write waits when too much is unsent.
///
/// # Cancellation
///
/// A read or write that is cancelled has done nothing; nothing is lost, and the connection remains
/// usable. (With std's `read_exact` or `write_all` it may have been the second of several.)
pub struct TlsStream {
    connection: Rc<Connection>,
    writer: StreamWriter,
    transport: Rc<TlsTransport>,
}

impl TlsStream {
    pub(super) fn new(transport: TlsTransport) -> Self {
        let transport = Rc::new(transport);
        let connection = Connection::new(Rc::clone(&transport) as _);
        Self { writer: StreamWriter::new(Rc::clone(&connection)), connection, transport }
    }

    /// The same connection as asyncio's pair.
    pub fn into_streams(self) -> (StreamReader, StreamWriter) {
        (StreamReader::new(self.connection), self.writer)
    }

    /// What the two ends have agreed upon.
    pub fn transport(&self) -> &TlsTransport {
        &self.transport
    }

    /// Tells the peer, when all is sent, that this was all (`close_notify`); it can go on sending.
    /// So does dropping the stream.
    ///
    /// # Errors
    ///
    /// Of the connection.
    pub fn write_eof(&self) -> Result<()> {
        self.writer.write_eof()
    }

    /// Closes the connection when all is sent, and tells the peer. Who reads sees the end then.
    pub fn close(&self) {
        self.writer.close();
    }

    /// Waits until the connection is closed, which somebody must have asked for.
    ///
    /// # Errors
    ///
    /// What the connection broke by, if it did before all was sent; a cancellation.
    #[track_caller]
    pub fn wait_closed(&self) -> Result<()> {
        self.writer.wait_closed()
    }

    /// Cuts the connection. What is unsent is dropped, and the peer gets an error.
    pub fn abort(&self) {
        self.writer.abort();
    }
}

impl Read for &TlsStream {
    #[track_caller]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.connection.read(buffer)
    }
}

impl Write for &TlsStream {
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut &self.writer, bytes)
    }

    #[track_caller]
    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut &self.writer)
    }
}

impl Read for TlsStream {
    #[track_caller]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for TlsStream {
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    #[track_caller]
    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsStream").field(&self.connection).finish()
    }
}
