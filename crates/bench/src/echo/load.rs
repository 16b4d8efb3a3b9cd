//! The load generator: many ping-pong connections on one thread, with as little work for each message as the
//! kernel allows. A message costs a `write`, a `read`, and its share of an `epoll_wait`: the
//! sockets are registered once, edge-triggered, and a read that fills what was expected is not followed by
//! another one to see `EAGAIN`.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
};

/// A silence longer than this means that the server hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What goes to and fro over a connection: a message, and so many bytes in return.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) message: Vec<u8>,
    pub(crate) answer: usize,
}

/// For nanoseconds, up to a minute, to three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are in order")
}

/// So many connections, each with one message of so many bytes on its way.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) connections: usize,
    pub(super) message: usize,
}

impl Load {
    pub(super) fn describe(&self) -> String {
        let plural = if self.connections == 1 { "" } else { "s" };
        format!("messages of {} B on {} connection{plural}", self.message, self.connections)
    }
}

impl Load {
    /// What an echo server is sent, and returns.
    pub(super) fn exchange(&self) -> Exchange {
        let message: Vec<u8> = (0..self.message).map(|i| i as u8).collect();
        Exchange { message, answer: self.message }
    }
}

/// As in `50x64`: connections, then bytes.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.connections, self.message)
    }
}

/// Connections to one server.
pub(crate) struct Generator {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    exchange: Exchange,
    /// Where answers are read to.
    buffer: Vec<u8>,
    /// How long answers took, in nanoseconds, from the message's being handed to the kernel.
    latencies: Histogram<u64>,
    started: bool,
}

struct Connection {
    stream: TcpStream,
    /// How much of the current message is still to be written, and to be read back.
    unwritten: usize,
    unread: usize,
    sent: Instant,
}

impl Generator {
    /// Connects, and sends one message over each connection, whose answer must be what `is_right` says.
    pub(crate) fn connect(
        port: u16,
        connections: usize,
        exchange: Exchange,
        is_right: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Self> {
        let mut buffer = vec![0; exchange.answer];
        let latencies = histogram();
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut all = Vec::with_capacity(connections);
        for index in 0..connections {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(&exchange.message)?;
            stream.read_exact(&mut buffer)?;
            if !is_right(&buffer) {
                return Err(io::Error::other("the server did not answer as it should"));
            }
            stream.set_nonblocking(true)?;
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&epoll, &stream, EventData::new_u64(index as u64), interest)?;
            let (unwritten, unread) = (exchange.message.len(), exchange.answer);
            all.push(Connection { stream, unwritten, unread, sent: Instant::now() });
        }
        Ok(Self { epoll, connections: all, exchange, buffer, latencies, started: false })
    }

    /// Plays ping-pong for so long, and returns how many messages came back. Messages on their way at the end
    /// stay so, and the next call goes on with them.
    pub(crate) fn run(&mut self, duration: Duration) -> io::Result<u64> {
        let deadline = Instant::now() + duration;
        let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
        let mut events: Vec<Event> = Vec::with_capacity(1024);
        let mut messages = 0;
        let Self { epoll, connections, exchange, buffer, latencies, started } = self;
        if !*started {
            *started = true;
            for connection in &mut *connections {
                connection.advance(exchange, buffer)?;
            }
        }
        while Instant::now() < deadline {
            events.clear();
            epoll::wait(&*epoll, spare_capacity(&mut events), Some(&patience))?;
            if events.is_empty() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the server is silent"));
            }
            for event in &events {
                let connection = &mut connections[event.data.u64() as usize];
                if let Some(latency) = connection.advance(exchange, buffer)? {
                    messages += 1;
                    latencies.saturating_record(latency.as_nanos() as u64);
                }
            }
        }
        Ok(messages)
    }

    /// How long answers took since the last call.
    pub(crate) fn take_latencies(&mut self) -> Histogram<u64> {
        let taken = self.latencies.clone();
        self.latencies.reset();
        taken
    }
}

impl Connection {
    /// Writes and reads what can be. Says how long an answer took, if this completed it and sent the
    /// next message.
    fn advance(&mut self, exchange: &Exchange, buffer: &mut [u8]) -> io::Result<Option<Duration>> {
        self.write(&exchange.message)?;
        if !self.read(buffer)? {
            return Ok(None);
        }
        let now = Instant::now();
        let latency = now - self.sent;
        self.unwritten = exchange.message.len();
        self.unread = exchange.answer;
        self.sent = now;
        self.write(&exchange.message)?;
        Ok(Some(latency))
    }

    fn write(&mut self, message: &[u8]) -> io::Result<()> {
        while self.unwritten > 0 {
            match self.stream.write(&message[message.len() - self.unwritten..]) {
                Ok(n) => self.unwritten -= n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// True if the answer is complete.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        while self.unread > 0 {
            match self.stream.read(&mut buffer[..self.unread]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.unread -= n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
