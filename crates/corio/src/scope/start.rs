//! Starting a child and waiting until it says that it is ready. trio's `nursery.start`.
//!
//! Until the child has said so it belongs to whoever starts it: what it fails with is the starter's
//! to deal with, and a cancellation of the starter is the child's. From then on it is a child of
//! the group like any other.
//!
//! The child's body is wrapped, so that a failure before that moment is no failure of the child
//! in the eyes of the group.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use corio_futures::contract::Wait;
use corio_futures::{Cancelled, CannotWait, Error, Result, WaitList};

use super::TaskGroup;
use crate::event_loop::{EventLoop, current_header};
use crate::task::{Awaited, Task, TaskOptions};

const WHAT: &str = "a task to start";

impl<'scope> TaskGroup<'scope, '_> {
    /// Makes a child of the group and waits until it says that it has started, and with what.
    /// trio's `nursery.start`.
    ///
    /// For a service that others are to use: when `start` returns, it is there.
    ///
    /// # Cancellation
    ///
    /// Cancels the child, and goes on waiting until it has ended or started all the same.
    ///
    /// # Errors
    ///
    /// What the child fails with before it has started: the group does not hear of it.
    /// [`NotStarted`] if it ends without saying anything.
    ///
    /// # Panics
    ///
    /// If the child does before it has started.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::net::{TcpListener, TcpStream};
    ///
    /// corio::run(|| {
    ///     corio::task_group(|group| {
    ///         let address = group.start(|started| {
    ///             let listener = TcpListener::bind("127.0.0.1:0")?;
    ///             started.set(listener.local_addr()?);
    ///             listener.accept()?;
    ///             Ok(())
    ///         })?;
    ///         TcpStream::connect(address)?;
    ///         Ok(())
    ///     })
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn start<'task, V, F>(&'scope self, body: F) -> Result<V>
    where
        'task: 'scope,
        V: 'task,
        F: FnOnce(Started<V>) -> Result<()> + 'task,
    {
        self.start_with(TaskOptions::new(), body)
    }

    /// As [`start`](Self::start), with a name or other [options](TaskOptions).
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    #[track_caller]
    pub fn start_with<'task, V, F>(&'scope self, options: TaskOptions, body: F) -> Result<V>
    where
        'task: 'scope,
        V: 'task,
        F: FnOnce(Started<V>) -> Result<()> + 'task,
    {
        let wait = Wait::new(WHAT);
        let event_loop = EventLoop::current(WHAT)?;
        let starter = current_header().ok_or(CannotWait::InCallback(WHAT))?;
        starter.check_can_suspend(WHAT)?;

        let handshake = Rc::new(Handshake::new());
        let child_side = ChildSide(Rc::clone(&handshake));
        let child: Task<'task, ()> = self.create_task_with(options, move || child_side.run(body));
        let running = child.running();
        let waited = match &running {
            Some(running) => starter.while_awaiting(&Awaited::Task(running.header()), || {
                while handshake.is_starting() {
                    handshake.changed.wait(&wait)?;
                }
                Ok(())
            }),
            None => Ok(()),
        };
        let stopped = || running.is_some_and(|child| child.header().cancelling() > 0);
        match (waited, handshake.leave()) {
            (_, State::Panicked(payload)) => resume_unwind(payload),
            (Ok(()), State::Started(value)) => Ok(value),
            (Ok(()), State::Failed(error)) => Err(error),
            (Ok(()), State::Returned) if stopped() => Err(Cancelled::new().into()),
            (Ok(()), State::Returned) => Err(NotStarted { task: child.name() }.into()),
            // The body was dropped, and waiting says why.
            (Ok(()), State::Starting | State::Over) => {
                let name = child.name();
                child.wait().and(Err(NotStarted { task: name }.into()))
            }
            (Err(interrupted), State::Failed(error)) if !error.is_cancelled() => {
                let message = format!("task '{}' failed as it started", child.name());
                event_loop.report(&message, &error);
                Err(interrupted)
            }
            (Err(interrupted), State::Starting) => {
                child.cancel();
                Err(interrupted)
            }
            (Err(interrupted), _) => Err(interrupted),
        }
    }
}

/// With this a child of [`TaskGroup::start`] says that it has started.
pub struct Started<V> {
    handshake: Rc<Handshake<V>>,
}

impl<V> Started<V> {
    /// Has `start` return `value`. The child goes on.
    ///
    /// If the starter does not wait any more, the value is dropped.
    pub fn set(self, value: V) {
        self.handshake.settle(State::Started(value));
    }
}

impl<V> fmt::Debug for Started<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").finish_non_exhaustive()
    }
}

/// What the starter and the child know of each other.
struct Handshake<V> {
    state: RefCell<State<V>>,
    /// The starter, while it waits.
    changed: WaitList,
}

enum State<V> {
    Starting,
    Started(V),
    /// The body failed before it had said that it has started.
    Failed(Error),
    /// The body panicked before that.
    Panicked(Box<dyn Any + Send>),
    /// The body returned without saying so.
    Returned,
    /// The body was dropped before it ran, or the starter waits no longer.
    Over,
}

impl<V> Handshake<V> {
    fn new() -> Self {
        Self { state: RefCell::new(State::Starting), changed: WaitList::new() }
    }

    fn is_starting(&self) -> bool {
        matches!(*self.state.borrow(), State::Starting)
    }

    /// Says how the start has ended, unless that is known, and wakes the starter.
    fn settle(&self, state: State<V>) {
        if self.is_starting() {
            self.state.replace(state);
            self.changed.notify_all();
        }
    }

    /// How the start has ended; the starter does not want to know any more afterwards.
    fn leave(&self) -> State<V> {
        self.state.replace(State::Over)
    }
}

/// The child's end, which goes with the body: the starter learns of it also if that never runs.
struct ChildSide<V>(Rc<Handshake<V>>);

impl<V> ChildSide<V> {
    /// Runs the child's body. Whatever ends it before it has started is the starter's to deal with.
    fn run(self, body: impl FnOnce(Started<V>) -> Result<()>) -> Result<()> {
        let started = Started { handshake: Rc::clone(&self.0) };
        let outcome = catch_unwind(AssertUnwindSafe(|| body(started)));
        let ended = match outcome {
            outcome if !self.0.is_starting() => {
                return outcome.unwrap_or_else(|payload| resume_unwind(payload));
            }
            Ok(Ok(())) => State::Returned,
            Ok(Err(error)) => State::Failed(error),
            Err(payload) => State::Panicked(payload),
        };
        self.0.settle(ended);
        Ok(())
    }
}

impl<V> Drop for ChildSide<V> {
    fn drop(&mut self) {
        self.0.settle(State::Over);
    }
}

/// A child of [`TaskGroup::start`] ended without saying that it had started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "task '{task}' ended without saying that it had started: it is to call `started.set(…)` when \
     it is ready"
)]
pub struct NotStarted {
    task: String,
}

impl NotStarted {
    /// The name of the task.
    pub fn task(&self) -> &str {
        &self.task
    }
}
