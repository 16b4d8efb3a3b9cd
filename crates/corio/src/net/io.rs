//! File descriptors on the loop: try, and wait where the answer is "not now".
//!
//! Every type of [`net`](super) is a [`Registered`] descriptor, and every operation of theirs is
//! one call of [`Registered::perform`].

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use corio_futures::Error;
use corio_futures::contract::{self, Wait};
use corio_reactor::Source;
use polling::AsSource;

use crate::event_loop::{EventLoop, IoWaiters, current_header};

/// A file descriptor, registered with the loop that it was made on.
#[derive(Debug)]
pub(crate) struct Registered<S: AsSource> {
    source: Source<S, IoWaiters>,
    event_loop: Rc<EventLoop>,
    /// Whether nobody is to wait any more until an operation is worth a try.
    released: Cell<bool>,
}

/// What a descriptor is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

impl<S: AsSource + 'static> Registered<S> {
    /// Registers a descriptor that is in non-blocking mode, or will be before it is used.
    pub(crate) fn new(io: S, what: &'static str) -> io::Result<Self> {
        let event_loop = EventLoop::current(what).map_err(Error::from)?;
        let source = event_loop.reactor().register(io, IoWaiters::default())?;
        Ok(Self { source, event_loop, released: Cell::new(false) })
    }

    pub(crate) fn get(&self) -> &S {
        self.source.io()
    }

    /// Ends the registration.
    pub(crate) fn into_inner(self) -> S {
        self.source.into_io()
    }

    pub(crate) fn event_loop(&self) -> &EventLoop {
        &self.event_loop
    }

    /// Performs an operation, waiting as often as it would block. Off the loop nobody knows whether it
    /// would, so it is tried, and fails if it has to wait.
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
            let mut elsewhere = None;
            if !self.is_ready(direction) {
                elsewhere = self.check_loop(what).err();
                if elsewhere.is_none() {
                    self.wait(direction, &wait)?;
                    continue;
                }
            }
            contract::charge()?;
            match operation(self.get()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.exhausted(direction);
                    if let Some(error) = elsewhere {
                        return Err(error.into());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Performs an operation if it need not wait; otherwise the error is `WouldBlock`.
    pub(crate) fn attempt<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        while self.is_ready(direction) {
            match operation(self.get()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.exhausted(direction);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// Waits until an operation is worth a try, as far as is known, or will never be tried.
    #[track_caller]
    pub(crate) fn ready(&self, direction: Direction, what: &'static str) -> io::Result<()> {
        let wait = Wait::new(what);
        while !self.is_ready(direction) && !self.released.get() {
            self.check_loop(what)?;
            self.wait(direction, &wait)?;
        }
        Ok(())
    }

    /// Waits until a read is worth a try. Off the loop it is: the read itself says whether it works.
    #[track_caller]
    pub(crate) fn ready_to_read(&self, what: &'static str) -> io::Result<()> {
        if self.check_loop(what).is_err() { Ok(()) } else { self.ready(Direction::Read, what) }
    }

    /// Ends every [`ready`](Self::ready), under way or to come. What a socket has `shutdown` for.
    pub(crate) fn release(&self) {
        self.released.set(true);
        let IoWaiters { readable, writable } = self.source.data();
        readable.notify_all();
        writable.notify_all();
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

    /// Fails unless the loop that runs is the one that this was made on.
    pub(crate) fn check_loop(&self, what: &'static str) -> Result<(), Error> {
        let is_ours = |event_loop: &Rc<EventLoop>| Rc::ptr_eq(event_loop, &self.event_loop);
        if current_header().is_some_and(|task| is_ours(&task.event_loop)) {
            return Ok(());
        }
        // Off the loop, or in a callback.
        if is_ours(&EventLoop::current(what)?) {
            Ok(())
        } else {
            Err(io::Error::other(OtherLoop).into())
        }
    }

    /// Waits for news, on the loop.
    fn wait(&self, direction: Direction, wait: &Wait<'_>) -> Result<(), Error> {
        let waiters = match direction {
            Direction::Read => &self.source.data().readable,
            Direction::Write => &self.source.data().writable,
        };
        // A readiness that one waiter did not use up, another may: the reactor wakes all of them,
        // so there is nothing to pass on here.
        self.event_loop.while_waiting_for_io(|| waiters.wait(wait))?;
        Ok(())
    }
}

/// A descriptor was waited for on another loop than the one that it was made on.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this socket belongs to another event loop: make it on the loop that uses it")]
struct OtherLoop;
