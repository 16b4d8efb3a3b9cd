//! What goes from the producers of an iterator to its consumer, and in what order.
//!
//! A producer waits for room *before* it asks its source for an item, so what is loaded and not
//! yet given out is never more than there is room for. The room is free again when the consumer
//! takes the item.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use corio_futures::contract::{self, Wait};
use corio_futures::{Cancelled, Error, Result, WaitList};

use super::crew::{asked_to_stop, catch};
use crate::task::Panicked;

/// Items on their way. An error is a producer's: it was stopped, or it panicked.
pub(super) struct Channel<T> {
    slots: RefCell<VecDeque<Slot<T>>>,
    /// The number of the slot in front. Those behind it count up.
    front: Cell<u64>,
    rooms: Box<[Room]>,
    senders: Cell<usize>,
    closed: Cell<bool>,
    /// The consumer, while it waits for the front slot.
    consumer: WaitList,
}

/// The place of an item, which may be yet to come.
struct Slot<T> {
    room: usize,
    item: Option<Result<T>>,
}

/// How many more items of one source there is room for.
struct Room {
    free: Cell<usize>,
    /// The one producer that asks this source for items, while it waits.
    producer: WaitList,
}

impl<T> Channel<T> {
    /// A channel for so many sources, with room for so many items of each.
    pub(super) fn new(sources: usize, room: usize) -> Rc<Self> {
        let room = || Room { free: Cell::new(room.max(1)), producer: WaitList::new() };
        Rc::new(Self {
            slots: RefCell::default(),
            front: Cell::new(0),
            rooms: (0..sources).map(|_| room()).collect(),
            senders: Cell::new(0),
            closed: Cell::new(false),
            consumer: WaitList::new(),
        })
    }

    /// The right to send the items of one of the sources.
    pub(super) fn sender(self: &Rc<Self>, source: usize) -> Sender<T> {
        self.senders.set(self.senders.get() + 1);
        Sender { channel: Rc::clone(self), room: source, ended: false }
    }

    /// The item in front, if it is there.
    pub(super) fn take(&self) -> Option<Result<T>> {
        let mut slots = self.slots.borrow_mut();
        let item = slots.front_mut()?.item.take()?;
        let slot = slots.pop_front()?;
        drop(slots);
        self.front.set(self.front.get() + 1);
        self.rooms[slot.room].release();
        Some(item)
    }

    /// Waits for the item in front. `None` when there is none and no producer is left.
    pub(super) fn next(&self, wait: &Wait<'_>) -> Option<Result<T>> {
        loop {
            if let Some(item) = self.take() {
                return Some(item);
            }
            if self.is_closed() || self.senders.get() == 0 {
                return None;
            }
            if let Err(interrupted) = self.consumer.wait(wait) {
                return Some(Err(interrupted.error));
            }
        }
    }

    /// Has no more items: what is sent from now on is dropped.
    pub(super) fn close(&self) {
        self.closed.set(true);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// What was sent and not taken.
    pub(super) fn drain(&self) -> impl Iterator<Item = Result<T>> + use<T> {
        self.slots.take().into_iter().filter_map(|slot| slot.item)
    }

    /// How many items are there to be taken.
    pub(super) fn len(&self) -> usize {
        self.slots.borrow().iter().filter(|slot| slot.item.is_some()).count()
    }

    /// Puts an item behind all others, or the place for one.
    fn push(&self, slot: Slot<T>) -> u64 {
        let mut slots = self.slots.borrow_mut();
        let number = self.front.get() + slots.len() as u64;
        slots.push_back(slot);
        drop(slots);
        self.tell_consumer();
        number
    }

    /// Puts an item where a place was kept for it.
    fn fill(&self, number: u64, item: Result<T>) {
        let at = (number - self.front.get()) as usize;
        self.slots.borrow_mut()[at].item = Some(item);
        self.tell_consumer();
    }

    fn tell_consumer(&self) {
        let ready = self.slots.borrow().front().is_some_and(|slot| slot.item.is_some());
        if ready || self.senders.get() == 0 {
            self.consumer.notify_one();
        }
    }

    fn sender_is_gone(&self) {
        self.senders.set(self.senders.get() - 1);
        self.tell_consumer();
    }
}

impl Room {
    fn take(&self, wait: &Wait<'_>) -> Result<()> {
        while self.free.get() == 0 {
            self.producer.wait(wait)?;
        }
        self.free.set(self.free.get() - 1);
        Ok(())
    }

    fn release(&self) {
        self.free.set(self.free.get() + 1);
        self.producer.notify_one();
    }
}

/// The sending end for one source.
///
/// If it goes without having said how it ended, its task never ran: the consumer hears of a
/// cancellation, so that the end of the items is not taken for the end of the source.
pub(in crate::iter) struct Sender<T> {
    channel: Rc<Channel<T>>,
    room: usize,
    ended: bool,
}

impl<T> Sender<T> {
    /// Runs `body`, and tells the consumer if it fails or panics.
    pub(in crate::iter) fn run(mut self, body: impl FnOnce(&Self) -> Result<()>) {
        let outcome = catch(|| body(&self)).and_then(|result| result);
        self.ended = true;
        if let Err(error) = outcome {
            self.fail(error);
        }
    }

    /// Calls `send` with each item of `source`, which it is to send, as there is room.
    pub(in crate::iter) fn send_each<I: Iterator>(
        &self,
        mut source: I,
        mut send: impl FnMut(I::Item),
    ) -> Result<()> {
        let wait = Wait::new("room for the next item of an iterator");
        loop {
            contract::charge()?;
            self.channel.rooms[self.room].take(&wait)?;
            let item = source.next();
            let ended = item.is_none();
            if let Some(item) = item {
                send(item);
            }
            // The source may have made an item of the cancellation, or its end, or nothing at all.
            if self.channel.is_closed() || asked_to_stop() {
                return Err(Cancelled::new().into());
            }
            if ended {
                return Ok(());
            }
        }
    }

    pub(in crate::iter) fn send(&self, item: T) {
        if self.channel.is_closed() {
            return drop(item);
        }
        self.channel.push(Slot { room: self.room, item: Some(Ok(item)) });
    }

    /// The right to send one item later: to the place that is its now, if `in_order` is set.
    pub(in crate::iter) fn reserve(&self, in_order: bool) -> Reserved<T> {
        let sender = self.channel.sender(self.room);
        let keep = in_order && !self.channel.is_closed();
        let place = keep.then(|| self.channel.push(Slot { room: self.room, item: None }));
        Reserved { sender, place }
    }

    fn fail(&self, error: Error) {
        if self.channel.is_closed() {
            // Nobody will ask for it: let it be the task's.
            Panicked::resurface(&error);
        } else {
            self.channel.push(Slot { room: self.room, item: Some(Err(error)) });
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if !self.ended {
            self.fail(Cancelled::new().into());
        }
        self.channel.sender_is_gone();
    }
}

/// The right to send one item.
pub(in crate::iter) struct Reserved<T> {
    sender: Sender<T>,
    place: Option<u64>,
}

impl<T> Reserved<T> {
    /// Sends what `make` returns, or its panic.
    pub(in crate::iter) fn send(mut self, make: impl FnOnce() -> T) {
        let item = catch(make);
        self.deliver(item);
    }

    fn deliver(&mut self, item: Result<T>) {
        self.sender.ended = true;
        match (self.place.take(), item) {
            (Some(place), item) if !self.sender.channel.is_closed() => {
                self.sender.channel.fill(place, item);
            }
            (_, Ok(item)) => self.sender.send(item),
            (_, Err(error)) => self.sender.fail(error),
        }
    }
}

impl<T> Drop for Reserved<T> {
    fn drop(&mut self) {
        if !self.sender.ended {
            self.deliver(Err(Cancelled::new().into()));
        }
    }
}
