//! The tasks behind an iterator: made together, stopped together.
//!
//! All of this is plain use of [`create_task`] and [`TaskGroup::create_task`], which see to it
//! that nothing outlives what it borrows. So leaking an iterator is safe: its tasks go on until
//! the group, or the loop, ends.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use corio_futures::contract::Wait;
use corio_futures::{Cancelled, Result, WaitList};
use slab::Slab;

use crate::event_loop::{CurrentTask, can_wait, current_header};
use crate::scope::TaskGroup;
use crate::task::{Panicked, Runnable, Task, create_task};

/// Where the tasks of an iterator are made, and so what they may borrow.
pub(in crate::iter) trait Home<'a>: Copy + 'a {
    fn create_task(self, body: impl FnOnce() -> Result<()> + 'a) -> Task<'a, ()>;
}

/// Tasks of the loop, which own all they use.
#[derive(Clone, Copy)]
pub(in crate::iter) struct TheLoop;

impl Home<'static> for TheLoop {
    fn create_task(self, body: impl FnOnce() -> Result<()> + 'static) -> Task<'static, ()> {
        create_task(body)
    }
}

impl<'scope> Home<'scope> for &'scope TaskGroup<'scope, '_> {
    fn create_task(self, body: impl FnOnce() -> Result<()> + 'scope) -> Task<'scope, ()> {
        self.create_task(body)
    }
}

/// The tasks of one iterator that have not ended.
pub(in crate::iter) struct Crew {
    tasks: RefCell<Slab<Option<Rc<dyn Runnable>>>>,
    stopped: Cell<bool>,
    /// Whoever waits for the last to end.
    joining: WaitList,
}

impl Crew {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            tasks: RefCell::default(),
            stopped: Cell::new(false),
            joining: WaitList::new(),
        })
    }

    /// Has a task run `body`, unless the crew has been stopped.
    pub(in crate::iter) fn spawn<'a>(
        self: &Rc<Self>,
        home: impl Home<'a>,
        body: impl FnOnce() + 'a,
    ) {
        if self.stopped.get() {
            return;
        }
        let key = self.tasks.borrow_mut().insert(None);
        let member = Member { crew: Rc::clone(self), key };
        let task = home.create_task(move || {
            member.begin();
            body();
            // Last, since it says that this task has ended.
            drop(member);
            Ok(())
        });
        if let Some(running) = task.running() {
            self.tasks.borrow_mut()[key] = Some(running);
        }
        // Detached: what becomes of it is known by what it sends.
        drop(task);
    }

    /// Asks all tasks to stop, and waits until they have, if the current task can wait for them:
    /// not off the loop or in a callback, not while a panic unwinds, and not for itself.
    ///
    /// A cancellation that comes meanwhile is kept for the next wait.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
        // A copy: cancelling runs code of those who are waited for.
        let tasks = self.running();
        for task in &tasks {
            task.header().cancel(&Cancelled::new());
        }
        if let Some(current) = current_header()
            && can_wait_for(current, &tasks)
        {
            self.join(current);
        }
    }

    fn running(&self) -> Vec<Rc<dyn Runnable>> {
        self.tasks.borrow().iter().filter_map(|(_, task)| task.clone()).collect()
    }

    fn join(&self, current: CurrentTask) {
        let wait = Wait::new("the tasks of an iterator to end");
        let mut cancelled = None;
        while !self.tasks.borrow().is_empty() {
            match self.joining.wait(&wait) {
                Ok(()) => {}
                Err(interrupted) => match interrupted.error.cancelled() {
                    Some(reason) => cancelled = Some(reason.clone()),
                    None => {
                        let message = "the tasks of an iterator do not end";
                        current.event_loop.report(message, &interrupted.error);
                        break;
                    }
                },
            }
        }
        if let Some(reason) = cancelled {
            current.redeliver(&reason);
        }
    }
}

fn can_wait_for(current: CurrentTask, tasks: &[Rc<dyn Runnable>]) -> bool {
    let other = |task: &Rc<dyn Runnable>| {
        let header = task.header();
        !ptr::eq(header, &*current) && Rc::ptr_eq(&header.event_loop, &current.event_loop)
    };
    can_wait() && tasks.iter().all(other)
}

/// A place in a crew, held by the task.
struct Member {
    crew: Rc<Crew>,
    key: usize,
}

impl Member {
    /// Says which task it is, if that is not known yet: an eager one begins before its maker has it.
    fn begin(&self) {
        let known = self.crew.tasks.borrow()[self.key].is_some();
        if !known && let Some(task) = current_header() {
            let task = task.event_loop.task(task.key);
            self.crew.tasks.borrow_mut()[self.key] = Some(task);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let task = self.crew.tasks.borrow_mut().remove(self.key);
        drop(task);
        if self.crew.tasks.borrow().is_empty() {
            self.crew.joining.notify_all();
        }
    }
}

/// Whether the current task has been asked to stop, and nobody has withdrawn that.
pub(super) fn asked_to_stop() -> bool {
    current_header().is_some_and(|task| task.cancelling() > 0)
}

/// Runs `body`; a panic becomes an error, for the consumer to go on with.
pub(super) fn catch<R>(body: impl FnOnce() -> R) -> Result<R> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let name = current_header().map_or_else(String::new, |task| task.name().to_string());
        Panicked::new(name, payload).into()
    })
}
