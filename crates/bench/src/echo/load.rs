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

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
};

/// A silence longer than this means that the server hangs.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// As in `50x64`: connections, then bytes.
impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.connections, self.message)
    }
}

/// Connections to one server.
pub(super) struct Generator {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    message: Vec<u8>,
    /// Where echoes are read to.
    buffer: Vec<u8>,
    started: bool,
}

struct Connection {
    stream: TcpStream,
    /// How much of the current message is still to be written, and to be read back.
    unwritten: usize,
    unread: usize,
}

impl Generator {
    /// Connects, and sends one message over each connection, whose echo must be the same bytes.
    pub(super) fn connect(port: u16, load: Load) -> io::Result<Self> {
        let message: Vec<u8> = (0..load.message).map(|i| i as u8).collect();
        let mut buffer = vec![0; load.message];
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(load.connections);
        for index in 0..load.connections {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(&message)?;
            stream.read_exact(&mut buffer)?;
            if buffer != message {
                return Err(io::Error::other("the server did not echo what it was sent"));
            }
            stream.set_nonblocking(true)?;
            let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&epoll, &stream, EventData::new_u64(index as u64), interest)?;
            connections.push(Connection { stream, unwritten: load.message, unread: load.message });
        }
        Ok(Self { epoll, connections, message, buffer, started: false })
    }

    /// Plays ping-pong for so long, and returns how many messages came back. Messages on their way at the end
    /// stay so, and the next call goes on with them.
    pub(super) fn run(&mut self, duration: Duration) -> io::Result<u64> {
        let deadline = Instant::now() + duration;
        let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
        let mut events: Vec<Event> = Vec::with_capacity(1024);
        let mut messages = 0;
        if !self.started {
            self.started = true;
            for connection in &mut self.connections {
                connection.advance(&self.message, &mut self.buffer)?;
            }
        }
        while Instant::now() < deadline {
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&patience))?;
            if events.is_empty() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the server is silent"));
            }
            for event in &events {
                let connection = &mut self.connections[event.data.u64() as usize];
                messages += u64::from(connection.advance(&self.message, &mut self.buffer)?);
            }
        }
        Ok(messages)
    }
}

impl Connection {
    /// Writes and reads what can be. True if this completed an echo, and sent the next message.
    fn advance(&mut self, message: &[u8], buffer: &mut [u8]) -> io::Result<bool> {
        self.write(message)?;
        let done = self.read(buffer)?;
        if done {
            self.unwritten = message.len();
            self.unread = message.len();
            self.write(message)?;
        }
        Ok(done)
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

    /// True if the echo is complete.
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
