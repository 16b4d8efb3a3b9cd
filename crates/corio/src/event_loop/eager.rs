//! A first step that does not wait for its turn.
//!
//! The new task is resumed from the stack of whoever makes it, until it waits or ends; its later
//! steps are the loop's. Nothing else is different: a coroutine may be resumed from another place
//! each time, its stack is a boundary, so what runs on it can suspend the new task but not its
//! creator, and both are `Running` meanwhile, of which only the new one is current.
//!
//! The step is part of the creator's, and shares its budget. It counts neither as one of the
//! loop's nor towards its next look at the operating system: a task that does nothing but make
//! eager ones is a long step, as if it had called what they do.

use super::EventLoop;
use super::current::with_current;
use crate::task::Header;

impl EventLoop {
    /// Whether tasks begin eagerly, if their makers do not say.
    pub(crate) fn eager_tasks(&self) -> bool {
        self.eager_tasks.get()
    }

    pub(crate) fn set_eager_tasks(&self, eager: bool) {
        self.eager_tasks.set(eager);
    }

    /// Runs the first step of a task that is in the table and not in the queue.
    ///
    /// Puts it into the queue instead where no task can run: off this loop, and while a panic
    /// unwinds, for then it could not wait.
    pub(crate) fn step_eagerly(&self, task: &Header) {
        if !self.runs_here() || std::thread::panicking() {
            return self.push_ready(task);
        }
        let key = task.key;
        task.begins_eagerly.set(true);
        let ended = !self.begin(task) || with_current(task, || task.step());
        task.begins_eagerly.set(false);
        if !ended && task.is_disturbed() {
            task.deliver_pending();
        }
        let in_queue = || task.is_child && self.task(key).any_completion().failure().is_some();
        if ended && !in_queue() {
            self.remove(key).report_end();
        }
    }
}
