//! A task that another thread has asked for.
//!
//! It is started by a call that the thread hands to the loop, and is a task like any other. When it
//! has ended, a [`Relay`] sends what it came to back to the thread. The loop keeps the relays, to
//! find a task that is to be cancelled, and to tell those who wait when it is closed.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use corio_futures::completion::{Waitable, Watcher};
use corio_futures::contract::Wait;
use corio_futures::{Cancelled, Error, Result};

use super::LoopHandle;
use super::call::Call;
use super::expected::Source;
use super::oneshot::{Receiver, Sender, oneshot};
use super::post::Message;
use crate::event_loop::EventLoop;
use crate::report;
use crate::task::{CannotAwait, LoopClosed, Panicked, Task, create_task};
use crate::timeout::timeout;

const WHAT: &str = "a task that was handed to a loop";

/// What a task came to, on its way to another thread: a panic goes along as it is.
type Outcome<T> = std::thread::Result<Result<T>>;

/// A task on a loop, and the right to its outcome, on any thread.
///
/// Made by [`LoopHandle::run_coroutine_threadsafe`]. asyncio has a `concurrent.futures.Future` in
/// its place. Dropping it detaches the task: it runs on, and its failure is reported.
///
/// # Examples
///
/// A thread that does not wait for ever:
///
/// ```
/// use std::time::Duration;
///
/// let mut runner = corio::Runner::new()?;
/// let event_loop = runner.handle();
/// let impatient = std::thread::spawn(move || {
///     let task = event_loop.run_coroutine_threadsafe(|| corio::sleep(Duration::from_secs(60)))?;
///     match task.wait_timeout(Duration::from_millis(1)) {
///         Ok(result) => result,
///         Err(task) => {
///             task.cancel();
///             task.wait()
///         }
///     }
/// });
/// let error = runner.run(|| corio::to_thread(move || impatient.join().unwrap())).unwrap_err();
/// assert!(error.is_cancelled());
/// # Ok::<(), corio::Error>(())
/// ```
#[must_use = "dropping it detaches the task: it runs on, and a failure is only reported"]
pub struct RemoteTask<T> {
    outcome: Receiver<Outcome<T>>,
    /// What starts the task on its loop.
    start: Arc<dyn Call>,
    /// By which its loop knows the task.
    errand: usize,
    /// Keeps the loop from taking a task that can still be cancelled for deadlocked.
    event_loop: LoopHandle,
}

pub(super) fn start<T, F>(event_loop: LoopHandle, body: F) -> Result<RemoteTask<T>, LoopClosed>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    let (sender, outcome) = oneshot();
    let errand = event_loop.post.number();
    let start = event_loop.hand_in(move || Relay::start(errand, body, sender))?;
    Ok(RemoteTask { outcome, start, errand, event_loop })
}

impl<T: Send + 'static> RemoteTask<T> {
    /// Waits until the task has ended, and takes its result.
    ///
    /// Blocks the thread; but in a task, of this loop or another, only that task waits.
    ///
    /// # Cancellation
    ///
    /// Ends the wait, and asks the task to stop.
    ///
    /// # Errors
    ///
    /// What the task returned; [`Cancelled`] if it was cancelled; [`LoopClosed`] if its loop was
    /// closed first. [`CannotAwait::OwnThread`] where waiting would keep the loop from running the
    /// task, [`CannotWait`](corio_futures::CannotWait) in a callback of any loop; the task runs on
    /// then.
    ///
    /// # Panics
    ///
    /// If the task did, with its payload.
    #[track_caller]
    pub fn wait(self) -> Result<T> {
        match self.wait_until_ended(None) {
            Ok(_) => self.take(),
            Err(error) => Err(self.give_up(error)),
        }
    }

    /// Waits as [`wait`](Self::wait) does, for no longer than `limit`. If that was not long enough,
    /// gives itself back.
    ///
    /// A thread waits in real time, a task by the clock of its loop.
    ///
    /// # Cancellation
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Errors
    ///
    /// Itself, to wait again or to cancel. The result within is that of [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_timeout(self, limit: Duration) -> Result<Result<T>, Self> {
        match self.wait_until_ended(Some(limit)) {
            Ok(true) => Ok(self.take()),
            Ok(false) => Err(self),
            Err(error) => Ok(Err(self.give_up(error))),
        }
    }
}

impl<T> RemoteTask<T> {
    /// Asks the task to stop, as [`Task::cancel`] does. Says whether it may still be there to be
    /// asked.
    ///
    /// One that has not begun never does. The others end when they end; [`wait`](Self::wait) says
    /// how.
    pub fn cancel(&self) -> bool {
        if self.outcome.has_ended() {
            return false;
        }
        if self.start.cancel() {
            return true;
        }
        let errand = self.errand;
        self.event_loop.hand_in(move || cancel_errand(errand)).is_ok()
    }

    /// Whether there is nothing left to wait for.
    pub fn is_done(&self) -> bool {
        self.outcome.has_ended()
    }

    /// Says whether the task has ended, which it is waited for no longer than `limit`.
    #[track_caller]
    fn wait_until_ended(&self, limit: Option<Duration>) -> Result<bool> {
        if self.outcome.has_ended() {
            return Ok(true);
        }
        let wait = Wait::new(WHAT);
        match (EventLoop::current(WHAT), limit) {
            (Ok(running), None) => self.park(&running, &wait)?,
            (Ok(running), Some(limit)) => match timeout(limit, || self.park(&running, &wait)) {
                Err(error) if error.is_timeout() => {}
                parked => parked?,
            },
            _ if self.event_loop.post.is_of_this_thread() => {
                return Err(CannotAwait::OwnThread.into());
            }
            (Err(_), None) => self.outcome.block(),
            (Err(_), Some(limit)) => return Ok(self.outcome.block_for(limit)),
        }
        Ok(self.outcome.has_ended())
    }

    /// Parks the current task of `running` until the remote one has ended.
    fn park(&self, running: &Rc<EventLoop>, wait: &Wait<'_>) -> Result<()> {
        struct Expecting<'a>(&'a EventLoop, usize);
        impl Drop for Expecting<'_> {
            fn drop(&mut self) {
                self.0.threads.expected.abandon(self.1);
            }
        }
        let task = running.current_task(WHAT)?;
        let post = Arc::clone(&running.threads.post);
        let is_ours = Arc::ptr_eq(&post, &self.event_loop.post);
        let source = if is_ours { Source::ThisLoop } else { Source::Elsewhere };
        let waiter = Rc::clone(&task);
        let id = running.threads.expected.expect(source, Box::new(move || waiter.unpark()));
        let _expecting = Expecting(running, id);
        // If that loop is closed by then, nobody waits there any more.
        self.outcome.on_end(move || drop(post.send(Message::Arrived(id))));
        while !self.outcome.has_ended() {
            task.header().park(wait)?;
        }
        Ok(())
    }

    /// What becomes of the task when the wait for it has failed: a cancellation is passed on.
    fn give_up(&self, error: Error) -> Error {
        if error.is_cancelled() {
            self.cancel();
        }
        error
    }

    /// Takes the outcome, which is there.
    fn take(&self) -> Result<T> {
        match self.outcome.try_take() {
            Some(Ok(Ok(result))) => result,
            Some(Ok(Err(payload))) => resume_unwind(payload),
            // Whoever lost it was the loop as it closed, or we have taken the start back.
            _ if self.event_loop.is_closed() => Err(LoopClosed.into()),
            _ => Err(Cancelled::new().into()),
        }
    }
}

impl<T> Drop for RemoteTask<T> {
    fn drop(&mut self) {
        if let Some(Ok(outcome)) = self.outcome.try_take()
            && let Some(error) = failure_of(outcome)
        {
            let reported = error.clone();
            let event_loop = self.event_loop.hand_in(move || {
                if let Ok(event_loop) = EventLoop::current(WHAT) {
                    event_loop.report(UNASKED, &reported);
                }
            });
            if event_loop.is_err() {
                report::print(UNASKED, &error);
            }
        }
    }
}

impl<T> fmt::Debug for RemoteTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteTask").field("is_done", &self.outcome.has_ended()).finish()
    }
}

const UNASKED: &str = "a task that another thread had asked for failed and nobody waits for it";

/// The failure that an outcome is, unless it is a cancellation.
fn failure_of<T>(outcome: Outcome<T>) -> Option<Error> {
    match outcome {
        Ok(result) => result.err().filter(|error| !error.is_cancelled()),
        Err(payload) => Some(Panicked::new("(asked for by a thread)", payload).into()),
    }
}

/// A task that another thread has asked for, to its loop.
pub(super) trait Errand {
    fn cancel(&self);

    /// Tells the thread that there will be no outcome.
    fn fail(&self);
}

struct Relay<T> {
    event_loop: Rc<EventLoop>,
    errand: usize,
    task: RefCell<Option<Task<'static, T>>>,
    sender: Cell<Option<Sender<Outcome<T>>>>,
}

impl<T: Send + 'static> Relay<T> {
    /// Starts the task, on its loop.
    fn start<F>(errand: usize, body: F, sender: Sender<Outcome<T>>)
    where
        F: FnOnce() -> Result<T> + 'static,
    {
        // Otherwise the loop is not running, and no call of it is.
        let Ok(event_loop) = EventLoop::current(WHAT) else { return };
        let task = create_task(body);
        let relay = Rc::new(Self {
            event_loop: Rc::clone(&event_loop),
            errand,
            task: RefCell::new(None),
            sender: Cell::new(Some(sender)),
        });
        let watcher: Rc<dyn Watcher> = Rc::clone(&relay) as _;
        Waitable::completion(&task).watch(watcher, 0);
        relay.task.replace(Some(task));
        event_loop.threads.errands.borrow_mut().insert(errand, relay);
    }
}

impl<T> Errand for Relay<T> {
    fn cancel(&self) {
        // Looked up first: cancelling may end other tasks, and so run this relay.
        let running = self.task.borrow().as_ref().and_then(Task::running);
        if let Some(task) = running {
            task.header().cancel(&Cancelled::new());
        }
    }

    fn fail(&self) {
        drop(self.sender.take());
    }
}

impl<T: Send + 'static> Watcher for Relay<T> {
    fn completed(self: Rc<Self>, _: usize) {
        let errand = self.event_loop.threads.errands.borrow_mut().remove(&self.errand);
        let (Some(task), Some(sender)) = (self.task.take(), self.sender.take()) else { return };
        // What nobody wants is dropped in a step of its own, for its destructor may do anything.
        if !sender.is_wanted() {
            // A task that has failed is reported as it goes.
            return self.event_loop.call_soon(Box::new(move || drop(task)));
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| task.wait()));
        if let Err(outcome) = sender.send(outcome) {
            let event_loop = Rc::clone(&self.event_loop);
            self.event_loop.call_soon(Box::new(move || {
                if let Some(error) = failure_of(outcome) {
                    event_loop.report(UNASKED, &error);
                }
            }));
        }
        drop(errand);
    }
}

fn cancel_errand(errand: usize) {
    if let Ok(event_loop) = EventLoop::current(WHAT) {
        let errand = event_loop.threads.errands.borrow().get(&errand).map(Rc::clone);
        if let Some(errand) = errand {
            errand.cancel();
        }
    }
}
