//! Sockets on the loop: try, and wait where the answer is "not now".

use std::io;
use std::rc::Rc;

use corio_futures::Error;
use corio_futures::contract::{self, Wait};
use corio_reactor::Source;
use polling::AsSource;

use crate::event_loop::{EventLoop, IoWaiters};

/// A non-blocking socket, registered with the loop that it was made on.
#[derive(Debug)]
pub(crate) struct Registered<S: AsSource> {
    source: Source<S, IoWaiters>,
    event_loop: Rc<EventLoop>,
}

/// What a socket is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl<S: AsSource + 'static> Registered<S> {
    /// Registers a socket that is in non-blocking mode.
    pub(crate) fn new(socket: S, what: &'static str) -> io::Result<Self> {
        let event_loop = EventLoop::current(what).map_err(Error::from)?;
        let source = event_loop.reactor().register(socket, IoWaiters::default())?;
        Ok(Self { source, event_loop })
    }

    pub(crate) fn socket(&self) -> &S {
        self.source.io()
    }

    /// Performs an operation on the socket, waiting as often as it would block.
    ///
    /// Charges the task's budget, so that one that never has to wait lets others run too.
    #[track_caller]
    pub(crate) fn perform<R>(
        &self,
        direction: Direction,
        what: &'static str,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let wait = Wait::new(what);
        loop {
            if !self.is_ready(direction) {
                self.wait(direction, &wait)?;
                continue;
            }
            contract::charge()?;
            match operation(self.socket()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.exhausted(direction);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Notes that a byte stream gave or took less than it could have: it has no more for now.
    pub(crate) fn exhausted(&self, direction: Direction) {
        match direction {
            Direction::Read => self.source.clear_readable(),
            Direction::Write => self.source.clear_writable(),
        }
    }

    fn is_ready(&self, direction: Direction) -> bool {
        let readiness = self.source.readiness();
        match direction {
            Direction::Read => readiness.readable,
            Direction::Write => readiness.writable,
        }
    }

    /// Waits until the socket is worth another try.
    fn wait(&self, direction: Direction, wait: &Wait<'_>) -> Result<(), Error> {
        let event_loop = EventLoop::current(wait.what())?;
        if !Rc::ptr_eq(&event_loop, &self.event_loop) {
            return Err(io::Error::other(OtherLoop).into());
        }
        let waiters = match direction {
            Direction::Read => &self.source.data().readable,
            Direction::Write => &self.source.data().writable,
        };
        // A readiness that one waiter did not use up, another may: the reactor wakes all of them,
        // so there is nothing to pass on here.
        event_loop.while_waiting_for_io(|| waiters.wait(wait))?;
        Ok(())
    }
}

/// A socket was waited for on another loop than the one that it was made on.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this socket belongs to another event loop: make it on the loop that uses it")]
struct OtherLoop;
