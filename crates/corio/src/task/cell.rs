//! The allocation that a task is, and its life from creation to outcome.
//!
//! A task has no stack before its first step: a task that is cancelled early never needs one,
//! and a thousand tasks that run through without waiting use one stack a thousand times.
//!
//! The body may borrow from the frame of whoever made the task. What makes that sound is said at
//! [`spawn_unchecked`]; the users of this function are the only ones who have to keep a promise.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Mutex;

use corio_coroutine::{Coroutine, Stack};
use corio_futures::completion::{AnyCompletion, Completion};
use corio_futures::contract::{Parker, Wait};
use corio_futures::{Error, Result};

use super::{Header, TaskOptions};
use crate::context::Context;
use crate::event_loop::EventLoop;
use crate::scope::Nursery;

/// A task, to the loop.
pub(crate) trait Runnable: Parker {
    fn header(&self) -> &Header;

    /// Puts the body on a stack, ready for its first step.
    fn start(self: Rc<Self>) -> Result<Coroutine>;

    /// Ends the task without running its body.
    fn refuse(&self, error: Error);

    /// Tells the nursery that the task, which is done, was a child of. For the loop alone.
    fn report_end(&self);

    /// The key of the task whose nursery this one is a child of.
    fn parent_key(&self) -> Option<usize>;

    /// The task's outcome, whatever its type.
    fn any_completion(&self) -> &dyn AnyCompletion;

    /// Says that somebody has seen to the failure.
    fn mark_retrieved(&self);
}

impl fmt::Debug for dyn Runnable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.header(), f)
    }
}

/// A task, to those who hold its handle.
pub(crate) trait Outcome<T>: Runnable {
    fn completion(&self) -> &Completion<T>;

    /// Drops an outcome that nobody can ask for any more; reports it if it is an error.
    fn discard(&self);
}

struct TaskCell<T, F> {
    header: Header,
    completion: Completion<T>,
    body: Cell<Option<F>>,
    /// The nursery that the task is a child of, until it knows that the task has ended.
    parent: Cell<Option<Parent>>,
    /// What the nursery will be told, since the outcome may have been taken by then.
    failure: Cell<Option<Error>>,
}

/// The nursery that a task is a child of.
pub(crate) struct Parent {
    pub(crate) nursery: Rc<Nursery>,
    pub(crate) index: usize,
}

impl<T, F: FnOnce() -> Result<T>> TaskCell<T, F> {
    #[inline(always)]
    fn end(&self, outcome: Result<T>) {
        // asyncio: a task that was cancelled while it ran, and returns without waiting again,
        // ends cancelled.
        let outcome = match self.header.take_pending() {
            Some(cancelled) if outcome.is_ok() => Err(cancelled.into()),
            _ => outcome,
        };
        if self.header.is_child {
            // The nursery is told by a step of its own, before anybody who waits for the task
            // goes on, and sees to the failure. Only a success that comes at once is told at once.
            if outcome.is_err() || !self.header.begins_eagerly.get() {
                self.header.push_ready();
            }
            self.failure.set(outcome.as_ref().err().cloned());
            self.completion.mark_retrieved();
        }
        self.header.set_done();
        let completed = self.completion.complete(outcome);
        debug_assert!(completed.is_ok(), "a task ends once");
        self.header.wake_joiner();
        if self.header.detached.get()
            && let Err(payload) = catch_unwind(AssertUnwindSafe(|| self.discard()))
        {
            let message = "the result of a detached task failed as it was dropped";
            self.header.event_loop.report(message, &self.panicked(payload));
        }
    }

    fn panicked(&self, payload: Box<dyn Any + Send>) -> Error {
        Panicked::new(self.header.name().to_string(), payload).into()
    }
}

impl<T, F: FnOnce() -> Result<T>> Runnable for TaskCell<T, F> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn start(self: Rc<Self>) -> Result<Coroutine> {
        let stack = Stack::labelled(self.header.stack_size, self.header.label())?;
        // What the body borrows may include the yielder of a generator around its parent.
        stack.set_boundary(true);
        let body = self.body.take().expect("a task starts once");
        let on_stack = move |yielder: &_, ()| {
            self.header.set_yielder(yielder);
            let outcome = catch_unwind(AssertUnwindSafe(body));
            self.end(outcome.unwrap_or_else(|payload| Err(self.panicked(payload))));
        };
        // SAFETY: what `body` borrows is alive until the task is done: the caller of
        // `spawn_unchecked` promised. The coroutine is resumed and dropped by the loop alone,
        // which drops it when it has completed and never frees one that has not.
        Ok(unsafe { Coroutine::with_stack_unchecked(stack, on_stack) })
    }

    #[cold]
    fn refuse(&self, error: Error) {
        let body = self.body.take();
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(body)));
        self.end(match dropped {
            Ok(()) => Err(error),
            Err(payload) => Err(self.panicked(payload)),
        });
    }

    fn report_end(&self) {
        if let Some(Parent { nursery, index }) = self.parent.take() {
            nursery.child_ended(index, self.failure.take());
        }
    }

    fn parent_key(&self) -> Option<usize> {
        let parent = self.parent.take()?;
        let key = parent.nursery.parent().header().key;
        self.parent.set(Some(parent));
        Some(key)
    }

    fn any_completion(&self) -> &dyn AnyCompletion {
        &self.completion
    }

    fn mark_retrieved(&self) {
        self.completion.mark_retrieved();
    }
}

impl<T, F: FnOnce() -> Result<T>> Outcome<T> for TaskCell<T, F> {
    fn completion(&self) -> &Completion<T> {
        &self.completion
    }

    fn discard(&self) {
        if !self.completion.can_be_taken() {
            // A done-callback will see it; the outcome goes with the cell.
            return;
        }
        if let Some(error) = self.completion.unretrieved() {
            let message = format!("{} failed and nobody waits for it", self.header.description());
            let context = Context::of(self.header.context());
            context.run(|| self.header.event_loop.report(&message, error));
        }
        // SAFETY: references to the outcome come from the handle, which is gone, from watchers
        // and reports, which keep none, and from callbacks, during which nothing can be taken.
        drop(unsafe { self.completion.take() });
    }
}

impl<T, F: FnOnce() -> Result<T>> Parker for TaskCell<T, F> {
    fn park(&self, wait: &Wait<'_>) -> Result<()> {
        self.header.park(wait)
    }

    fn unpark(&self) {
        self.header.unpark();
    }

    fn yield_now(&self) -> Result<()> {
        Parker::yield_now(&self.header)
    }
}

/// Makes a task of `body`, and puts it at the end of the loop's queue or, if it is eager, runs its
/// first step. `announce` is told of it before that can be.
///
/// # Safety
///
/// The caller sees to it that the task is done before `'a` ends: whatever `body` and its result
/// borrow is then no longer used. (The body is gone when the task is done. The outcome goes with
/// the handle that is returned, which cannot outlive `'a`; if it is leaked, nobody drops the
/// outcome at all. What others keep of a task, its header, borrows nothing.)
#[track_caller]
pub(crate) unsafe fn spawn_unchecked<'a, T, F>(
    event_loop: Rc<EventLoop>,
    options: TaskOptions,
    parent: Option<Parent>,
    announce: impl FnOnce(&Rc<dyn Runnable>),
    body: F,
) -> Rc<dyn Outcome<T> + 'a>
where
    T: 'a,
    F: FnOnce() -> Result<T> + 'a,
{
    let caller = Location::caller();
    let table = Rc::clone(&event_loop);
    let eager = options.eager.unwrap_or_else(|| table.eager_tasks());
    let cell: Rc<dyn Outcome<T> + 'a> = table.add_task(eager, |key| {
        let cell = Rc::new(TaskCell {
            header: Header::new(event_loop, key, parent.is_some(), options),
            completion: Completion::new(),
            body: Cell::new(Some(body)),
            parent: Cell::new(parent),
            failure: Cell::new(None),
        });
        cell.header.note_creation(caller);
        let runnable: Rc<dyn Runnable + 'a> = cell.clone();
        // SAFETY: only the lifetime changes. Through a `Runnable` one can reach the body, which
        // is gone when the task is done, and the outcome's error, which borrows nothing; the
        // value itself is reached by the handle alone. So nothing borrowed is used after `'a`.
        let runnable =
            unsafe { mem::transmute::<Rc<dyn Runnable + 'a>, Rc<dyn Runnable>>(runnable) };
        announce(&runnable);
        (runnable, cell)
    });
    if eager {
        table.step_eagerly(cell.header());
    }
    cell
}

/// A task panicked. Whoever waits for it first gets the panic itself; others get this.
#[derive(Debug, thiserror::Error)]
#[error("task '{task}' panicked: {message}")]
pub struct Panicked {
    task: String,
    message: String,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panicked {
    pub(crate) fn in_callback(payload: Box<dyn Any + Send>) -> Self {
        Self::new("(callback)", payload)
    }

    /// `task` is the name of the task or, in parentheses, of what else panicked.
    pub(crate) fn new(task: impl Into<String>, payload: Box<dyn Any + Send>) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("(a payload that is no text)").to_owned();
        Self { task: task.into(), message, payload: Mutex::new(Some(payload)) }
    }

    /// The name of the task.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// What the panic had to say.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Goes on with the panic that `error` is, if it is one and nobody has done so before.
    pub(crate) fn resurface(error: &Error) {
        if let Some(panicked) = error.downcast_ref::<Self>() {
            let payload = panicked.payload.lock().ok().and_then(|mut payload| payload.take());
            if let Some(payload) = payload {
                resume_unwind(payload);
            }
        }
    }
}
