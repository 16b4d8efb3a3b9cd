//! Waking a task from anywhere.
//!
//! It may be done at any time, also when the task and its loop are long gone. So whoever does it
//! holds an address and no pointer. On the loop's own thread the task is made ready at once; from
//! elsewhere the address goes through the inbox.

use std::sync::Arc;

use super::post::{Message, Post};
use crate::event_loop::EventLoop;
use crate::task::Header;

/// Where to find a task, if it is still there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    key: usize,
    number: u64,
}

/// Wakes one task, from any thread.
pub(crate) struct TaskWaker {
    post: Arc<Post>,
    task: Address,
}

impl TaskWaker {
    pub(crate) fn of(task: &Header) -> Self {
        let post = Arc::clone(&task.event_loop.threads.post);
        Self { post, task: Address { key: task.key, number: task.number() } }
    }

    /// Makes the task ready if it is parked, for whatever reason: it looks again.
    pub(crate) fn wake(&self) {
        match EventLoop::current("a waker") {
            Ok(here) if Arc::ptr_eq(&here.threads.post, &self.post) => here.wake(self.task),
            // If the loop is closed, the task is gone.
            _ => drop(self.post.send(Message::Wake(self.task))),
        }
    }
}

impl EventLoop {
    pub(super) fn wake(&self, task: Address) {
        if let Some(found) = self.find_task(task.key)
            && found.header().number() == task.number
        {
            found.unpark();
        }
    }
}
