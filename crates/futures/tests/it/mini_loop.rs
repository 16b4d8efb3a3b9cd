//! A loop of a hundred lines, which steps its tasks in any order it is told.
//!
//! It implements [`corio_futures::contract`] and nothing else: no clock, no I/O, no outcomes. What
//! is ready stands in a queue; [`Loop::run`] takes from its front, [`Loop::step`] from anywhere.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr::NonNull;
use std::rc::{Rc, Weak};

use corio_futures::contract::{self, Exit, Parker, Wait};
use corio_futures::{Cancelled, Error, Result};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};

type Yielder = corosensei::Yielder<(), ()>;

#[derive(Default)]
pub(crate) struct Loop {
    /// Those that have not ended: who waits, waits although nobody else holds it.
    tasks: RefCell<Vec<Rc<Task>>>,
    ready: RefCell<VecDeque<Ready>>,
    current: RefCell<Option<Rc<Task>>>,
    reports: RefCell<Vec<String>>,
}

enum Ready {
    Step(Rc<Task>),
    Call(Box<dyn FnOnce()>),
}

pub(crate) struct Task {
    this: Weak<Task>,
    event_loop: Rc<Loop>,
    coroutine: RefCell<Option<Coroutine<(), (), ()>>>,
    yielder: Cell<Option<NonNull<Yielder>>>,
    parked: Cell<bool>,
    cancelled: RefCell<Option<Cancelled>>,
}

/// Runs `body` on a thread that has a loop. What is left of its tasks then is unwound.
pub(crate) fn with_loop<R>(body: impl FnOnce(&Rc<Loop>) -> R) -> R {
    let event_loop = Rc::new(Loop::default());
    let entered = contract::enter(Rc::new(Facade(Rc::clone(&event_loop))));
    let _entered = entered.unwrap_or_else(|_| panic!("a loop runs already"));
    let result = body(&event_loop);
    let left = event_loop.tasks.take();
    left.iter().for_each(|task| task.unwind());
    result
}

impl Loop {
    /// Makes a task, ready for its first step.
    pub(crate) fn spawn(self: &Rc<Self>, body: impl FnOnce() + 'static) -> Rc<Task> {
        let task = Rc::new_cyclic(|this: &Weak<Task>| {
            let me = Weak::clone(this);
            let stack = DefaultStack::new(64 * 1024).expect("there is memory for a stack");
            let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder, ()| {
                let me = me.upgrade().expect("a task that runs is alive");
                me.yielder.set(Some(NonNull::from(yielder)));
                drop(me);
                body();
            });
            Task {
                this: Weak::clone(this),
                event_loop: Rc::clone(self),
                coroutine: RefCell::new(Some(coroutine)),
                yielder: Cell::new(None),
                parked: Cell::new(true),
                cancelled: RefCell::new(None),
            }
        });
        self.tasks.borrow_mut().push(Rc::clone(&task));
        task.unpark();
        task
    }

    /// Runs what is ready, first in, first out, until nothing is.
    pub(crate) fn run(&self) {
        while self.step(0) {}
    }

    /// Runs one thing that is ready; which one is up to the caller. Says whether there was one.
    pub(crate) fn step(&self, which: usize) -> bool {
        let ready = {
            let mut queue = self.ready.borrow_mut();
            let length = queue.len().max(1);
            queue.remove(which % length)
        };
        match ready {
            Some(Ready::Step(task)) => task.step(),
            Some(Ready::Call(callback)) => callback(),
            None => return false,
        }
        true
    }

    /// What was reported so far.
    pub(crate) fn reports(&self) -> Vec<String> {
        self.reports.take()
    }
}

impl Task {
    fn step(self: &Rc<Self>) {
        let Ok(mut coroutine) = self.coroutine.try_borrow_mut() else { return };
        let Some(running) = &mut *coroutine else { return };
        self.event_loop.current.replace(Some(Rc::clone(self)));
        // SAFETY: the loop keeps the task until its body has returned, or its stack is unwound.
        let state = unsafe { contract::run_as(&**self, || running.resume(())) };
        self.event_loop.current.replace(None);
        if let CoroutineResult::Return(()) = state {
            *coroutine = None;
            self.event_loop.tasks.borrow_mut().retain(|task| !Rc::ptr_eq(task, self));
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.coroutine.borrow().is_none()
    }

    /// Ends the park that the task is in, or the next one.
    pub(crate) fn cancel(&self) {
        *self.cancelled.borrow_mut() = Some(Cancelled::new());
        self.unpark();
    }

    /// Takes the task's stack away, unwinding it, wherever it is parked.
    pub(crate) fn unwind(&self) {
        self.parked.set(false);
        let coroutine = self.coroutine.take();
        drop(coroutine);
    }

    fn yielder(&self) -> &Yielder {
        let yielder = self.yielder.get().expect("a running task has a yielder");
        // SAFETY: it is on the stack of the task's coroutine, which runs: that is who calls this.
        unsafe { yielder.as_ref() }
    }
}

impl Parker for Task {
    fn park(&self, wait: &Wait<'_>) -> Result<()> {
        let mut first = true;
        loop {
            let cancelled = self.cancelled.take();
            match cancelled {
                Some(cancelled) if !wait.pass_on(&cancelled) => return Err(cancelled.into()),
                Some(_) => return Ok(()),
                None if !first => return Ok(()),
                None => {}
            }
            first = false;
            self.parked.set(true);
            self.yielder().suspend(());
        }
    }

    unsafe fn begin_park(&self, wait: &Wait<'_>) -> Result<Option<Exit>> {
        if wait.has_say_in_cancellation() || self.cancelled.borrow().is_some() {
            return Ok(None);
        }
        self.parked.set(true);
        // SAFETY: this runs on the task's stack, which the caller leaves at once.
        Ok(Some(unsafe { Exit::by(self.yielder()) }))
    }

    unsafe fn end_park(&self) -> Result<()> {
        self.cancelled.take().map_or(Ok(()), |cancelled| Err(cancelled.into()))
    }

    fn unpark(&self) {
        if self.parked.replace(false)
            && let Some(this) = self.this.upgrade()
        {
            self.event_loop.ready.borrow_mut().push_back(Ready::Step(this));
        }
    }

    fn yield_now(&self) -> Result<()> {
        let again = self.this.upgrade().expect("a task that runs is alive");
        let call = Box::new(move || again.unpark());
        self.event_loop.ready.borrow_mut().push_back(Ready::Call(call));
        self.park(&Wait::new("its turn"))
    }
}

/// The loop as the crate sees it.
struct Facade(Rc<Loop>);

impl contract::EventLoop for Facade {
    fn current(&self) -> Option<Rc<dyn Parker>> {
        let current = self.0.current.borrow().clone()?;
        Some(current)
    }

    fn call_soon(&self, callback: Box<dyn FnOnce()>) {
        self.0.ready.borrow_mut().push_back(Ready::Call(callback));
    }

    fn report(&self, message: &str, error: &Error) {
        self.0.reports.borrow_mut().push(format!("{message}: {error}"));
    }
}

/// Goes to the end of the queue of what is ready.
pub(crate) fn yield_now() -> Result<()> {
    contract::current_parker("its turn")?.yield_now()
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, event: impl Into<String>) {
        self.0.borrow_mut().push(event.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        self.0.take()
    }
}
