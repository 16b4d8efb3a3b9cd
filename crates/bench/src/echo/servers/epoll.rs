//! A hand-written epoll loop: the floor, with nothing between the program and the kernel.
//!
//! Each socket is registered once, edge-triggered, both ways. What is read is written at once from one buffer that
//! all connections share; only what the kernel would not take is kept. A short read is taken as
//! the end of what there was, so a message costs one `read`, one `write`, and its share of an `epoll_wait`.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::{AsRawFd, OwnedFd},
};

use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    io::Errno,
};

use super::{ANY_PORT, announce, buffer};
use crate::harness::Result;

pub(super) fn serve() -> Result<()> {
    let listener = TcpListener::bind(ANY_PORT)?;
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let listening = EventData::new_u64(listener.as_raw_fd() as u64);
    epoll::add(&epoll, &listener, listening, EventFlags::IN)?;
    announce(listener.local_addr())?;

    let mut connections: Vec<Option<Connection>> = Vec::new(); // by file descriptor
    let mut buffer = buffer();
    let mut events: Vec<Event> = Vec::with_capacity(1024);
    loop {
        events.clear();
        match epoll::wait(&epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            if event.data.u64() == listening.u64() {
                accept(&listener, &epoll, &mut connections)?;
                continue;
            }
            let slot = &mut connections[event.data.u64() as usize];
            let Some(connection) = slot else { continue };
            let flags = event.flags; // a copy: the kernel's struct is packed
            let ended = flags.contains(EventFlags::RDHUP);
            if connection.advance(&mut buffer, ended).is_err() {
                *slot = None;
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    epoll: &OwnedFd,
    connections: &mut Vec<Option<Connection>>,
) -> Result<()> {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let fd = stream.as_raw_fd() as usize;
        let interest = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(epoll, &stream, EventData::new_u64(fd as u64), interest)?;
        if connections.len() <= fd {
            connections.resize_with(fd + 1, || None);
        }
        connections[fd] = Some(Connection { stream, unwritten: Vec::new() });
    }
}

struct Connection {
    stream: TcpStream,
    /// What was read and could not be written yet.
    unwritten: Vec<u8>,
}

impl Connection {
    /// Echoes what can be. An error, the end of the stream included, ends the connection. If the peer has
    /// `ended` the stream there will be no further edge, so it is read to its end.
    fn advance(&mut self, buffer: &mut [u8], ended: bool) -> io::Result<()> {
        if !self.unwritten.is_empty() {
            let pending = std::mem::take(&mut self.unwritten);
            self.write(&pending)?;
        }
        while self.unwritten.is_empty() {
            let n = match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            self.write(&buffer[..n])?;
            if n < buffer.len() && !ended {
                break;
            }
        }
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.unwritten.extend_from_slice(bytes);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
