#![doc = include_str!("../README.md")]

mod call_graph;
mod context;
mod context_manager;
mod coroutine;
mod event_loop;
mod generator;
mod report;
mod run;
mod scope;
mod sleep;
mod std_future;
mod task;
mod threads;
mod timeout;
mod waiting;

pub mod fs;
pub mod iter;
pub mod net;
#[cfg(unix)]
pub mod process;
#[cfg(unix)]
pub mod signal;
#[cfg(not(unix))]
#[path = "signal/elsewhere.rs"]
mod signal;
pub mod stdio;
pub mod streams;
#[cfg(feature = "tls-no-provider")]
pub mod tls;

pub use call_graph::{CallGraph, capture_call_graph};
pub use context::{Context, ContextVar, ContextVarNotSet, SendContext, copy_context};
pub use context_manager::{
    BodyPanicked, Close, Closing, ContextManager, ContextManagerMisused, ExitFailed, ExitStack,
    GeneratorContextManager, Managers, NullContext, Suppressed, closing, contextmanager, decorate,
    exit_stack, nullcontext, with, with_suppressing,
};
pub use corio_coroutine::{CoroutineState, GeneratorError};
pub use corio_futures::completion::Waitable;
pub use corio_futures::queue;
pub use corio_futures::{
    Barrier, BoundedSemaphore, BrokenBarrier, BrokenPromise, CallbackKey, Cancelled, CannotWait,
    Condition, ConditionGuard, Error, ErrorGroup, Event, Future, InvalidState, LifoQueue, Lock,
    LockGuard, NoParties, NoRunningLoop, Permit, PriorityQueue, Promise, Queue, QueueEmpty,
    QueueFull, QueueShutDown, Result, Semaphore, SharedFuture, TimedOut, TooManyPermits,
    TooManyTasksDone, create_future,
};
pub use coroutine::{Coroutine, coroutine};
pub use event_loop::{
    CallHandle, Deadlock, EventLoopHandle, SlowStep, Statistics, get_running_loop,
};
pub use generator::{Co, Generator, GeneratorExit, ScopeLeftOpen, generator};
#[cfg(unix)]
pub use process::{create_subprocess_exec, create_subprocess_shell};
pub use report::Report;
pub use run::{AlreadyRunning, KeyboardInterrupt, Runner, RunnerClosed, run};
pub use scope::{
    Gather, Gathered, NoCandidates, NotStarted, Started, TaskGroup, Winner, gather, gather_results,
    staggered_race, task_group,
};
pub use sleep::sleep;
pub use std_future::AwaitableFuture;
pub use streams::{
    IncompleteRead, LimitOverrun, Server, StreamReader, StreamWriter, open_connection, start_server,
};
#[cfg(unix)]
pub use streams::{connect_read_pipe, connect_write_pipe, open_unix_connection, start_unix_server};
pub use task::{
    CannotAwait, LoopClosed, Panicked, SharedTask, Task, TaskHandle, TaskOptions, all_tasks,
    create_task, create_task_with, current_task,
};
pub use threads::{
    Executor, ExecutorShutDown, Job, JobDropped, LoopHandle, RemoteTask, ThreadsafeCallHandle,
    ThreadsafeFunction, Work, to_thread,
};
pub use timeout::{Timeout, TimeoutMisused, timeout, timeout_at};
pub use waiting::{
    AsCompleted, Awaitable, NothingToWaitFor, ReturnWhen, Shieldable, as_completed, shield, wait,
    wait_for,
};
