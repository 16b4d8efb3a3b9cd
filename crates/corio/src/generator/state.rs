//! What is behind a generator's handle.

use std::cell::{Cell, OnceCell};
use std::panic::Location;
use std::rc::Rc;
use std::thread;

use corio_coroutine::{CoroutineState, GeneratorError};
use corio_futures::{Error, Result};

use super::ending::{Ending, report_failure};
use super::error::{Carried, GeneratorExit, unpack};
use super::handle::Inner;
use super::live::{Live, Registration};
use crate::event_loop::{EventLoop, can_wait, current_header};

/// The generator, and what its loop has to know of it.
pub(super) struct State<T: 'static, S: 'static, R: 'static> {
    pub(super) inner: Inner<T, S, R>,
    pub(super) returned: Cell<Option<R>>,
    pub(super) made: &'static Location<'static>,
    closed_by_loop: Cell<bool>,
    /// Set when it is started on a loop. Dropped after `inner`, whose end it is the end of.
    registration: OnceCell<Registration>,
}

impl<T, S, R> State<T, S, R> {
    pub(super) fn new(inner: Inner<T, S, R>, made: &'static Location<'static>) -> Self {
        Self {
            inner,
            returned: Cell::new(None),
            made,
            closed_by_loop: Cell::new(false),
            registration: OnceCell::new(),
        }
    }

    /// Has the loop that runs, if any, close the generator when it ends. asyncio's `firstiter` hook.
    pub(super) fn register(self: &Rc<Self>) {
        if let Ok(event_loop) = EventLoop::current("a generator") {
            let weak = Rc::downgrade(self);
            self.registration.get_or_init(|| Registration::new(&event_loop, weak));
        }
    }

    /// Runs a step of the body.
    #[inline]
    pub(super) fn step<A>(&self, go: impl FnOnce(&Inner<T, S, R>) -> A) -> A {
        let _stepping = Stepping::begin();
        go(&self.inner)
    }

    pub(super) fn throw(&self, error: Error) -> Result<CoroutineState<T, R>> {
        self.outcome(self.step(|inner| inner.throw(Carried(error))))
    }

    pub(super) fn close(&self) -> Result<Option<R>> {
        let closed = self.step(|inner| inner.close())?;
        match closed.map(Ending::take) {
            None => Ok(None),
            Some(Ok(returned)) => Ok(Some(returned)),
            Some(Err(error)) if GeneratorExit::is(&error) => Ok(None),
            Some(Err(error)) => Err(error),
        }
    }

    /// What a step came to.
    pub(super) fn outcome(
        &self,
        state: Result<CoroutineState<T, Ending<R>>, GeneratorError>,
    ) -> Result<CoroutineState<T, R>> {
        match state {
            Ok(CoroutineState::Yielded(value)) => Ok(CoroutineState::Yielded(value)),
            Ok(CoroutineState::Complete(ending)) => ending.take().map(CoroutineState::Complete),
            Err(GeneratorError::Thrown(thrown)) => Err(unpack(thrown)),
            Err(refused) => Err(refused.into()),
        }
    }

    /// Closes a generator whose handle is gone: see the table in the module's documentation.
    #[cold]
    pub(super) fn abandon(self: Rc<Self>) {
        // One that was started where no loop ran may have come to one since.
        self.register();
        let event_loop = self.registration.get().and_then(Registration::event_loop);
        match event_loop {
            Some(event_loop) if !can_wait() => event_loop.generators.adopt(&event_loop, self),
            // That below closes itself then, and keeps a second panic in.
            _ if thread::panicking() => {}
            _ => self.close_or_report(),
        }
    }

    fn close_or_report(&self) {
        if let Err(error) = self.close() {
            report_failure(self.made, &error);
        }
    }
}

impl<T, S, R> Live for State<T, S, R> {
    fn is_to_be_closed(&self) -> bool {
        let suspended =
            self.inner.is_started() && !self.inner.is_done() && !self.inner.is_running();
        suspended && !self.closed_by_loop.get()
    }

    fn close(&self) {
        self.closed_by_loop.set(true);
        self.close_or_report();
    }
}

/// A step of a generator. While it lasts, the task's scopes count as the body's from here on.
struct Stepping {
    /// The task, by its number, and its scopes that were not the body's before. Not a reference: a
    /// body may be stopped in the middle of another's step, and go on, or end, in another task.
    task: Option<(u64, u32)>,
}

impl Stepping {
    #[inline]
    fn begin() -> Self {
        let task = current_header();
        Self { task: task.map(|task| (task.number(), task.enter_generator())) }
    }
}

impl Drop for Stepping {
    #[inline]
    fn drop(&mut self) {
        if let Some((number, outside)) = self.task
            && let Some(task) = current_header()
            && task.number() == number
        {
            task.leave_generator(outside);
        }
    }
}
