//! The closed loop: many ping-pong connections on one thread, with as little work for each message as the
//! kernel allows. A message costs a `write`, a `read`, and its share of an `epoll_wait`: the
//! sockets are registered once, edge-triggered, and a read that fills what was expected is not followed by
//! another one to see `EAGAIN`.
//!
//! A connection's next message waits for the answer to the one before, so a slow server is asked less. What it makes
//! of messages that do not wait is shown by the [open loop](super::open).

use std::{
    io::{self, Read, Write},
    net::TcpStream,
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

use super::{
    client::{self, Exchange, PATIENCE, histogram},
    round::Work,
};

/// Connections to one server.
pub(crate) struct ClosedLoop {
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

impl ClosedLoop {
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
            let stream = client::connect(port)?;
            client::ask(&stream, &exchange.message, &mut buffer, &is_right)?;
            stream.set_nonblocking(true)?;
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&epoll, &stream, EventData::new_u64(index as u64), interest)?;
            let (unwritten, unread) = (exchange.message.len(), exchange.answer);
            all.push(Connection { stream, unwritten, unread, sent: Instant::now() });
        }
        Ok(Self { epoll, connections: all, exchange, buffer, latencies, started: false })
    }
}

impl Work for ClosedLoop {
    /// Plays ping-pong for so long, and for as many messages as there are connections, and returns how many came
    /// back. Messages on their way at the end stay so, and the next call goes on with them.
    fn run(&mut self, duration: Duration) -> io::Result<u64> {
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
        while Instant::now() < deadline || messages < connections.len() as u64 {
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

    fn take_latencies(&mut self) -> Histogram<u64> {
        client::take(&mut self.latencies)
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
