//! Going over to TLS in the middle of a connection.

use std::io;
use std::rc::Rc;

use corio_futures::Result;
use rustls::Connection;

use super::TlsTransport;
use crate::{StreamReader, StreamWriter};

impl StreamWriter {
    /// Goes over to TLS, as after SMTP's `STARTTLS`: sends what is unsent, shakes hands, in the part
    /// that `session` says, and from then on what is written and read is encrypted on its way.
    /// asyncio's `start_tls`.
    ///
    /// What the reader has buffered counts as the beginning of what the peer says by TLS: nothing
    /// that came in the clear is ever taken for what came by TLS. Who writes meanwhile waits.
    ///
    /// A peer that keeps silent is waited for without limit: put a [`timeout`](crate::timeout) around
    /// this.
    ///
    /// # Cancellation
    ///
    /// Aborts the connection, unless something was still to be sent; so does every error, since
    /// neither end knows then what the other takes the next byte for.
    ///
    /// # Errors
    ///
    /// [`HandshakeFailed`](crate::tls::HandshakeFailed);
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the reader is that of another connection, and
    /// nothing has happened; of the connection; a cancellation.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use corio::tls::rustls::{ClientConfig, ClientConnection};
    ///
    /// # fn mail(config: Arc<ClientConfig>) -> corio::Result<()> {
    /// let (mut reader, writer) = corio::open_connection("mail.example.org:587")?;
    /// # let _greeting = reader.read_line()?;
    /// writer.write("STARTTLS\r\n")?;
    /// if reader.read_line()?.starts_with(b"220") {
    ///     let session = ClientConnection::new(config, "mail.example.org".try_into()?)?;
    ///     writer.start_tls(&mut reader, session)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn start_tls(
        &self,
        reader: &mut StreamReader,
        session: impl Into<Connection>,
    ) -> Result<()> {
        if !Rc::ptr_eq(self.connection(), reader.connection()) {
            let message = "this reader belongs to another connection than the writer";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message).into());
        }
        let session = session.into();
        self.connection().replace_transport(|transport| {
            let transport = TlsTransport::start(transport, session, reader.take_buffer())?;
            Ok(Rc::new(transport))
        })
    }
}
