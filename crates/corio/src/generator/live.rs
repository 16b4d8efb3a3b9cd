//! The generators that a loop has started: it closes them when it ends. asyncio's
//! `shutdown_asyncgens`.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use corio_futures::Result;
use slab::Slab;

use crate::event_loop::EventLoop;
use crate::task::create_task;

/// A generator, whatever it yields.
pub(crate) trait Live {
    /// Whether it stands at a yield.
    fn is_suspended(&self) -> bool;

    /// Closes it, and reports its error, too.
    fn close(&self) -> Result<()>;
}

/// The generators of a loop.
#[derive(Default)]
pub(crate) struct Generators {
    live: RefCell<Slab<Weak<dyn Live>>>,
    /// Those whose handle was dropped where nothing can wait.
    orphans: RefCell<Vec<Rc<dyn Live>>>,
}

impl Generators {
    /// Takes a generator over from its handle, to close it in a task.
    pub(super) fn adopt(&self, event_loop: &EventLoop, generator: Rc<dyn Live>) {
        self.orphans.borrow_mut().push(generator);
        let weak = self.orphans.borrow().last().map(Rc::downgrade);
        event_loop.call_soon(Box::new(move || {
            if let Some(generator) = weak.and_then(|weak| weak.upgrade()) {
                drop(closing(generator));
            }
        }));
    }

    /// The generators that stand at a yield.
    pub(crate) fn suspended(&self) -> Vec<Rc<dyn Live>> {
        let mut suspended = self.orphans.borrow().clone();
        let live = self.live.borrow();
        suspended.extend(live.iter().filter_map(|(_, generator)| generator.upgrade()));
        suspended.retain(|generator| generator.is_suspended());
        suspended
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
            if generator.is_suspended() {
                let closed = generator.close();
                drop(closed);
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
