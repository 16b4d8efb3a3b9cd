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
//! A write that fails ends the writing half, not the reading half: what the peer has said before it
//! hung up can still be read.
//!
//! Architecture Invariant: nothing here is borrowed while the transport works. It may be foreign
//! code, and whoever it wakes or drops may come back here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::rc::Rc;

use corio_futures::contract::{self, Wait};
use corio_futures::{Error, Event, Lock, Result, WaitList};

use super::clients::Membership;
use super::{Transport, WriteBufferFull, WriterClosed};
use crate::event_loop::EventLoop;
use crate::task::{TaskOptions, create_task_with};

/// How many bytes may be unsent before a write waits. asyncio's figure.
const HIGH_WATER: usize = 64 * 1024;

pub(crate) struct Connection {
    /// Until the connection is closed; it is, at the latest, when this is dropped.
    transport: RefCell<Option<Rc<dyn Transport>>>,
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
        Rc::new(Self {
            transport: RefCell::new(Some(transport)),
            phase: Cell::new(Phase::Open),
            unsent: RefCell::default(),
            high_water: Cell::new(HIGH_WATER),
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

    /// Takes all of `bytes`, waiting for room as often as there is none.
    #[track_caller]
    pub(super) fn write(self: &Rc<Self>, bytes: &[u8]) -> Result<()> {
        contract::charge()?;
        let (mut turn, mut rest) = (self.turn.try_lock(), bytes);
        if turn.is_some() {
            rest = &rest[self.push(rest)?..];
        } else if !rest.is_empty() {
            turn = Some(self.turn.lock()?);
        }
        while !rest.is_empty() {
            rest = &rest[self.write_some(rest)?..];
        }
        drop(turn);
        Ok(())
    }

    /// Takes some of `bytes`, in turn, waiting until there is room.
    #[track_caller]
    pub(super) fn write_in_turn(self: &Rc<Self>, bytes: &[u8]) -> Result<usize> {
        contract::charge()?;
        let _turn = self.turn.lock()?;
        self.write_some(bytes)
    }

    #[track_caller]
    fn write_some(self: &Rc<Self>, bytes: &[u8]) -> Result<usize> {
        loop {
            match self.push(bytes)? {
                0 if !bytes.is_empty() => self.room.wait(&Wait::new(ROOM))?,
                taken => return Ok(taken),
            }
        }
    }

    /// Takes all of `bytes` or none.
    pub(super) fn write_nowait(self: &Rc<Self>, bytes: &[u8]) -> Result<()> {
        self.check_writable()?;
        let turn = self.turn.try_lock();
        if turn.is_none() || self.unsent() + bytes.len() > self.high_water.get() {
            return Err(WriteBufferFull.into());
        }
        self.push(bytes).map(drop)
    }

    /// Takes what the transport has room for now, and then what the buffer has.
    fn push(self: &Rc<Self>, bytes: &[u8]) -> Result<usize> {
        self.check_writable()?;
        let mut rest = bytes;
        while !self.sending.get() && !rest.is_empty() {
            let Some(transport) = self.transport() else { return Err(WriterClosed.into()) };
            match transport.try_write(rest) {
                Ok(0) => return Err(self.lose(took_nothing())),
                Ok(count) => rest = &rest[count.min(rest.len())..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(self.lose(error.into())),
            }
        }
        let room = self.high_water.get().saturating_sub(self.unsent());
        let (buffered, rest) = rest.split_at(room.min(rest.len()));
        if !buffered.is_empty() {
            EventLoop::current("what was written to be sent")?;
            self.unsent.borrow_mut().extend(buffered);
            self.see_to_sending();
        } else {
            self.see_to_what_the_transport_keeps();
        }
        Ok(bytes.len() - rest.len())
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

    /// Waits until no more is unsent than `most` says, given the high-water mark.
    #[track_caller]
    pub(super) fn drain(self: &Rc<Self>, most: impl Fn(usize) -> usize) -> Result<()> {
        contract::charge()?;
        loop {
            if let Some(error) = &*self.lost.borrow() {
                return Err(error.clone());
            }
            let most = most(self.high_water.get());
            if self.unsent() <= most && (most > 0 || self.all_is_sent()) {
                return Ok(());
            }
            self.see_to_what_the_transport_keeps();
            self.room.wait(&Wait::new(ROOM))?;
        }
    }

    /// Has what is unsent sent by a task.
    fn see_to_sending(self: &Rc<Self>) {
        if self.sending.replace(true) {
            return;
        }
        let sender = Sender(Rc::clone(self));
        let options = TaskOptions::new().name("sender of a stream");
        drop(create_task_with(options, move || {
            if let Err(error) = sender.0.send() {
                sender.0.lose(error);
            }
            Ok(())
        }));
    }

    /// Has what the transport keeps sent by a task. Says whether there was anything.
    fn see_to_what_the_transport_keeps(self: &Rc<Self>) -> bool {
        let keeps = self.transport().is_some_and(|transport| transport.has_unsent())
            && EventLoop::current("what was written to be sent").is_ok();
        if keeps {
            self.see_to_sending();
        }
        keeps
    }

    /// Sends what is unsent, and what becomes so meanwhile.
    fn send(&self) -> Result<()> {
        while !self.all_is_sent() {
            let Some(transport) = self.transport() else { break };
            contract::charge()?;
            if self.unsent() == 0 {
                transport.wait_writable()?;
                self.room.notify_all();
                continue;
            }
            let mut bytes = self.unsent.take();
            let written = transport.try_write(bytes.as_slices().0);
            bytes.drain(..written.as_ref().map_or(0, |count| (*count).min(bytes.len())));
            let newer = self.unsent.replace(bytes);
            self.unsent.borrow_mut().extend(newer);
            match written {
                Ok(0) => return Err(took_nothing()),
                Ok(_) if self.unsent() <= low_water(self.high_water.get()) => {
                    self.room.notify_all();
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    transport.wait_writable()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Nothing can be written any more. Gives the error back.
    pub(super) fn lose(&self, error: Error) -> Error {
        let unsent = self.unsent.take();
        drop(unsent);
        if self.lost.borrow().is_none() {
            // Whoever waits for what was written is not cancelled because the sender was.
            let lost = if error.is_cancelled() { sender_cancelled() } else { error.clone() };
            self.lost.replace(Some(lost));
        }
        self.room.notify_all();
        if self.is_closing() {
            self.finish();
        }
        error
    }

    /// Tells the peer, when all is sent, that this was all.
    pub(super) fn end(self: &Rc<Self>) -> Result<()> {
        if self.phase.get() == Phase::Open {
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

const ROOM: &str = "room in the buffer of a stream";

/// When to go on after the buffer was full. asyncio's proportion.
pub(super) fn low_water(high_water: usize) -> usize {
    high_water / 4
}

fn took_nothing() -> Error {
    io::Error::new(io::ErrorKind::WriteZero, "the transport takes nothing any more").into()
}

fn sender_cancelled() -> Error {
    let message = "what was written could not be sent before the loop ended, or its sender was \
                   cancelled: wait for it with `flush`, or `close` and `wait_closed`";
    io::Error::new(io::ErrorKind::ConnectionAborted, message).into()
}

/// The task that sends. When it is gone, in whatever way, nobody sends.
struct Sender(Rc<Connection>);

impl Drop for Sender {
    fn drop(&mut self) {
        let connection = &self.0;
        connection.sending.set(false);
        // What the transport was given when it panicked is gone.
        if !connection.all_is_sent() || std::thread::panicking() {
            connection.lose(sender_cancelled());
        }
        if let Err(error) = connection.settle() {
            connection.lose(error);
        }
    }
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
