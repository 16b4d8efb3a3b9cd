//! The queue of what is to run: tasks and callbacks, first in, first out.
//!
//! A task's entry is a bare pointer to its header, so that putting a task into the queue and
//! taking it out touches nothing but the queue and that header.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ptr::NonNull;

use crate::task::Header;

#[derive(Default)]
pub(super) struct ReadyQueue {
    entries: RefCell<VecDeque<Entry>>,
}

enum Entry {
    Task(NonNull<Header>),
    Callback(Box<dyn FnOnce()>),
}

/// Something to do.
pub(super) enum Ready<'a> {
    Step(&'a Header),
    Call(Box<dyn FnOnce()>),
}

impl ReadyQueue {
    /// Puts a task at the end, which its state then says: it is created or ready, and so neither
    /// done nor in the queue already.
    #[inline]
    pub(super) fn push_task(&self, task: &Header) {
        self.entries.borrow_mut().push_back(Entry::Task(NonNull::from(task)));
    }

    pub(super) fn push_callback(&self, callback: Box<dyn FnOnce()>) {
        self.entries.borrow_mut().push_back(Entry::Callback(callback));
    }

    /// Takes out what has waited longest.
    ///
    /// # Safety
    ///
    /// Every task that was pushed is kept alive as long as the result is used: the loop's table
    /// keeps it until it is done.
    #[inline]
    pub(super) unsafe fn pop(&self) -> Option<Ready<'_>> {
        let entry = self.entries.borrow_mut().pop_front()?;
        Some(match entry {
            // SAFETY: the caller keeps it alive.
            Entry::Task(task) => Ready::Step(unsafe { task.as_ref() }),
            Entry::Callback(callback) => Ready::Call(callback),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// Drops what is in the queue.
    pub(super) fn clear(&self) {
        let entries = self.entries.take();
        drop(entries);
    }
}
