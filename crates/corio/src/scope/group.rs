//! asyncio's `TaskGroup`: children that end together.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::{Rc, Weak};

use corio_futures::contract::Wait;
use corio_futures::{Cancelled, Error, ErrorGroup, Result};

use super::nursery::Nursery;
use crate::task::{Panicked, Task, TaskOptions};

/// Runs `body` with a group in which it can create tasks, and waits until all of them have ended.
/// asyncio's `async with TaskGroup()`.
///
/// The tasks may borrow whatever outlives the call: they cannot outlive it themselves.
///
/// If a child fails, the others and `body` are cancelled, and once all have ended the failures
/// are the group's. If `body` fails, so are the children. A child that ends by cancellation is no
/// failure.
///
/// # Cancellation
///
/// Cancels the children and goes on when they have ended.
///
/// # Errors
///
/// An [`ErrorGroup`] of what failed, in the order in which it did: always a group, also of one;
/// a [`Cancelled`] of this task if nothing failed.
///
/// # Panics
///
/// If `body` or a child does, once the others have ended.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use std::time::Duration;
///
/// corio::run(|| {
///     let names = vec!["one", "two", "three"];
///     let letters = Cell::new(0);
///     corio::task_group(|group| {
///         for name in &names {
///             group.create_task(|| {
///                 corio::sleep(Duration::from_millis(1))?;
///                 letters.set(letters.get() + name.len());
///                 Ok(())
///             });
///         }
///         Ok(())
///     })?;
///     assert_eq!(letters.get(), 11);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn task_group<'env, T>(
    body: impl for<'scope> FnOnce(&'scope TaskGroup<'scope, 'env>) -> Result<T>,
) -> Result<T> {
    let wait = Wait::new("the tasks of a group");
    let nursery = Nursery::open(wait.what())?;
    let state = State::new(&nursery);
    let group = TaskGroup { state: Rc::clone(&state), scope: PhantomData, env: PhantomData };
    let outcome = catch_unwind(AssertUnwindSafe(|| body(&group)));
    match outcome {
        Ok(result) => state.leave(result, &wait),
        Err(payload) => {
            state.abort();
            state.nursery.join(&wait, |_| state.abort());
            state.release_parent();
            resume_unwind(payload)
        }
    }
}

/// Where children are created. Given by [`task_group`] to its body.
///
/// `'scope` is how long the children may live, `'env` how long what they borrow does; as in
/// [`std::thread::Scope`].
pub struct TaskGroup<'scope, 'env: 'scope> {
    state: Rc<State>,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

impl<'scope> TaskGroup<'scope, '_> {
    /// Makes a child of the group. asyncio's `TaskGroup.create_task`.
    ///
    /// Once the group has begun to cancel its children it takes no more: the body is dropped, and
    /// waiting for the task says that it was cancelled.
    ///
    /// The handle may be dropped: the group sees to the child and its failure. It may also be kept,
    /// for as long as what the child borrows: when the group has ended, so has the child, and its
    /// result is there.
    ///
    /// # Examples
    ///
    /// ```
    /// corio::run(|| {
    ///     let words = vec!["to", "be"];
    ///     let mut tasks = Vec::new();
    ///     corio::task_group(|group| {
    ///         tasks.extend(words.iter().map(|word| group.create_task(|| Ok(word.len()))));
    ///         Ok(())
    ///     })?;
    ///     assert_eq!(corio::gather(tasks)?, [2, 2]);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn create_task<'task, T, F>(&'scope self, body: F) -> Task<'task, T>
    where
        'task: 'scope,
        T: 'task,
        F: FnOnce() -> Result<T> + 'task,
    {
        self.create_task_with(TaskOptions::new(), body)
    }

    /// As [`create_task`](Self::create_task), with a name or other [options](TaskOptions).
    #[track_caller]
    pub fn create_task_with<'task, T, F>(
        &'scope self,
        options: TaskOptions,
        body: F,
    ) -> Task<'task, T>
    where
        'task: 'scope,
        T: 'task,
        F: FnOnce() -> Result<T> + 'task,
    {
        if self.state.closed() {
            return Task::refused(
                Cancelled::with_message("the task group is shutting down").into(),
            );
        }
        // SAFETY: the nursery is open in the frame of `task_group`, and `'scope`, which its caller
        // did not choose, does not end before that frame does; `'task` is as long at least.
        Task::new(unsafe { self.state.nursery.spawn(options, body) })
    }
}

impl TaskGroup<'_, '_> {
    /// Cancels all children and the body, and lets the group end without an error. asyncio has
    /// this from 3.15.
    ///
    /// The group takes no more children. Failures of the children are the group's still. May be
    /// called from a child, and more than once.
    ///
    /// A body that has returned its value, or returns it all the same, is not affected: the value
    /// is the group's. One that is interrupted where it waits has none to give, so `task_group`
    /// returns [`Cancelled`] then; catch it there if the group is cancelled on purpose.
    pub fn cancel(&self) {
        if !self.state.closed() {
            self.state.abort();
            self.state.cancel_parent();
        }
    }
}

impl fmt::Debug for TaskGroup<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("aborting", &self.state.aborting.get()).finish()
    }
}

struct State {
    nursery: Rc<Nursery>,
    errors: RefCell<Vec<Error>>,
    /// The children have been asked to stop.
    aborting: Cell<bool>,
    /// Because a child failed, the parent has been asked to stop as well.
    cancelled_parent: Cell<bool>,
    /// Everything has ended.
    finished: Cell<bool>,
}

impl State {
    fn new(nursery: &Rc<Nursery>) -> Rc<Self> {
        let state = Rc::new(Self {
            nursery: Rc::clone(nursery),
            errors: RefCell::default(),
            aborting: Cell::new(false),
            cancelled_parent: Cell::new(false),
            finished: Cell::new(false),
        });
        let weak: Weak<Self> = Rc::downgrade(&state);
        state.nursery.on_end(move |failure| {
            if let (Some(state), Some(error)) = (weak.upgrade(), failure) {
                state.child_failed(error);
            }
        });
        state
    }

    fn closed(&self) -> bool {
        self.aborting.get() || self.finished.get()
    }

    fn abort(&self) {
        self.aborting.set(true);
        self.nursery.cancel(&Cancelled::new());
    }

    fn child_failed(&self, error: Error) {
        if error.is_cancelled() {
            return;
        }
        self.errors.borrow_mut().push(error);
        if !self.aborting.get() {
            self.abort();
            self.cancel_parent();
        }
    }

    fn cancel_parent(&self) {
        self.cancelled_parent.set(true);
        self.nursery.parent().header().cancel(&Cancelled::new());
    }

    /// Undoes what the group did to its parent. Says whether the parent is free now: if so, a
    /// cancellation that it has was the group's.
    fn release_parent(&self) -> bool {
        self.cancelled_parent.get() && self.nursery.parent().header().uncancel() == 0
    }

    /// Waits for the children and says what came of it all: asyncio's `TaskGroup.__aexit__`.
    fn leave<T>(&self, result: Result<T>, wait: &Wait<'_>) -> Result<T> {
        if result.is_err() && !self.aborting.get() {
            self.abort();
        }
        let (mut cancelled, mut interrupted) = (None, None);
        self.nursery.join(wait, |error| {
            if !error.is_cancelled() {
                // A deadlock: whoever was asked to stop before did not.
                self.abort();
                interrupted = Some(error);
            } else if !self.aborting.get() {
                self.abort();
                cancelled = Some(error);
            }
        });
        self.finished.set(true);

        let mut errors = self.errors.take();
        let value = match result {
            Ok(value) => Some(value),
            Err(error) => {
                if error.is_cancelled() { &mut cancelled } else { &mut interrupted }.replace(error);
                None
            }
        };
        errors.extend(interrupted);
        if self.release_parent() {
            cancelled = None;
        }
        for error in &errors {
            Panicked::resurface(error);
        }
        let parent = self.nursery.parent().header();
        if !errors.is_empty() {
            // The parent was cancelled from outside as well: its next wait is to say so.
            if parent.cancelling() > 0 {
                parent.uncancel();
                parent.cancel(&Cancelled::new());
            }
            return Err(ErrorGroup::new("unhandled errors in a task group", errors).into());
        }
        match (cancelled, value) {
            (None, Some(value)) => Ok(value),
            (cancelled, _) => Err(cancelled.unwrap_or_else(|| Cancelled::new().into())),
        }
    }
}
