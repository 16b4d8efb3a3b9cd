//! The part of a loop that other threads share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use corio_reactor::Notifier;

use super::call::Call;
use super::call_handle;
use super::inbox::{Found, Inbox};
use super::task_waker::Address;

/// What other threads send to a loop.
pub(super) enum Message {
    Call(DueCall),
    /// What was [expected](super::expected::Expected) under this number is there.
    Arrived(usize),
    /// A task is to look again at what it waits for.
    Wake(Address),
}

pub(super) struct Post {
    pub(super) inbox: Inbox<Message>,
    notifier: Notifier,
    /// The thread of the loop, which never changes.
    thread: ThreadId,
    next_number: AtomicUsize,
}

impl Post {
    /// The post of a loop on this thread.
    pub(super) fn new(notifier: Notifier) -> Self {
        Self {
            inbox: Inbox::new(),
            notifier,
            thread: thread::current().id(),
            next_number: AtomicUsize::new(0),
        }
    }

    /// Sends a message, and wakes the loop if it sleeps. Gives the message back if the loop is
    /// closed.
    pub(super) fn send(&self, message: Message) -> Result<(), Message> {
        let found = self.inbox.push(message)?;
        self.ring(found);
        Ok(())
    }

    fn ring(&self, found: Found) {
        if found == Found::Asleep {
            self.notifier.notify();
        }
    }

    /// Whether the loop, if it runs, runs on this thread.
    pub(super) fn is_of_this_thread(&self) -> bool {
        thread::current().id() == self.thread
    }

    /// A number that no other errand or function of the loop has.
    pub(super) fn number(&self) -> usize {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts a [`LoopHandle`](super::LoopHandle).
    pub(super) fn add_handle(&self) {
        self.inbox.add_sender();
    }

    pub(super) fn remove_handle(&self) {
        let found = self.inbox.remove_sender();
        self.ring(found);
    }
}

/// A call on its way to the loop. If it gets lost, it is taken back.
pub(super) struct DueCall(pub(super) Arc<dyn Call>);

impl DueCall {
    pub(super) fn run(self) {
        call_handle::while_calling(|| self.0.run());
    }
}

impl Drop for DueCall {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
