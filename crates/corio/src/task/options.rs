//! How a task is made.

use corio_coroutine::Stack;

/// Options for a new task: its name and the size of its stack.
///
/// # Examples
///
/// ```
/// use corio::TaskOptions;
///
/// corio::run(|| {
///     let options = TaskOptions::new().name("digger").stack_size(1024 * 1024);
///     let task = corio::create_task_with(options, || Ok(corio::current_task()?.name()));
///     assert_eq!(task.wait()?, "digger");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a task is made with them"]
pub struct TaskOptions {
    pub(crate) name: Option<String>,
    pub(crate) stack_size: usize,
}

impl TaskOptions {
    /// A name of the form `Task-7` and a stack of 256 KiB.
    pub const fn new() -> Self {
        Self { name: None, stack_size: Stack::DEFAULT_SIZE }
    }

    /// The task's name, for reports.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The size of the task's stack in bytes, from 16 KiB up. Only what is touched costs memory.
    pub const fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes;
        self
    }
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self::new()
    }
}
