//! The queue of what is to run: tasks and callbacks, first in, first out.
//!
//! A task's entry is a bare pointer to its header, so that putting a task into the queue and
//! taking it out touches nothing but the queue and that header.
//!
//! A long queue is one whose tasks have left the cache since they ran, and waking one of them is a
//! dozen misses, one behind the other. So what comes up in a few steps is asked for ahead: first the
//! header, and when that is there, the stack that it leads to. In a short queue this would cost more
//! than it saves. What counts as long depends on where the tasks come from: between two steps of one
//! that the operating system wakes, the kernel has worked for all the others, in the same cache.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr::NonNull;

use crate::task::Header;

/// A queue with more entries is long.
const LONG: usize = 2048;
/// The same for a queue of tasks that the operating system has woken.
const LONG_FROM_OUTSIDE: usize = 32;
/// How many steps ahead the header of a task is asked for, and its stack.
const HEADER_AHEAD: usize = 24;
const STACK_AHEAD: usize = 3;
/// So many stacks have their addresses translated together: a translation is waited for.
const TRANSLATED_AT_ONCE: usize = 8;

pub(super) struct ReadyQueue {
    entries: RefCell<VecDeque<Entry>>,
    /// A queue with more entries is long now.
    long: Cell<usize>,
}

impl Default for ReadyQueue {
    fn default() -> Self {
        Self { entries: RefCell::default(), long: Cell::new(LONG) }
    }
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
        let entry = {
            let mut entries = self.entries.borrow_mut();
            if entries.len() > self.long.get() {
                // SAFETY: passed on from the caller.
                unsafe { look_ahead(&entries) };
            }
            entries.pop_front()?
        };
        Some(match entry {
            // SAFETY: the caller keeps it alive.
            Entry::Task(task) => Ready::Step(unsafe { task.as_ref() }),
            Entry::Callback(callback) => Ready::Call(callback),
        })
    }

    /// Notes whether the operating system has just woken any task.
    pub(super) fn note_outside(&self, has_woken: bool) {
        self.long.set(if has_woken { LONG_FROM_OUTSIDE } else { LONG });
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

/// Asks for the memory of what comes up soon.
///
/// # Safety
///
/// As for [`ReadyQueue::pop`].
#[inline(never)]
unsafe fn look_ahead(entries: &VecDeque<Entry>) {
    if let Some(Entry::Task(task)) = entries.get(HEADER_AHEAD) {
        Header::prefetch(*task);
    }
    if entries.len().is_multiple_of(TRANSLATED_AT_ONCE) {
        for entry in entries.range(STACK_AHEAD..).take(TRANSLATED_AT_ONCE) {
            if let Entry::Task(task) = entry {
                // SAFETY: the caller keeps it alive.
                unsafe { task.as_ref() }.prefetch_pages();
            }
        }
    }
    if let Some(Entry::Task(task)) = entries.get(STACK_AHEAD) {
        // SAFETY: as above.
        unsafe { task.as_ref() }.prefetch_stack();
    }
}
