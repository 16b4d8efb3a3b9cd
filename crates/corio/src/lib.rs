#![doc = include_str!("../README.md")]

mod context;
mod event_loop;
mod report;
mod run;
mod scope;
mod sleep;
mod task;
mod timeout;
mod waiting;

pub mod net;

pub use context::{Context, ContextVar, ContextVarNotSet, SendContext, copy_context};
pub use corio_futures::completion::Waitable;
pub use corio_futures::queue;
pub use corio_futures::{
    Barrier, BoundedSemaphore, BrokenBarrier, BrokenPromise, CallbackKey, Cancelled, CannotWait,
    Condition, ConditionGuard, Error, ErrorGroup, Event, Future, InvalidState, LifoQueue, Lock,
    LockGuard, NoParties, NoRunningLoop, Permit, PriorityQueue, Promise, Queue, QueueEmpty,
    QueueFull, QueueShutDown, Result, Semaphore, SharedFuture, TimedOut, TooManyPermits,
    TooManyTasksDone, create_future,
};
pub use event_loop::{CallHandle, Deadlock, EventLoopHandle, Statistics, get_running_loop};
pub use report::Report;
pub use run::{AlreadyRunning, Runner, RunnerClosed, run};
pub use scope::{
    Gather, Gathered, NoCandidates, NotStarted, Started, TaskGroup, Winner, gather, gather_results,
    staggered_race, task_group,
};
pub use sleep::sleep;
pub use task::{
    CannotAwait, LoopClosed, Panicked, SharedTask, Task, TaskHandle, TaskOptions, all_tasks,
    create_task, create_task_with, current_task,
};
pub use timeout::{Timeout, TimeoutMisused, timeout, timeout_at};
pub use waiting::{
    AsCompleted, Awaitable, NothingToWaitFor, ReturnWhen, as_completed, shield, wait, wait_for,
};
