//! From a socket, or an address, to a TLS connection.

use std::rc::Rc;
use std::sync::Arc;

use corio_futures::Result;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};

use super::{TlsStream, TlsTransport};
use crate::net::{StreamSocket, TcpStream};
use crate::streams::Transport;
use crate::streams::buffer::Buffer;
use crate::{StreamReader, StreamWriter};

/// Connects to `host` by TCP and TLS; its certificate must be for that name, or address.
///
/// For another name, [`start_tls`] over a [`TcpStream`].
///
/// # Cancellation
///
/// Gives the connection up.
///
/// # Errors
///
/// As [`TcpStream::connect`] and [`start_tls`]; if `host` can be no name in a certificate.
///
/// # Examples
///
/// ```no_run
/// use std::io::{Read, Write};
/// use std::sync::Arc;
///
/// use corio::tls::{self, rustls::ClientConfig};
///
/// # fn get(config: Arc<ClientConfig>) -> corio::Result<String> {
/// let mut stream = tls::connect("example.org", 443, config)?;
/// stream.write_all(b"GET / HTTP/1.0\r\nHost: example.org\r\n\r\n")?;
/// let mut page = String::new();
/// stream.read_to_string(&mut page)?;
/// # Ok(page)
/// # }
/// ```
#[track_caller]
pub fn connect(host: &str, port: u16, config: Arc<ClientConfig>) -> Result<TlsStream> {
    let name = ServerName::try_from(host.to_owned())?;
    let session = ClientConnection::new(config, name)?;
    let stream = TcpStream::connect((host, port))?;
    stream.socket().send_at_once()?;
    start_tls(stream, session)
}

/// Makes a connection that has come in one of TLS: this end is the server.
///
/// # Cancellation
///
/// Gives the connection up.
///
/// # Errors
///
/// As [`start_tls`].
#[track_caller]
pub fn accept(transport: impl Transport, config: &Arc<ServerConfig>) -> Result<TlsStream> {
    start_tls(transport, ServerConnection::new(Arc::clone(config))?)
}

/// Begins TLS over a connection: shakes hands, in the part that `session` says. asyncio's
/// `loop.start_tls`.
///
/// A peer that keeps silent is waited for without limit: put a [`timeout`](crate::timeout) around
/// this.
///
/// # Cancellation
///
/// Gives the connection up.
///
/// # Errors
///
/// [`HandshakeFailed`](super::HandshakeFailed); of the connection below; a cancellation.
#[track_caller]
pub fn start_tls(transport: impl Transport, session: impl Into<Connection>) -> Result<TlsStream> {
    let transport = TlsTransport::start(Rc::new(transport), session.into(), Buffer::new())?;
    Ok(TlsStream::new(transport))
}

/// As [`corio::open_connection`](crate::open_connection), by TLS: see [`connect`].
///
/// # Cancellation
///
/// Gives the connection up.
///
/// # Errors
///
/// As [`connect`].
#[track_caller]
pub fn open_connection(
    host: &str,
    port: u16,
    config: Arc<ClientConfig>,
) -> Result<(StreamReader, StreamWriter)> {
    Ok(connect(host, port, config)?.into_streams())
}
