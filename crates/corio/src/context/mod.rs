//! Context variables: values that follow a task's work without being passed along. Python's
//! `contextvars`.
//!
//! * this file: [`Context`], a set of values that code can be run in;
//! * [`variable`]: [`ContextVar`], the name of one value, of one type;
//! * [`bindings`]: what a context is made of, and where the current one is.
//!
//! Every task runs in a copy of its creator's context, so what it sets is seen by itself and by the
//! tasks that it makes afterwards. Callbacks of the loop run in a copy of the context in which
//! they were registered.
//!
//! The context hangs on the task, in a single pointer. There is nothing to swap when tasks take
//! turns; a copy is a count that goes up, and the first change after it copies the table, which
//! is small; and a task whose creator never set anything has a null pointer there.
//!
//! Deliberately absent: Python's `Token` and `reset`. A token can be used twice, too late, or in
//! another context; [`ContextVar::scope`] cannot. A guard would be no better: it could be dropped
//! by another task.

mod bindings;
mod variable;

use std::any::Any;
use std::fmt;
use std::rc::Rc;

pub use variable::{ContextVar, ContextVarNotSet};

pub(crate) use bindings::{Inherited, Isolated, Slot};

use bindings::Entered;
use variable::{SendValue, Variable};

/// A copy of the current context. Python's `copy_context`.
///
/// # Examples
///
/// What is set inside stays inside:
///
/// ```
/// use corio::ContextVar;
///
/// static LANGUAGE: ContextVar<&str> = ContextVar::new("language");
///
/// LANGUAGE.set("en");
/// let context = corio::copy_context();
/// context.run(|| LANGUAGE.set("de"));
/// assert_eq!(LANGUAGE.get()?, "en");
/// assert_eq!(context.run(|| LANGUAGE.get())?, "de");
/// # Ok::<(), corio::Error>(())
/// ```
#[must_use = "the copy is made to run something in it"]
pub fn copy_context() -> Context {
    Context { slot: Rc::new(Inherited::here().into_slot()) }
}

/// Values of [`ContextVar`]s that code can be run in. Python's `Context`.
///
/// Made by [`copy_context`]. A clone is the same context, not a copy of it: what is set in one is
/// seen in the other.
#[derive(Clone)]
pub struct Context {
    slot: Rc<Slot>,
}

impl Context {
    /// A context in which nothing is set.
    pub fn new() -> Self {
        Self { slot: Rc::new(Slot::empty()) }
    }

    /// Another context, with the same values to begin with.
    #[must_use = "the copy is made to run something in it"]
    pub fn copy(&self) -> Self {
        Self { slot: Rc::new(self.slot.inherit().into_slot()) }
    }

    /// Runs `body` in this context: what it sets stays here.
    ///
    /// `body` may wait, and be all that a task does: `create_task(move || context.run(body))` is
    /// asyncio's `create_task(body(), context=context)`. In a generator, keep `yield_` out of it: the task that asks for the next
    /// value would stay in this context.
    pub fn run<R>(&self, body: impl FnOnce() -> R) -> R {
        let _entered = Entered::new(self.clone());
        body()
    }

    /// A copy for another thread, with the values that can be sent there: all but those of
    /// variables made by [`ContextVar::local`].
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::ContextVar;
    ///
    /// static REQUEST: ContextVar<u64> = ContextVar::new("request");
    ///
    /// REQUEST.set(7);
    /// let context = corio::copy_context().to_send();
    /// let seen = std::thread::spawn(|| context.run(|| REQUEST.get())).join();
    /// assert_eq!(seen.expect("no panic")?, 7);
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[must_use = "the copy is made to be sent to another thread"]
    pub fn to_send(&self) -> SendContext {
        let sent = self.slot.bindings().into_iter().filter_map(|binding| {
            let value = binding.variable.to_send(&*binding.value)?;
            Some((binding.variable, value))
        });
        SendContext { values: sent.collect() }
    }

    pub(crate) fn of(slot: &Slot) -> Self {
        slot.share()
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.slot.bindings().into_iter().map(|binding| binding.variable.name());
        f.debug_tuple("Context").field(&names.collect::<Vec<_>>()).finish()
    }
}

/// A [`Context`] on its way to another thread. Made by [`Context::to_send`].
#[must_use = "the context was made to run something in it"]
pub struct SendContext {
    values: Vec<(&'static dyn Variable, SendValue)>,
}

impl SendContext {
    /// Runs `body` in the context.
    pub fn run<R>(self, body: impl FnOnce() -> R) -> R {
        Context::from(self).run(body)
    }
}

impl From<SendContext> for Context {
    fn from(sent: SendContext) -> Self {
        let context = Self::new();
        for (variable, value) in sent.values {
            let replaced = context.slot.replace(variable, Some(Rc::from(value as Box<dyn Any>)));
            debug_assert!(replaced.is_none(), "a variable has one value");
        }
        context
    }
}

impl fmt::Debug for SendContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.values.iter().map(|(variable, _)| variable.name()).collect();
        f.debug_tuple("SendContext").field(&names).finish()
    }
}
