//! The promise that borrowing rests on: nobody leaves before the children have ended.
//!
//! A stack, unlike a future, cannot be forgotten while its owner goes on: whoever opened the
//! nursery is suspended *in* [`Nursery::join`] until every child is done. What could break that
//! is an early way out, so there is none: `join` takes no error for an answer, and [`Open`], which
//! its owner's frame holds, aborts the process if that frame is left while a child is alive. That
//! happens where the task cannot be suspended at all (a generator that holds an open nursery is
//! dropped by a panic); the alternative would be to free what the child borrows.
//!
//! A task that is never resumed again keeps its stack for ever, and with it what its children
//! borrow, so leaking is no way out either.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use corio_futures::contract::Wait;
use corio_futures::{Cancelled, Error, Result, WaitList};
use slab::Slab;

use crate::event_loop::{EventLoop, can_wait};
use crate::report;
use crate::task::{Outcome, Parent, Runnable, TaskOptions, spawn_unchecked};

/// The children of one call.
pub(crate) struct Nursery {
    event_loop: Rc<EventLoop>,
    parent: Rc<dyn Runnable>,
    children: RefCell<Slab<Option<Rc<dyn Runnable>>>>,
    /// Children that have not ended. Not derived from `children`, which may not know one yet.
    unfinished: Cell<usize>,
    /// The parent, when it waits for `unfinished` to fall to zero.
    joining: WaitList,
    on_end: RefCell<Option<OnEnd>>,
}

impl fmt::Debug for Nursery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nursery").field("unfinished", &self.unfinished.get()).finish()
    }
}

/// Called when a child has ended, with its error: in the step after its last, before anybody who
/// waits for it goes on.
type OnEnd = Box<dyn Fn(Option<Error>)>;

impl Nursery {
    /// A nursery of the current task.
    ///
    /// # Errors
    ///
    /// Where nothing can wait: off the loop, in a callback, while a panic unwinds.
    pub(crate) fn open(what: &'static str) -> Result<Open> {
        let event_loop = EventLoop::current(what)?;
        let parent = event_loop.current_task(what)?;
        parent.header().check_can_suspend(what)?;
        parent.header().enter_scope();
        Ok(Open(Rc::new(Self {
            event_loop,
            parent,
            children: RefCell::default(),
            unfinished: Cell::new(0),
            joining: WaitList::new(),
            on_end: RefCell::new(None),
        })))
    }

    /// The task that opened the nursery.
    pub(crate) fn parent(&self) -> &dyn Runnable {
        &*self.parent
    }

    /// Has `on_end` called whenever a child has ended.
    pub(crate) fn on_end(&self, on_end: impl Fn(Option<Error>) + 'static) {
        self.on_end.replace(Some(Box::new(on_end)));
    }

    /// Makes a child.
    ///
    /// # Safety
    ///
    /// The frame that owns the nursery's [`Open`] drops it, or is left for good by never being
    /// resumed, before `'a` ends.
    #[track_caller]
    pub(crate) unsafe fn spawn<'a, T, F>(
        self: &Rc<Self>,
        options: TaskOptions,
        body: F,
    ) -> Rc<dyn Outcome<T> + 'a>
    where
        T: 'a,
        F: FnOnce() -> Result<T> + 'a,
    {
        let index = self.children.borrow_mut().insert(None);
        self.unfinished.set(self.unfinished.get() + 1);
        let parent = Some(Parent { nursery: Rc::clone(self), index });
        let announce = |child: &Rc<dyn Runnable>| {
            self.children.borrow_mut()[index] = Some(Rc::clone(child));
        };
        // SAFETY: `Open` is not dropped while a child is alive: the process is aborted instead.
        unsafe { spawn_unchecked(Rc::clone(&self.event_loop), options, parent, announce, body) }
    }

    /// The children that have not ended.
    pub(crate) fn children(&self) -> Vec<Rc<dyn Runnable>> {
        self.children.borrow().iter().filter_map(|(_, child)| child.clone()).collect()
    }

    /// Asks every child to stop.
    pub(crate) fn cancel(&self, cancelled: &Cancelled) {
        for child in self.children() {
            child.header().cancel(cancelled);
        }
    }

    /// Waits until every child has ended, unless the current task cannot be suspended. `on_error`
    /// hears of what interrupts the wait.
    pub(crate) fn join(&self, wait: &Wait<'_>, mut on_error: impl FnMut(Error)) {
        while self.unfinished.get() > 0 {
            match self.joining.wait(wait) {
                Ok(()) => {}
                // The current task need not be the one that opened the nursery: a generator may have
                // come from one to the other with a nursery inside.
                Err(interrupted) if can_wait() => on_error(interrupted.error),
                Err(_) => return,
            }
        }
    }
}

impl Nursery {
    /// Takes note that a child has ended, perhaps by an error.
    pub(crate) fn child_ended(&self, index: usize, failure: Option<Error>) {
        let child = self.children.borrow_mut().remove(index);
        drop(child);
        if let Some(on_end) = &*self.on_end.borrow() {
            on_end(failure);
        }
        self.unfinished.set(self.unfinished.get() - 1);
        if self.unfinished.get() == 0 {
            self.joining.notify_all();
        }
    }
}

/// An open nursery, owned by the frame that opened it: when it is dropped, the children are gone.
///
/// To be dropped after [`Nursery::join`]; aborts the process if a child is alive nevertheless.
pub(crate) struct Open(Rc<Nursery>);

impl Deref for Open {
    type Target = Rc<Nursery>;

    fn deref(&self) -> &Rc<Nursery> {
        &self.0
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let alive = self.0.unfinished.get();
        if alive > 0 {
            let error = Error::msg(format!(
                "{alive} of its children are alive and may borrow from it, and it cannot wait for \
                 them: a panic unwinds it, or it is dropped outside a task. Close generators that \
                 hold a task group before that can happen"
            ));
            let name = self.0.parent.header().name();
            report::print(&format!("task '{name}' left a task group by force"), &error);
            std::process::abort();
        }
        self.0.parent.header().leave_scope();
    }
}
