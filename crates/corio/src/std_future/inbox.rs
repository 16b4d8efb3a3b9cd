//! How wakers of other threads reach the tasks of a loop.
//!
//! A waker may be woken anywhere, at any time, also when its task and its loop are long gone. So it
//! holds an address and no pointer. On the loop's own thread the task is made ready at once;
//! elsewhere the address goes into the inbox, and the loop's bell is rung.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use corio_reactor::Notifier;

use crate::event_loop::EventLoop;
use crate::task::Header;

/// Where to find a task, if it is still there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    key: usize,
    number: u64,
}

impl Address {
    pub(super) fn of(task: &Header) -> Self {
        Self { key: task.key, number: task.number() }
    }
}

/// Tasks that other threads have woken.
pub(crate) struct Inbox {
    shared: Arc<Shared>,
}

struct Shared {
    woken: Mutex<Vec<Address>>,
    /// Whether `woken` may hold something: what the loop asks in every turn.
    any: AtomicBool,
    notifier: Notifier,
}

impl Shared {
    fn put(&self, task: Address) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        self.any.store(true, Ordering::Release);
        self.notifier.notify();
    }

    fn take(&self) -> Vec<Address> {
        // First, so that what comes in between is looked for again.
        self.any.swap(false, Ordering::Acquire);
        mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inbox {
    pub(crate) fn new(notifier: Notifier) -> Self {
        let (woken, any) = (Mutex::default(), AtomicBool::new(false));
        Self { shared: Arc::new(Shared { woken, any, notifier }) }
    }

    pub(super) fn sender(&self) -> Sender {
        Sender { shared: Arc::clone(&self.shared) }
    }

    /// Whether there is nothing to take.
    #[inline]
    fn is_empty(&self) -> bool {
        !self.shared.any.load(Ordering::Relaxed)
    }
}

/// Wakes tasks of one loop, from any thread.
#[derive(Clone)]
pub(super) struct Sender {
    shared: Arc<Shared>,
}

impl Sender {
    pub(super) fn send(&self, task: Address) {
        match EventLoop::current("a waker") {
            Ok(here) if Arc::ptr_eq(&here.inbox.shared, &self.shared) => here.wake(task),
            _ => self.shared.put(task),
        }
    }
}

impl EventLoop {
    /// Makes the tasks ready that other threads have woken.
    #[inline]
    pub(crate) fn empty_inbox(&self) {
        if !self.inbox.is_empty() {
            for task in self.inbox.shared.take() {
                self.wake(task);
            }
        }
    }

    /// Makes a task ready if it is parked, for whatever reason: it looks again.
    fn wake(&self, task: Address) {
        if let Some(found) = self.find_task(task.key)
            && found.header().number() == task.number
        {
            found.unpark();
        }
    }
}
