//! What a reader, a writer and the task that sends for them have in common.
//!
//! ```text
//!            write_eof, writer dropped             all is sent
//!     Open ───────────────────────────▶ Ending ─────────────────▶ Ended
//!      │ close                            │ close                   │ close
//!      ▼                                  ▼          all is sent    ▼
//!   Closing ◀─────────────────────────────┴───────────────┐ ┌───────┘
//!      └──────────────────────────────────────────────────▼─▼
//!                                   abort, both dropped ─▶ Closed
//! ```
//!
//! Where there is only one way, ending is closing.
//!
//! A write that fails ends the writing half, not the reading half: what the peer has said before it
//! hung up can still be read.
//!
//! Architecture Invariant: nothing here is borrowed while the transport works. It may be foreign
//! code, and whoever it wakes or drops may come back here.

mod sending;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::rc::Rc;

use corio_futures::{Error, Event, Lock, Result, WaitList};

use super::clients::Membership;
use super::{Transport, WriterClosed};

pub(super) use sending::low_water;

pub(crate) struct Connection {
    /// Until the connection is closed; it is, at the latest, when this is dropped.
    transport: RefCell<Option<Rc<dyn Transport>>>,
    /// Whether nothing can be read, so that the end of writing is the end of all.
    is_one_way: bool,
    phase: Cell<Phase>,
    unsent: RefCell<VecDeque<u8>>,
    high_water: Cell<usize>,
    /// Whether a task sends what is unsent. If none does, nothing is.
    sending: Cell<bool>,
    /// Held by a write that waits for room, so that no other comes in between its parts.
    turn: Lock,
    /// Those who wait for there to be less unsent.
    room: WaitList,
    /// Why nothing can be written any more.
    lost: RefCell<Option<Error>>,
    closed: Event,
    /// That a server counts this connection.
    membership: RefCell<Option<Membership>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing more will be written; when all is sent, the peer is told.
    Ending,
    Ended,
    /// When all is sent, the connection will be closed.
    Closing,
    Closed,
}

impl Connection {
    pub(crate) fn new(transport: Rc<dyn Transport>) -> Rc<Self> {
        Self::over(transport, false)
    }

    /// A connection that is only written to.
    pub(super) fn one_way(transport: Rc<dyn Transport>) -> Rc<Self> {
        Self::over(transport, true)
    }

    fn over(transport: Rc<dyn Transport>, is_one_way: bool) -> Rc<Self> {
        Rc::new(Self {
            transport: RefCell::new(Some(transport)),
            is_one_way,
            phase: Cell::new(Phase::Open),
            unsent: RefCell::default(),
            high_water: Cell::new(sending::HIGH_WATER),
            sending: Cell::new(false),
            turn: Lock::new(()),
            room: WaitList::new(),
            lost: RefCell::new(None),
            closed: Event::new(),
            membership: RefCell::new(None),
        })
    }

    pub(super) fn enlist(&self, membership: Membership) {
        self.membership.replace(Some(membership));
    }

    pub(super) fn transport(&self) -> Option<Rc<dyn Transport>> {
        self.transport.borrow().clone()
    }

    /// How many bytes are here. The transport may keep some as well.
    pub(super) fn unsent(&self) -> usize {
        self.unsent.borrow().len()
    }

    fn all_is_sent(&self) -> bool {
        self.unsent() == 0 && !self.transport().is_some_and(|transport| transport.has_unsent())
    }

    pub(super) fn set_high_water(&self, bytes: usize) {
        // Below 1 nothing could ever be buffered.
        self.high_water.set(bytes.max(1));
        self.room.notify_all();
    }

    pub(super) fn is_closing(&self) -> bool {
        matches!(self.phase.get(), Phase::Closing | Phase::Closed)
    }

    fn check_writable(&self) -> Result<()> {
        if let Some(error) = &*self.lost.borrow() {
            return Err(error.clone());
        }
        if self.phase.get() != Phase::Open {
            return Err(WriterClosed.into());
        }
        Ok(())
    }

    /// Waits until a read is worth a try, as far as that can be told.
    #[track_caller]
    pub(super) fn wait_readable(&self) -> io::Result<()> {
        match self.transport() {
            Some(transport) => transport.wait_readable(),
            None => Ok(()),
        }
    }

    /// Reads some bytes; none are the end.
    #[track_caller]
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(transport) = self.transport() else { return Ok(0) };
        match transport.read(buffer) {
            // Whoever closes a connection expects whoever reads to see its end.
            Err(error) if self.phase.get() == Phase::Closed && error.raw_os_error().is_some() => {
                Ok(0)
            }
            // The system says only once that a connection has broken. If it was the writer who was
            // told, this is not the end that it looks like.
            Ok(0) if !buffer.is_empty() && self.phase.get() != Phase::Closed => {
                match self.lost.borrow().as_ref().filter(|lost| is_break(lost)) {
                    Some(lost) => Err(lost.clone().into()),
                    None => Ok(0),
                }
            }
            result => result,
        }
    }

    /// Tells the peer, when all is sent, that this was all.
    pub(super) fn end(self: &Rc<Self>) -> Result<()> {
        if self.is_one_way {
            self.close();
        } else if self.phase.get() == Phase::Open {
            self.phase.set(Phase::Ending);
            self.room.notify_all();
            self.settle()?;
        }
        Ok(())
    }

    /// Closes the connection when all is sent.
    pub(super) fn close(self: &Rc<Self>) {
        if !self.is_closing() {
            self.phase.set(Phase::Closing);
            self.room.notify_all();
            let settled = self.settle();
            debug_assert!(settled.is_ok(), "closing does not fail");
        }
    }

    /// Does what was to be done when all is sent, if it is.
    fn settle(self: &Rc<Self>) -> Result<()> {
        if self.sending.get() {
            return Ok(());
        }
        match self.phase.get() {
            Phase::Ending => {
                self.phase.set(Phase::Ended);
                if let Some(transport) = self.transport() {
                    transport.shutdown(Shutdown::Write)?;
                    self.see_to_what_the_transport_keeps();
                }
            }
            Phase::Closing => {
                if let Some(transport) = self.transport() {
                    transport.say_goodbye();
                }
                if !self.see_to_what_the_transport_keeps() {
                    self.finish();
                }
            }
            Phase::Open | Phase::Ended | Phase::Closed => {}
        }
        Ok(())
    }

    /// Closes the connection now; what is unsent is dropped.
    pub(super) fn abort(&self) {
        self.phase.set(Phase::Closing);
        let unsent = self.unsent.take();
        if !unsent.is_empty() && self.lost.borrow().is_none() {
            self.lost.replace(Some(WriterClosed.into()));
        }
        self.finish();
        self.room.notify_all();
    }

    fn finish(&self) {
        self.phase.set(Phase::Closed);
        let transport = self.transport.take();
        if let Some(transport) = transport {
            // Wakes who reads; the connection may be gone already.
            let _ = transport.shutdown(Shutdown::Both);
        }
        self.closed.set();
        let membership = self.membership.take();
        drop(membership);
    }

    /// Has another transport carry the connection from here on: the one that `upgrade` makes of
    /// this one, when all is sent. If it makes none, the connection is aborted.
    #[cfg(feature = "tls-no-provider")]
    #[track_caller]
    pub(crate) fn replace_transport(
        self: &Rc<Self>,
        upgrade: impl FnOnce(Rc<dyn Transport>) -> Result<Rc<dyn Transport>>,
    ) -> Result<()> {
        struct AbortOnDrop<'a>(&'a Connection);

        impl Drop for AbortOnDrop<'_> {
            fn drop(&mut self) {
                self.0.abort();
            }
        }

        let _turn = self.turn.lock()?;
        self.check_writable()?;
        self.drain(|_| 0)?;
        let Some(transport) = self.transport() else { return Err(WriterClosed.into()) };
        let abort = AbortOnDrop(self);
        let upgraded = upgrade(transport)?;
        self.check_writable()?;
        let replaced = self.transport.replace(Some(upgraded));
        drop(replaced);
        std::mem::forget(abort);
        Ok(())
    }

    /// Waits until the connection is closed.
    #[track_caller]
    pub(super) fn wait_closed(&self) -> Result<()> {
        if self.lost.borrow().is_none() {
            self.closed.wait()?;
        }
        match &*self.lost.borrow() {
            // Who aborts a connection knows that something may be lost.
            Some(error) if error.downcast_ref::<WriterClosed>().is_none() => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

/// Whether the connection broke by this before the peer has said all. Where nobody reads any more
/// (`EPIPE`), the peer has closed it in good order.
fn is_break(lost: &Error) -> bool {
    lost.downcast_ref::<io::Error>().is_some_and(|error| {
        error.raw_os_error().is_some() && error.kind() != io::ErrorKind::BrokenPipe
    })
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("transport", &self.transport())
            .field("phase", &self.phase.get())
            .field("unsent", &self.unsent())
            .finish_non_exhaustive()
    }
}
