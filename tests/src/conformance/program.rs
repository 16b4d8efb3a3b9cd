//! The language of the programs.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use corio::ReturnWhen;

use super::trace::{Trace, Value};

/// A program, and the trace that it leaves on asyncio.
#[derive(Debug)]
pub struct Case {
    /// Names it in reports.
    pub name: String,
    /// What is to run.
    pub program: Rc<Program>,
    /// What it must leave behind.
    pub trace: Trace,
}

/// Objects that all tasks share, and the tasks.
#[derive(Debug)]
pub struct Program {
    /// The kind of each object, and the number that it is made with.
    pub objects: BTreeMap<String, (String, usize)>,
    /// The body of each task.
    pub tasks: BTreeMap<String, Block>,
}

/// Statements, one after the other.
pub type Block = Vec<Statement>;

/// The main task, which no statement can name.
pub const MAIN: &str = "main";

/// One step of a program.
#[derive(Debug)]
#[expect(missing_docs, reason = "they are asyncio's names")]
pub enum Statement {
    Log(String),
    Return(Value),
    Raise(String),
    /// In a handler: raise what it caught.
    Reraise,
    Spawn(String),
    /// As `Spawn`, in the innermost group.
    GroupSpawn(String),
    AsCompleted {
        tasks: Vec<String>,
        limit: Option<Duration>,
    },
    Timeout(Duration, Block),
    Group(Block),
    Try(Box<Try>),
    With(String, Block),
    /// Whatever is logged as operation, label and outcome.
    Call {
        operation: String,
        label: String,
        call: Call,
    },
}

/// `try`, with its handlers.
#[derive(Debug)]
#[expect(missing_docs, reason = "they are Python's names")]
pub struct Try {
    pub body: Block,
    /// `except CancelledError`
    pub cancelled: Option<Block>,
    /// `except Exception`
    pub error: Option<Block>,
    pub finally: Block,
}

/// What has an outcome.
#[derive(Debug)]
#[expect(missing_docs, reason = "they are asyncio's names")]
pub enum Call {
    Sleep(Duration),
    Uncancel,
    Cancelling,
    Task(String, TaskCall),
    Gather { tasks: Vec<String>, return_exceptions: bool },
    Wait { tasks: Vec<String>, until: ReturnWhen, limit: Option<Duration> },
    Object(String, ObjectCall),
}

/// What is done to a task.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "they are asyncio's names")]
pub enum TaskCall {
    Await,
    Shield,
    Cancel,
    Done,
    Cancelled,
    WaitFor(Duration),
}

/// What is done to an object.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are asyncio's names")]
pub enum ObjectCall {
    Locked,
    Release,
    WaitCondition,
    Notify(usize),
    Set,
    Clear,
    WaitEvent,
    WaitBarrier,
    AbortBarrier,
    ResetBarrier,
    SetResult(Value),
    SetError(String),
    CancelFuture,
    AwaitFuture,
    Put(Value),
    Get,
    PutNowait(Value),
    GetNowait,
    Qsize,
    TaskDone,
    Join,
    Shutdown { immediate: bool },
}
