//! Any task, whatever its type: the one that runs now, and all the others.

use std::fmt;
use std::ptr;
use std::rc::Rc;

use corio_futures::{Cancelled, NoRunningLoop, Result};

use super::Runnable;
use crate::context::Context;
use crate::event_loop::EventLoop;

/// The task that runs now. asyncio's `current_task`.
///
/// # Errors
///
/// [`NoRunningLoop`] off the loop, [`CannotWait`](corio_futures::CannotWait) in a callback.
pub fn current_task() -> Result<TaskHandle> {
    let task = EventLoop::current("the current task")?.current_task("the current task")?;
    Ok(TaskHandle { task })
}

/// The tasks of the running loop that have not ended, in the order in which they were made.
/// asyncio's `all_tasks`.
///
/// # Errors
///
/// [`NoRunningLoop`] off the loop.
pub fn all_tasks() -> Result<Vec<TaskHandle>, NoRunningLoop> {
    let tasks = EventLoop::current("the tasks")?.unfinished_tasks();
    Ok(tasks.into_iter().map(|task| TaskHandle { task }).collect())
}

/// Any task, whatever it returns: its name and its cancellation, not its outcome.
#[derive(Clone)]
pub struct TaskHandle {
    task: Rc<dyn Runnable>,
}

impl TaskHandle {
    pub(crate) fn new(task: Rc<dyn Runnable>) -> Self {
        Self { task }
    }

    /// The task's name: `Task-1` for the main task of a loop, and so on, unless it was named.
    pub fn name(&self) -> String {
        self.task.header().name().to_string()
    }

    /// Gives the task another name.
    pub fn set_name(&self, name: impl Into<String>) {
        self.task.header().set_name(name.into().into());
    }

    /// Asks the task to stop. See [`Task::cancel`](crate::Task::cancel).
    pub fn cancel(&self) -> bool {
        self.cancel_with(Cancelled::new())
    }

    /// As [`cancel`](Self::cancel), with a reason for the task to read.
    pub fn cancel_with(&self, cancelled: Cancelled) -> bool {
        self.task.header().cancel(&cancelled)
    }

    /// How many requests to cancel the task has had that were not withdrawn.
    pub fn cancelling(&self) -> usize {
        self.task.header().cancelling()
    }

    /// Withdraws one request to cancel; says how many are left. The last one takes a
    /// cancellation with it that was not delivered yet.
    pub fn uncancel(&self) -> usize {
        self.task.header().uncancel()
    }

    /// The context that the task runs in: not a copy, so what is set in it the task sees. asyncio's
    /// `Task.get_context`.
    pub fn context(&self) -> Context {
        Context::of(self.task.header().context())
    }

    /// Whether the task has ended.
    pub fn done(&self) -> bool {
        self.task.header().is_done()
    }
}

impl PartialEq for TaskHandle {
    fn eq(&self, other: &Self) -> bool {
        ptr::addr_eq(Rc::as_ptr(&self.task), Rc::as_ptr(&other.task))
    }
}

impl Eq for TaskHandle {}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskHandle {:?}", self.task.header())
    }
}
