//! The open loop: messages are sent when they are due, evenly spaced at a fixed rate and over the connections in turn,
//! whatever has become of those before. How long an answer takes is counted from the time its message was due.
//!
//! A closed loop leaves out the worst: while a server stalls, nothing is sent that would have to wait, and all that
//! anyone sees is one slow answer for each connection (*coordinated omission*). Here whatever falls due meanwhile waits,
//! and is counted. A server that cannot keep up at all has latencies as long as the round: they say that, and
//! nothing else.
//!
//! The generator spins, as waking up would make it late. How late it was is recorded too.

use std::{
    collections::VecDeque,
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
    client::{self, PATIENCE, histogram},
    round::Work,
};

/// How much is read at once.
const BUFFER: usize = 64 * 1024;

/// Connections to one echo server.
pub(super) struct OpenLoop {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    message: Vec<u8>,
    /// Messages a second.
    rate: u32,
    latencies: Histogram<u64>,
    lateness: Histogram<u64>,
}

struct Connection {
    stream: TcpStream,
    /// When the messages whose echo is not complete were due, the oldest first.
    due: VecDeque<Instant>,
    /// How many bytes of messages that are due are still to be written.
    unwritten: usize,
    /// How many bytes of the oldest message's echo are still to be read.
    unread: usize,
}

impl OpenLoop {
    /// Connects, and sends one message over each connection.
    pub(super) fn connect(
        port: u16,
        connections: usize,
        message: Vec<u8>,
        rate: u32,
    ) -> io::Result<Self> {
        let mut echo = vec![0; message.len()];
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut all = Vec::with_capacity(connections);
        for index in 0..connections {
            let stream = client::connect(port)?;
            client::ask(&stream, &message, &mut echo, |echo| echo == message)?;
            stream.set_nonblocking(true)?;
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&epoll, &stream, EventData::new_u64(index as u64), interest)?;
            let due = VecDeque::new();
            all.push(Connection { stream, due, unwritten: 0, unread: message.len() });
        }
        let (latencies, lateness) = (histogram(), histogram());
        Ok(Self { epoll, connections: all, message, rate, latencies, lateness })
    }
}

impl Work for OpenLoop {
    /// Sends what falls due in so long, waits for all of it to come back, and returns how many messages that were.
    fn run(&mut self, duration: Duration) -> io::Result<u64> {
        let Self { epoll, connections, message, rate, latencies, lateness } = self;
        let begin = Instant::now();
        let messages = (f64::from(*rate) * duration.as_secs_f64()).max(1.0) as u64;
        let due = |index: u64| begin + Duration::from_secs_f64(index as f64 / f64::from(*rate));
        let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
        let spin = Timespec::default();

        let mut buffer = vec![0; BUFFER];
        let mut events: Vec<Event> = Vec::with_capacity(1024);
        let count = connections.len() as u64;
        let (mut sent, mut echoed) = (0, 0);
        while echoed < messages {
            while sent < messages && due(sent) <= Instant::now() {
                let late = due(sent).elapsed();
                lateness.saturating_record(late.as_nanos() as u64);
                let connection = &mut connections[(sent % count) as usize];
                connection.send(message, due(sent))?;
                sent += 1;
            }
            let timeout = if sent < messages { &spin } else { &patience };
            events.clear();
            epoll::wait(&*epoll, spare_capacity(&mut events), Some(timeout))?;
            if events.is_empty() && sent == messages {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the server is silent"));
            }
            for event in &events {
                let connection = &mut connections[event.data.u64() as usize];
                connection.write(message)?;
                echoed += connection.read(message.len(), &mut buffer, latencies)?;
            }
        }
        Ok(messages)
    }

    fn take_latencies(&mut self) -> Histogram<u64> {
        client::take(&mut self.latencies)
    }

    fn take_lateness(&mut self) -> Histogram<u64> {
        client::take(&mut self.lateness)
    }
}

impl Connection {
    fn send(&mut self, message: &[u8], due: Instant) -> io::Result<()> {
        self.due.push_back(due);
        let in_line = self.unwritten > 0;
        self.unwritten += message.len();
        if in_line { Ok(()) } else { self.write(message) }
    }

    /// Writes what the kernel takes of the messages that are due.
    fn write(&mut self, message: &[u8]) -> io::Result<()> {
        while self.unwritten > 0 {
            let begun = self.unwritten % message.len();
            let rest = if begun == 0 { message } else { &message[message.len() - begun..] };
            match self.stream.write(rest) {
                Ok(n) => self.unwritten -= n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there, and returns how many messages that completed.
    fn read(
        &mut self,
        message: usize,
        buffer: &mut [u8],
        latencies: &mut Histogram<u64>,
    ) -> io::Result<u64> {
        let mut echoed = 0;
        while !self.due.is_empty() {
            let read = match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            let mut left = read;
            while left >= self.unread {
                left -= self.unread;
                self.unread = message;
                let due = self.due.pop_front();
                let due = due.ok_or_else(|| io::Error::other("more came back than was sent"))?;
                latencies.saturating_record(due.elapsed().as_nanos() as u64);
                echoed += 1;
            }
            self.unread -= left;
            if read < buffer.len() {
                break; // what comes from now on is another edge
            }
        }
        Ok(echoed)
    }
}
