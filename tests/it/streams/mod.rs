//! asyncio's streams.

mod closing;
#[cfg(unix)]
mod pipes;
mod reading;
mod writing;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::rc::Rc;

use corio::net::TcpStream;
use corio::streams::{Transport, open};
use corio::{Result, StreamReader, StreamWriter, sleep};
use corio_tests::{ms, yield_now};

use crate::net::connection;

/// A reader and a writer over TCP, and the bare socket at the other end.
pub(crate) fn stream_and_socket() -> Result<(StreamReader, StreamWriter, TcpStream)> {
    let (near, far) = connection()?;
    let (reader, writer) = open(near);
    Ok((reader, writer, far))
}

/// A transport that does as it is told. Clones are the same transport.
#[derive(Clone, Debug, Default)]
pub(crate) struct Puppet {
    /// What reading gives, piece by piece, and then the end.
    incoming: Rc<RefCell<VecDeque<Vec<u8>>>>,
    /// How much the next writes take, 0 being that they would block; after that, everything.
    room: Rc<RefCell<VecDeque<usize>>>,
    written: Rc<RefCell<Vec<u8>>>,
    shut_down: Rc<RefCell<Vec<Shutdown>>>,
    /// Whether there is never any room.
    stuck: Rc<Cell<bool>>,
    /// What becomes of a write once there has been no room.
    failure: Option<Failure>,
    waited: Rc<Cell<bool>>,
}

#[derive(Clone, Copy, Debug)]
enum Failure {
    Error,
    Nothing,
    Panic,
}

impl Puppet {
    fn reading(pieces: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        let puppet = Self::default();
        puppet.incoming.borrow_mut().extend(pieces.into_iter().map(Into::into));
        puppet
    }

    fn writing(room: impl IntoIterator<Item = usize>) -> Self {
        let puppet = Self::default();
        puppet.room.borrow_mut().extend(room);
        puppet
    }
}

impl Transport for Puppet {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        yield_now()?;
        let Some(mut piece) = self.incoming.borrow_mut().pop_front() else { return Ok(0) };
        let rest = piece.split_off(piece.len().min(buffer.len()));
        if !rest.is_empty() {
            self.incoming.borrow_mut().push_front(rest);
        }
        buffer[..piece.len()].copy_from_slice(&piece);
        Ok(piece.len())
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.failure.filter(|_| self.waited.get()) {
            Some(Failure::Error) => return Err(ErrorKind::BrokenPipe.into()),
            Some(Failure::Nothing) => return Ok(0),
            Some(Failure::Panic) => panic!("the transport fell apart"),
            None => {}
        }
        let room = self.room.borrow_mut().pop_front().unwrap_or(usize::MAX);
        if room == 0 || self.stuck.get() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = room.min(bytes.len());
        self.written.borrow_mut().extend(&bytes[..count]);
        Ok(count)
    }

    fn wait_writable(&self) -> io::Result<()> {
        self.waited.set(true);
        while self.stuck.get() && self.shut_down.borrow().is_empty() {
            sleep(ms(1))?;
        }
        Ok(sleep(ms(1))?)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.shut_down.borrow_mut().push(how);
        Ok(())
    }
}
