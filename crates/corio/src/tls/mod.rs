//! TLS, by [rustls].
//!
//! rustls does its work over any `Read + Write`, and corio's sockets are that. So
//! `rustls::StreamOwned` works over a [`TcpStream`](crate::net::TcpStream) as it is, and where one task
//! does all the reading and writing that is all it takes:
//!
//! ```no_run
//! use std::io::Write;
//! use std::sync::Arc;
//!
//! use corio::net::TcpStream;
//! use corio::tls::rustls::{ClientConfig, ClientConnection, StreamOwned};
//!
//! # fn get(config: Arc<ClientConfig>) -> corio::Result<()> {
//! let session = ClientConnection::new(config, "example.org".try_into()?)?;
//! let mut stream = StreamOwned::new(session, TcpStream::connect("example.org:443")?);
//! stream.write_all(b"GET / HTTP/1.0\r\nHost: example.org\r\n\r\n")?;
//! std::io::copy(&mut stream, &mut std::io::stdout())?;
//! # Ok(())
//! # }
//! ```
//!
//! What it does not do, this module does: one task reads while another writes; a cancellation comes
//! through (`StreamOwned` hides what goes wrong, a cancellation too, while it sends what it has
//! taken) and loses nothing; the connection ends in good order.
//!
//! ```text
//!     TlsStream      StreamReader, StreamWriter
//!         └──────────┬──────────┘
//!                connection          buffers, sends, closes: the one of `streams`
//!                    ▼
//!              TlsTransport          rustls
//!                    ▼
//!                Transport           a TCP or Unix socket, or yours
//! ```
//!
//! - [`connect`] and [`accept`] make a [`TlsStream`], which is a `Read` and a `Write`;
//!   [`start_tls`] makes one over any [`Transport`](crate::streams::Transport).
//! - [`open_connection`] is asyncio's, with TLS. [`secure`] makes a handler for
//!   [`start_server`](crate::start_server) one that speaks TLS.
//! - [`StreamWriter::start_tls`](crate::StreamWriter::start_tls) goes over to TLS on a connection
//!   that was begun without.
//!
//! **Ends.** When a connection is closed, the peer is told so by TLS itself (`close_notify`). One that
//! ends without, as when somebody cuts it, is an error of kind
//! [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof): what was read may not be all. (asyncio keeps
//! that to itself.) [`abort`](crate::StreamWriter::abort) cuts it on purpose.
//!
//! **Certificates** and all else are the business of rustls's configurations: see
//! [`rustls::ClientConfig`] and [`rustls::ServerConfig`]. There is no way here to do without
//! verification.
//!
//! **Cryptography** comes from ring with the feature `tls`. With `tls-no-provider` it comes from
//! the provider that you choose by features of rustls, or install; a program in which several
//! crates choose differently must install one (`CryptoProvider::install_default`).
//!
//! Deliberately absent: early data, which can be replayed.

mod connect;
mod error;
mod secure;
mod stream;
mod transport;
mod upgrade;

pub use connect::{accept, connect, open_connection, start_tls};
pub use error::HandshakeFailed;
pub use rustls;
pub use secure::secure;
pub use stream::TlsStream;
pub use transport::TlsTransport;
