//! asyncio's streams: a reader and a writer for each connection, and servers that make them; and one
//! of the two for a pipe.
//!
//! ```text
//!     StreamReader           StreamWriter              Server
//!          │   a buffer,          │   a buffer,            │  a task for each connection
//!          │   a limit            │   a high-water mark    │
//!          └────────┬─────────────┘                        │
//!                   ▼                                       │
//!               connection  ◀────────── counted by ─────────┘
//!                   │
//!                   ▼
//!               Transport: a TCP or Unix socket, the end of a pipe, or yours
//! ```
//!
//! **Reading** asks the transport when the buffer has not enough, and not before: who does not read
//! holds the peer up by that alone. (asyncio reads ahead.)
//!
//! **Writing** hands the bytes to the system at once. What the system does not take is buffered, up
//! to the high-water mark, and sent by a task that exists as long as there is something to send.
//! Beyond the mark a write waits, so a peer that does not read costs no more memory than that,
//! whether or not anybody thinks of [`drain`](StreamWriter::drain).
//!
//! **Closing.** [`close`](StreamWriter::close) sends what is left and then closes the connection, in
//! the background; [`abort`](StreamWriter::abort) closes it now. Dropping a writer ends the writing
//! half when all is sent; with the reader gone as well, the connection is closed. As long as a peer
//! does not read, not all is sent: set a limit, and abort.
//!
//! **Pipes**, and all other descriptors that the loop can wait for, go one way: they have a reader,
//! made by `connect_read_pipe` or [`Async::into_reader`](crate::net::Async::into_reader), or a writer,
//! by `connect_write_pipe` or [`Async::into_writer`](crate::net::Async::into_writer). For them, to end
//! the writing half is to close all. Those of a subprocess are in its `Child`.
//!
//! ```
//! use corio::{StreamReader, StreamWriter, open_connection, start_server};
//!
//! fn shout(mut reader: StreamReader, writer: StreamWriter) -> corio::Result<()> {
//!     for line in reader.lines() {
//!         writer.write(format!("{}!\n", line?.to_uppercase()))?;
//!         writer.drain()?;
//!     }
//!     Ok(())
//! }
//!
//! corio::run(|| {
//!     let server = start_server(shout, "127.0.0.1:0")?;
//!     let (mut reader, writer) = open_connection(server.local_addr())?;
//!     writer.write("hello\n")?;
//!     assert_eq!(reader.read_line()?, b"HELLO!\n");
//!     Ok(())
//! })?;
//! # Ok::<(), corio::Error>(())
//! ```
//!
//! Deliberately absent: protocols, asyncio's callbacks for whoever cannot wait. Here everybody can.

mod accept;
pub(crate) mod buffer;
mod clients;
mod connect;
pub(crate) mod connection;
mod error;
mod pipes;
mod reader;
mod server;
#[cfg(unix)]
mod socket_file;
mod transport;
mod writer;

pub use connect::open_connection;
#[cfg(unix)]
pub use connect::open_unix_connection;
pub use error::{IncompleteRead, LimitOverrun, ServerMisused, WriteBufferFull, WriterClosed};
#[cfg(unix)]
pub use pipes::{connect_read_pipe, connect_write_pipe};
pub use reader::{Lines, StreamReader};
#[cfg(unix)]
pub use server::start_unix_server;
pub use server::{Server, start_server};
pub use transport::{Transport, open};
pub use writer::StreamWriter;
