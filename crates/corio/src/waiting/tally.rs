//! Who of several has completed, in order.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use corio_futures::Result;
use corio_futures::completion::{Waitable, Watcher};
use corio_futures::contract::Wait;

use crate::event_loop::{CurrentTask, EventLoop};
use crate::sleep::WakeUp;
use crate::task::Runnable;

/// Watches several handles until dropped.
pub(super) struct Watch<H: Waitable> {
    pub(super) handles: Vec<Option<H>>,
    tally: Rc<Tally>,
    event_loop: Rc<EventLoop>,
    deadline: Option<Instant>,
}

/// The part that the handles know.
struct Tally {
    event_loop: Weak<EventLoop>,
    /// Indices of the handles that have completed and were not asked for.
    completed: RefCell<VecDeque<usize>>,
    /// The task that waits, while it does.
    waiting: RefCell<Option<Rc<dyn Runnable>>>,
    /// Something has completed since the waiting task looked.
    news: Cell<bool>,
}

impl Watcher for Tally {
    /// Counts a step later, as a done-callback: asyncio's `wait` and `as_completed` are made of
    /// those.
    fn completed(self: Rc<Self>, index: usize) {
        if let Some(event_loop) = self.event_loop.upgrade() {
            event_loop.call_soon(Box::new(move || self.count(index)));
        }
    }
}

impl Tally {
    fn count(&self, index: usize) {
        self.completed.borrow_mut().push_back(index);
        self.news.set(true);
        let waiting = self.waiting.borrow().clone();
        if let Some(task) = waiting {
            task.unpark();
        }
    }
}

impl<H: Waitable> Watch<H> {
    /// Watches `handles`, for `limit` if there is one. Those that are done count as completed in
    /// the order in which they are given.
    pub(super) fn new(
        handles: impl IntoIterator<Item = H>,
        limit: Option<Duration>,
        what: &'static str,
    ) -> Result<Self> {
        let event_loop = EventLoop::current(what)?;
        let deadline = limit.and_then(|limit| event_loop.now().checked_add(limit));
        let tally = Rc::new(Tally {
            event_loop: Rc::downgrade(&event_loop),
            completed: RefCell::default(),
            waiting: RefCell::new(None),
            news: Cell::new(false),
        });
        let handles: Vec<Option<H>> = handles.into_iter().map(Some).collect();
        for (index, handle) in handles.iter().flatten().enumerate() {
            let completion = handle.completion();
            if completion.is_done() {
                Rc::clone(&tally).completed(index);
            } else {
                completion.watch(Rc::clone(&tally) as Rc<dyn Watcher>, index);
            }
        }
        Ok(Self { handles, tally, event_loop, deadline })
    }

    /// The index of the next handle that has completed, in the order of completion.
    pub(super) fn next_completed(&self) -> Option<usize> {
        self.tally.completed.borrow_mut().pop_front()
    }

    /// Whether the limit has passed.
    pub(super) fn timed_out(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= self.event_loop.now())
    }

    /// Parks until something more has completed, or the limit has passed.
    pub(super) fn park(&self, wait: &Wait<'_>) -> Result<()> {
        let task = self.event_loop.current_task(wait.what())?;
        let current = CurrentTask::find(wait.what())?;
        let _alarm = self.deadline.map(|deadline| WakeUp::at(deadline, current));
        self.tally.waiting.replace(Some(Rc::clone(&task)));
        let _waiting = NotWaiting(&self.tally);
        self.tally.news.set(false);
        while !self.tally.news.get() && !self.timed_out() {
            task.header().park(wait)?;
        }
        Ok(())
    }
}

impl<H: Waitable> Drop for Watch<H> {
    fn drop(&mut self) {
        let watcher = Rc::clone(&self.tally) as Rc<dyn Watcher>;
        for handle in self.handles.iter().flatten() {
            handle.completion().unwatch(&watcher);
        }
    }
}

/// Forgets who waits, when the wait is over.
struct NotWaiting<'a>(&'a Tally);

impl Drop for NotWaiting<'_> {
    fn drop(&mut self) {
        let waiting = self.0.waiting.take();
        drop(waiting);
    }
}
