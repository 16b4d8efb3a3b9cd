//! A client's end of a connection, of whatever kind.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use corio::net::{Stream, StreamSocket, TcpStream, UnixStream};
use corio::streams::Transport;
use corio::tls::TlsTransport;
use corio::tls::rustls::ClientConnection;
use corio::{Error, Result, StreamWriter, open_connection, open_unix_connection, sleep, tls};
use fastrand::Rng;
use socket2::SockRef;

use super::servers::Servers;
use super::squeeze::is_shortage;
use super::world::{World, count};

/// How long to wait, when there are no file descriptors, before trying again.
const PAUSE: Duration = Duration::from_millis(20);

/// Which server, and by what means of the client's.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Sockets,
    SocketToStreams,
    Streams,
    StreamsToSocket,
    Unix,
    UnixStreams,
    Tls,
    /// Without TLS, where it is expected.
    ClearToTls,
}

impl Kind {
    pub(super) fn choose(rng: &mut Rng) -> Self {
        match rng.u32(0..100) {
            0..25 => Self::Sockets,
            25..40 => Self::SocketToStreams,
            40..60 => Self::Streams,
            60..70 => Self::StreamsToSocket,
            70..80 => Self::Unix,
            80..90 => Self::UnixStreams,
            _ => Self::Tls,
        }
    }
}

pub(super) struct Connection {
    pub(super) reader: Box<dyn Read>,
    pub(super) writer: Box<dyn Writer>,
}

/// A writing end.
pub(super) trait Writer: Write {
    /// Says that this was all.
    fn end(&mut self) -> Result<()>;

    /// Has the connection reset when it is dropped, where there is such a thing.
    fn reset(&mut self);
}

impl Connection {
    /// Connects, as soon as there are file descriptors.
    pub(super) fn open(
        world: &World,
        servers: &Servers,
        kind: Kind,
        rng: &mut Rng,
    ) -> Result<Self> {
        loop {
            match Self::try_open(world, servers, kind, rng) {
                Err(error) if is_shortage(&error) => {
                    count(&world.connects_short);
                    sleep(PAUSE)?;
                }
                result => return result,
            }
        }
    }

    fn try_open(world: &World, servers: &Servers, kind: Kind, rng: &mut Rng) -> Result<Self> {
        let sockets = servers.sockets_address(rng);
        let streams = servers.streams_address(rng);
        Ok(match kind {
            Kind::Sockets => Self::over(connect(sockets)?)?,
            Kind::SocketToStreams => Self::over(connect(streams)?)?,
            Kind::Unix => Self::over(UnixStream::connect(&servers.unix_path)?)?,
            Kind::Streams => Self::of(open_connection(streams)?),
            Kind::StreamsToSocket => Self::of(open_connection(sockets)?),
            Kind::UnixStreams => Self::of(open_unix_connection(&servers.unix_path)?),
            Kind::ClearToTls => Self::over(connect(servers.tls_address(rng))?)?,
            Kind::Tls => {
                let config = world.client_config.clone();
                let session = ClientConnection::new(config, "localhost".try_into()?)?;
                let stream = connect(servers.tls_address(rng))?;
                Self::of(tls::start_tls(stream, session)?.into_streams())
            }
        })
    }

    fn over<S: StreamSocket>(stream: Stream<S>) -> Result<Self> {
        Ok(Self { reader: Box::new(stream.try_clone()?), writer: Box::new(stream) })
    }

    fn of((reader, writer): (corio::StreamReader, StreamWriter)) -> Self {
        Self { reader: Box::new(reader), writer: Box::new(GivenUp(writer)) }
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl<S: StreamSocket> Writer for Stream<S> {
    fn end(&mut self) -> Result<()> {
        Ok(self.shutdown(Shutdown::Write)?)
    }

    fn reset(&mut self) {
        let _ = SockRef::from(&*self).set_linger(Some(Duration::ZERO));
    }
}

/// A writer that is given up when it is dropped. Left alone, it would go on until all is sent, and
/// where the peer takes nothing before somebody takes what it has sent, that is never.
struct GivenUp(StreamWriter);

impl Drop for GivenUp {
    fn drop(&mut self) {
        let tls = self.0.transport::<TlsTransport>();
        if self.0.write_buffer_size() > 0 || tls.is_some_and(|tls| tls.has_unsent()) {
            self.0.abort();
        }
    }
}

impl Write for GivenUp {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut self.0, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.0)
    }
}

impl Writer for GivenUp {
    fn end(&mut self) -> Result<()> {
        self.0.write_eof()
    }

    fn reset(&mut self) {
        if let Some(stream) = self.0.transport::<TcpStream>() {
            let _ = stream.set_linger(Some(Duration::ZERO));
        }
        self.0.abort();
    }
}

/// Whether this is how a connection ends that the other end has given up.
pub(super) fn is_a_loss(error: &Error) -> bool {
    use corio::streams::WriterClosed;
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof,
    };

    let kind = error.downcast_ref().map(io::Error::kind);
    error.downcast_ref::<WriterClosed>().is_some()
        || error.downcast_ref::<corio::IncompleteRead>().is_some()
        || matches!(
            kind,
            Some(BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof)
        )
}
