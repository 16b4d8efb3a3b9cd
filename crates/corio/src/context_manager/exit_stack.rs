//! Context managers whose number is known only at run time.

use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use corio_futures::Result;

use super::ContextManager;
use super::outcome::{BodyPanicked, Outcome, Suppressed};
use crate::report;

/// Runs `body` with a stack on which it puts what is to be tidied up after it. Python's
/// `async with AsyncExitStack()`.
///
/// # Errors
///
/// As [`with`](crate::with()).
///
/// # Panics
///
/// If `body` or an exit does, when all have run.
///
/// # Examples
///
/// ```
/// use corio::{GeneratorContextManager, contextmanager, exit_stack};
///
/// fn open(name: &'static str) -> GeneratorContextManager<&'static str> {
///     contextmanager(move |co| co.yield_(name))
/// }
///
/// let mut closed = 0;
/// let opened = exit_stack(|stack| {
///     let mut opened = Vec::new();
///     for name in ["a", "b", "c"] {
///         opened.push(stack.enter(open(name))?);
///     }
///     stack.callback(|| Ok(closed += 1));
///     Ok(opened)
/// })?;
/// assert_eq!((opened, closed), (vec!["a", "b", "c"], 1));
/// # Ok::<(), corio::Error>(())
/// ```
pub fn exit_stack<'env, T>(body: impl FnOnce(&mut ExitStack<'env>) -> Result<T>) -> Result<T> {
    let mut stack = ExitStack::new();
    let (value, outcome) = Outcome::of(|| body(&mut stack));
    Ok(stack.leave(outcome, value)??)
}

/// A stack of what is to be tidied up: managers that were entered, functions that are to be called.
/// Python's `AsyncExitStack`.
///
/// Left from the top down, as nested [`with`](crate::with())s would be. [`exit_stack`] gives one to
/// a body and leaves it with the body's outcome; one of its own is left by [`close`](Self::close).
///
/// A stack that is dropped is closed. What fails then is reported (a cancellation is kept for the next
/// wait), and if a panic or a callback is why it is dropped, its exits cannot wait.
#[derive(Default)]
#[must_use = "what is on the stack is called when it is dropped"]
pub struct ExitStack<'env> {
    exits: Vec<Exit<'env>>,
}

type Exit<'env> = Box<dyn FnOnce(Result<()>) -> Result<()> + 'env>;

impl<'env> ExitStack<'env> {
    /// An empty stack.
    pub const fn new() -> Self {
        Self { exits: Vec::new() }
    }

    /// Enters `manager` and puts it on the stack. Returns its value.
    ///
    /// # Errors
    ///
    /// What entering fails with. Nothing is put on the stack then.
    pub fn enter<M: ContextManager + 'env>(&mut self, mut manager: M) -> Result<M::Value> {
        let value = manager.enter()?;
        self.push(|outcome| manager.exit(outcome));
        Ok(value)
    }

    /// Puts a function on the stack that is called as the `exit` of a manager would be: it is given
    /// the outcome and returns it, or another.
    pub fn push(&mut self, exit: impl FnOnce(Result<()>) -> Result<()> + 'env) {
        self.exits.push(Box::new(exit));
    }

    /// Puts a function on the stack that is called whatever the outcome is, and leaves it as it is
    /// unless it fails itself.
    pub fn callback(&mut self, callback: impl FnOnce() -> Result<()> + 'env) {
        self.push(|outcome| {
            callback()?;
            outcome
        });
    }

    /// Takes everything off this stack, for another to see to.
    pub fn pop_all(&mut self) -> Self {
        mem::take(self)
    }

    /// Whether nothing is on the stack.
    pub fn is_empty(&self) -> bool {
        self.exits.is_empty()
    }

    /// Leaves all that is on the stack, as if a body had ended well.
    ///
    /// # Errors
    ///
    /// What the exits fail with.
    ///
    /// # Panics
    ///
    /// If an exit does, when all have run.
    pub fn close(&mut self) -> Result<()> {
        self.leave(Outcome::success(), Some(()))?.or(Ok(()))
    }

    fn leave<T>(
        &mut self,
        mut outcome: Outcome,
        value: Option<T>,
    ) -> Result<Result<T, Suppressed>> {
        while let Some(exit) = self.exits.pop() {
            outcome.leave(exit);
        }
        outcome.finish(value)
    }
}

impl Drop for ExitStack<'_> {
    fn drop(&mut self) {
        let closed = if thread::panicking() {
            let panicked = Outcome::from(Err(BodyPanicked::unseen().into()));
            // A second panic would end the process.
            let left = catch_unwind(AssertUnwindSafe(|| self.leave(panicked, Some(()))));
            left.map_or(Ok(()), |left| left.map(drop))
        } else {
            self.close()
        };
        if let Err(error) = closed
            && error.downcast_ref::<BodyPanicked>().is_none()
        {
            report::from_destructor(
                "an exit stack was dropped, and failed as it was closed",
                &error,
            );
        }
    }
}

impl fmt::Debug for ExitStack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExitStack").field("exits", &self.exits.len()).finish()
    }
}
