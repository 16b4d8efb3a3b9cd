//! Writing: the system gets what it takes now, and a task sends the rest.

use std::io;
use std::rc::Rc;

use corio_futures::contract::{self, Wait};
use corio_futures::{Error, Result};

use super::Connection;
use crate::event_loop::EventLoop;
use crate::streams::{WriteBufferFull, WriterClosed};
use crate::task::{TaskOptions, create_task_with};

/// How many bytes may be unsent before a write waits. asyncio's figure.
pub(super) const HIGH_WATER: usize = 64 * 1024;

/// When to go on after the buffer was full. asyncio's proportion.
pub(crate) fn low_water(high_water: usize) -> usize {
    high_water / 4
}

const ROOM: &str = "room in the buffer of a stream";

impl Connection {
    /// Takes all of `bytes`, waiting for room as often as there is none.
    #[track_caller]
    pub(crate) fn write(self: &Rc<Self>, bytes: &[u8]) -> Result<()> {
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
    pub(crate) fn write_in_turn(self: &Rc<Self>, bytes: &[u8]) -> Result<usize> {
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
    pub(crate) fn write_nowait(self: &Rc<Self>, bytes: &[u8]) -> Result<()> {
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

    /// Waits until no more is unsent than `most` says, given the high-water mark.
    #[track_caller]
    pub(crate) fn drain(self: &Rc<Self>, most: impl Fn(usize) -> usize) -> Result<()> {
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
    pub(super) fn see_to_what_the_transport_keeps(self: &Rc<Self>) -> bool {
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
    pub(crate) fn lose(&self, error: Error) -> Error {
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

fn took_nothing() -> Error {
    io::Error::new(io::ErrorKind::WriteZero, "the transport takes nothing any more").into()
}

fn sender_cancelled() -> Error {
    let message = "what was written could not be sent before the loop ended, or its sender was \
                   cancelled: wait for it with `flush`, or `close` and `wait_closed`";
    io::Error::new(io::ErrorKind::ConnectionAborted, message).into()
}
