//! The bridge between a loop and other threads.
//!
//! Everything of a loop stays on its thread. What may leave it is a [`LoopHandle`], through which
//! other threads hand in work; and jobs, which the loop hands to threads and whose results it gets
//! back. Both come in by one door:
//!
//! ```text
//!      other threads                                     the loop's thread
//!
//!   LoopHandle ── call, coroutine ──▶ ┌───────┐
//!                                     │ inbox │ ── collect, once a turn ──▶ ready queue
//!   TaskWaker ─── look again ───────▶ │       │
//!   Executor ──── a job has ended ──▶ └───────┘
//!       ▲                                                │
//!       └───────────────── jobs ─────────────────────────┘
//! ```
//!
//! * [`sync`]: the primitives below, in one place;
//! * [`inbox`]: the queue, and whether the loop sleeps;
//! * [`call`]: a callback that another thread may take back;
//! * [`oneshot`]: a result on its way from one thread to another;
//! * [`post`]: the part of a loop that other threads share;
//! * [`task_waker`]: how a task is woken from anywhere, for [`std_future`](crate::std_future);
//! * [`loop_handle`], [`call_handle`], [`function`], [`remote_task`]: what other threads hold;
//! * [`expected`]: what the loop expects from other threads;
//! * [`executor`], [`job`], [`line`], [`to_thread`]: what the loop hands out.
//!
//! The files that name nothing but [`sync`] are checked by loom: `tests/threads_model` compiles
//! them a second time, with loom's primitives, and `cargo test` runs every interleaving of a few
//! small programs.
//!
//! # What a loop waits for
//!
//! A loop in which every task waits, with no timer set, is deadlocked, unless somebody outside can
//! wake it. So it goes to sleep instead if a job is awaited or any [`LoopHandle`] is alive: whoever
//! has one may use it. (The last to be dropped wakes the loop, which then looks again.) A handle
//! that is kept for no purpose therefore silences the deadlock report; the alternative would be to
//! break off programs that are about to go on.
//!
//! A virtual clock stands still while anything can happen. As long as a job is awaited something
//! can, at any moment; but the job may itself be waiting for this loop's time to pass. So the clock
//! then waits in real time: it jumps to the next timer no sooner than a real clock would get there.
//! A handle that is alive does not hold the clock.
//!
//! Deliberately absent: pools of our own, and threads per loop.

mod call;
mod call_handle;
mod executor;
mod expected;
mod function;
mod inbox;
mod job;
mod line;
mod loop_handle;
mod oneshot;
mod post;
mod remote_task;
mod sync;
mod task_waker;
mod to_thread;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corio_futures::WaitList;
use corio_reactor::Notifier;

use crate::event_loop::EventLoop;
use expected::Expected;
use post::{Message, Post};
use remote_task::Errand;

pub use call_handle::ThreadsafeCallHandle;
pub use executor::{Executor, ExecutorShutDown, Work};
pub use function::ThreadsafeFunction;
pub use job::{Job, JobDropped};
pub(crate) use line::Line;
pub use loop_handle::LoopHandle;
pub use remote_task::RemoteTask;
pub(crate) use task_waker::TaskWaker;
pub use to_thread::to_thread;
pub(crate) use to_thread::{run_and_wait, run_in_line};

/// What a loop has to do with other threads.
pub(crate) struct Threads {
    post: Arc<Post>,
    expected: Expected,
    /// Tasks that other threads have asked for and that have not ended.
    errands: RefCell<BTreeMap<usize, Rc<dyn Errand>>>,
    /// Functions of this loop that other threads can call.
    functions: RefCell<BTreeMap<usize, Rc<dyn Any>>>,
    /// Where `to_thread` runs; `None` is the pool of the process.
    default_executor: RefCell<Option<Rc<dyn Executor>>>,
    executor_shut_down: Cell<bool>,
    /// Told when a job of the default executor has ended.
    job_ended: WaitList,
    /// Since when a virtual clock stands still for others.
    held_since: Cell<Option<Instant>>,
    /// The buffer for a batch of messages, when no collection is using it.
    spare: Cell<Vec<Message>>,
}

impl Threads {
    pub(crate) fn new(notifier: Notifier) -> Self {
        Self {
            post: Arc::new(Post::new(notifier)),
            expected: Expected::default(),
            errands: RefCell::default(),
            functions: RefCell::default(),
            default_executor: RefCell::default(),
            executor_shut_down: Cell::new(false),
            job_ended: WaitList::new(),
            held_since: Cell::new(None),
            spare: Cell::default(),
        }
    }

    /// Whether somebody outside may wake the loop.
    pub(crate) fn may_call(&self) -> bool {
        self.expects_something() || self.post.inbox.may_get_mail()
    }

    fn expects_something(&self) -> bool {
        self.expected.awaited() > 0 || (self.executor_shut_down.get() && self.expected.has_jobs())
    }

    /// Says that the loop is about to sleep. If it does not agree, the loop must not.
    pub(crate) fn nod_off(&self) -> bool {
        self.post.inbox.nod_off()
    }

    pub(crate) fn wake_up(&self) {
        self.post.inbox.wake_up();
    }

    /// How long, in real time, a virtual clock must stand still before it may jump that far.
    pub(crate) fn hold(&self, distance: Duration) -> Duration {
        if !self.expects_something() {
            self.release();
            return Duration::ZERO;
        }
        let since = self.held_since.get().unwrap_or_else(Instant::now);
        self.held_since.set(Some(since));
        distance.saturating_sub(since.elapsed())
    }

    /// The clock has moved.
    pub(crate) fn release(&self) {
        self.held_since.set(None);
    }

    /// No step will follow: whoever waits for one is told.
    pub(crate) fn close(&self) {
        let mail = self.post.inbox.close();
        drop(mail);
        self.expected.clear();
        let errands = self.errands.take();
        for errand in errands.values() {
            errand.fail();
        }
        let (functions, executor) = (self.functions.take(), self.default_executor.take());
        drop((functions, executor));
    }
}

impl EventLoop {
    /// Takes in what other threads have sent.
    ///
    /// Costs one relaxed load if there is nothing. Runs no code but corio's.
    #[inline]
    pub(crate) fn collect(&self) {
        if self.threads.post.inbox.has_mail() {
            self.collect_mail();
        }
    }

    #[cold]
    fn collect_mail(&self) {
        let threads = &self.threads;
        let mut mail = threads.spare.take();
        threads.post.inbox.collect(&mut mail);
        for message in mail.drain(..) {
            match message {
                Message::Call(call) => self.call_soon(Box::new(move || call.run())),
                Message::Arrived(id) => {
                    if let Some(deliver) = threads.expected.arrived(id) {
                        self.call_soon(deliver);
                    }
                    threads.job_ended.notify_all();
                }
                Message::Wake(task) => self.wake(task),
            }
        }
        threads.spare.set(mail);
    }
}
