//! How a task is made.

use corio_coroutine::Stack;

/// Options for a new task: its name, the size of its stack, when it begins.
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
    /// The loop's default, unless given.
    pub(crate) eager: Option<bool>,
}

impl TaskOptions {
    /// A name of the form `Task-7`, a stack of 256 KiB, and the loop's default for when it begins.
    pub const fn new() -> Self {
        Self { name: None, stack_size: Stack::DEFAULT_SIZE, eager: None }
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

    /// Whether the task begins at once, inside the call that makes it, and runs until it waits.
    /// asyncio's `eager_start`.
    ///
    /// One that ends without waiting never stands in the loop's queue: it is done when it is
    /// returned. Its creator goes on afterwards, in the same step. [`Runner::eager_tasks`] sets
    /// the default.
    ///
    /// [`Runner::eager_tasks`]: crate::Runner::eager_tasks
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::TaskOptions;
    ///
    /// corio::run(|| {
    ///     let cached = corio::create_task_with(TaskOptions::new().eager(true), || Ok(42));
    ///     assert!(cached.done());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub const fn eager(mut self, eager: bool) -> Self {
        self.eager = Some(eager);
        self
    }
}

impl Default for TaskOptions {
    fn default() -> Self {
        Self::new()
    }
}
