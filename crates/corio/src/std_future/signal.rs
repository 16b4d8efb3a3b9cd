//! The waker of a task that waits for a `std` future.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use crate::task::Header;
use crate::threads::TaskWaker;

/// Says, from any thread, that a future is worth another poll.
pub(super) struct Signal {
    /// Set by the first wake since the last poll; only that one makes the task ready.
    set: AtomicBool,
    task: TaskWaker,
}

impl Signal {
    pub(super) fn new(task: &Header) -> Arc<Self> {
        Arc::new(Self { set: AtomicBool::new(false), task: TaskWaker::of(task) })
    }

    pub(super) fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }

    /// To be called before each poll. What was done before a wake that this takes back, the poll
    /// sees.
    pub(super) fn reset(&self) {
        self.set.swap(false, Ordering::AcqRel);
    }

    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Whether anybody but the caller, who has this and `waker`, could wake the task. If nobody
    /// can, the task waits for ever, and the loop may say so.
    pub(super) fn can_be_set(self: &Arc<Self>, waker: &Waker) -> bool {
        debug_assert_eq!(waker.data(), Arc::as_ptr(self).cast(), "the waker of this signal");
        Arc::strong_count(self) > 2
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.set.swap(true, Ordering::AcqRel) {
            self.task.wake();
        }
    }
}
