//! The generators that a loop has started: it closes them when it ends. asyncio's
//! `shutdown_asyncgens`.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use slab::Slab;

use crate::event_loop::EventLoop;
use crate::task::create_task;

/// A generator, whatever it yields.
pub(crate) trait Live {
    /// Whether it stands at a yield, and the loop has not closed it, or tried to.
    fn is_to_be_closed(&self) -> bool;

    /// Closes it for the loop, and reports what it fails with.
    fn close(&self);
}

/// The generators of a loop.
#[derive(Default)]
pub(crate) struct Generators {
    live: RefCell<Slab<Weak<dyn Live>>>,
    /// Those among them whose handle was dropped where nothing can wait.
    orphans: RefCell<Vec<Rc<dyn Live>>>,
    /// The loop is ending, and sees to the orphans when its tasks have ended: a task that is made for
    /// one now would be cancelled, or come too late.
    ending: Cell<bool>,
}

impl Generators {
    /// Takes a generator over from its handle, to close it in a task.
    pub(super) fn adopt(&self, event_loop: &EventLoop, generator: Rc<dyn Live>) {
        self.orphans.borrow_mut().push(generator);
        let weak = self.orphans.borrow().last().map(Rc::downgrade);
        event_loop.call_soon(Box::new(move || {
            let Ok(event_loop) = EventLoop::current("a generator") else { return };
            if let Some(generator) = weak.and_then(|weak| weak.upgrade())
                && !event_loop.generators.ending.get()
            {
                drop(closing(generator));
            }
        }));
    }

    /// The generators that the loop has to close before it ends.
    pub(crate) fn to_be_closed(&self) -> Vec<Rc<dyn Live>> {
        let live = self.live.borrow();
        let mut open: Vec<_> = live.iter().filter_map(|(_, live)| live.upgrade()).collect();
        open.retain(|generator| generator.is_to_be_closed());
        open
    }

    /// Says whether the loop is ending.
    pub(crate) fn set_ending(&self, ending: bool) {
        self.ending.set(ending);
    }

    /// Drops those that nobody else holds: they could not be closed.
    pub(crate) fn clear(&self) {
        let orphans = self.orphans.take();
        drop(orphans);
    }

    fn release(&self, generator: &Rc<dyn Live>) {
        let is_it = |other: &mut Rc<dyn Live>| Rc::ptr_eq(other, generator);
        let released: Vec<_> = self.orphans.borrow_mut().extract_if(.., is_it).collect();
        drop(released);
    }
}

/// A task that closes `generator`. It ends without an error: that is reported.
pub(crate) fn closing(generator: Rc<dyn Live>) -> crate::Task<'static, ()> {
    // Not by value: if the task never begins, the generator is still to be closed.
    let weak = Rc::downgrade(&generator);
    create_task(move || {
        if let Some(generator) = weak.upgrade() {
            // Unless somebody else does it.
            if generator.is_to_be_closed() {
                generator.close();
            }
            EventLoop::current("a generator")?.generators.release(&generator);
        }
        Ok(())
    })
}

/// A generator's place in the table of its loop, until it is dropped.
pub(super) struct Registration {
    event_loop: Weak<EventLoop>,
    key: usize,
}

impl Registration {
    pub(super) fn new(event_loop: &Rc<EventLoop>, generator: Weak<dyn Live>) -> Self {
        let key = event_loop.generators.live.borrow_mut().insert(generator);
        Self { event_loop: Rc::downgrade(event_loop), key }
    }

    /// The loop, while it runs tasks.
    pub(super) fn event_loop(&self) -> Option<Rc<EventLoop>> {
        self.event_loop.upgrade().filter(|event_loop| !event_loop.is_closed())
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(event_loop) = self.event_loop.upgrade() {
            let removed = event_loop.generators.live.borrow_mut().try_remove(self.key);
            drop(removed);
        }
    }
}
