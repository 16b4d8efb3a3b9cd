//! The name of one value, of one type, in any context.

use std::any::Any;
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::AtomicU8;

use corio_futures::Result;

use super::bindings::{self, Restore};

/// A value on its way to another thread.
pub(super) type SendValue = Box<dyn Any + Send>;

/// A value that every task has of its own and hands down to the tasks it makes. Python's
/// `ContextVar`.
///
/// Always a `static`. A task sees what its creator had set when it made the task; what it sets
/// itself, its creator does not see. Outside tasks a variable is the thread's own.
///
/// # Examples
///
/// ```
/// use corio::{ContextVar, create_task};
///
/// static USER: ContextVar<String> = ContextVar::new("user");
///
/// fn greeting() -> corio::Result<String> {
///     Ok(format!("Hello, {}!", USER.get()?))
/// }
///
/// corio::run(|| {
///     USER.set("Ada".into());
///     let inherited = create_task(greeting);
///     let own = create_task(|| USER.scope("Grace".into(), greeting));
///     assert_eq!(inherited.wait()?, "Hello, Ada!");
///     assert_eq!(own.wait()?, "Hello, Grace!");
///     assert_eq!(greeting()?, "Hello, Ada!");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct ContextVar<T: 'static> {
    name: &'static str,
    default: Option<fn() -> T>,
    /// How a value gets to another thread, if it may.
    to_send: Option<fn(&T) -> SendValue>,
    /// A variable is told by its address. A `const` would have another each time it is named; with
    /// this inside, the compiler refuses that.
    _not_const: AtomicU8,
}

impl<T: Clone + Send + 'static> ContextVar<T> {
    /// A variable that is not set. `name` is for reports.
    ///
    /// Its values can be [sent](super::Context::to_send) to other threads; for those that cannot,
    /// there is [`local`](Self::local).
    pub const fn new(name: &'static str) -> Self {
        Self { to_send: Some(boxed_clone), ..Self::local(name) }
    }
}

fn boxed_clone<T: Clone + Send + 'static>(value: &T) -> SendValue {
    Box::new(value.clone())
}

impl<T: Clone + 'static> ContextVar<T> {
    /// A variable whose values do not leave their thread, and so can be an `Rc`:
    /// [`Context::to_send`](super::Context::to_send) leaves it out.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{cell::Cell, rc::Rc};
    /// use corio::ContextVar;
    ///
    /// static VISITS: ContextVar<Rc<Cell<u32>>> = ContextVar::local("visits");
    ///
    /// let visits = Rc::new(Cell::new(0));
    /// VISITS.set(Rc::clone(&visits));
    /// corio::run(|| {
    ///     let page = || {
    ///         let visits = VISITS.get()?;
    ///         Ok(visits.set(visits.get() + 1))
    ///     };
    ///     corio::gather([page, page]).map(drop)
    /// })?;
    /// assert_eq!(visits.get(), 2);
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub const fn local(name: &'static str) -> Self {
        Self { name, default: None, to_send: None, _not_const: AtomicU8::new(0) }
    }

    /// The same variable, with a value where none is set: what `default` returns, each time.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::ContextVar;
    ///
    /// static DEPTH: ContextVar<usize> = ContextVar::new("depth").with_default(|| 0);
    ///
    /// fn deeper<R>(body: impl FnOnce() -> corio::Result<R>) -> corio::Result<R> {
    ///     DEPTH.scope(DEPTH.get()? + 1, body)
    /// }
    ///
    /// assert_eq!(deeper(|| deeper(|| Ok(DEPTH.get()?)))?, 2);
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[must_use]
    pub const fn with_default(self, default: fn() -> T) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The variable's value in the current context, or its default.
    ///
    /// # Errors
    ///
    /// [`ContextVarNotSet`] if it has neither.
    pub fn get(&'static self) -> Result<T, ContextVarNotSet> {
        // What is bound to a variable is of its type.
        if let Some(value) = bindings::get(self)
            && let Some(value) = value.downcast_ref::<T>()
        {
            return Ok(value.clone());
        }
        self.default.map(|default| default()).ok_or(ContextVarNotSet { name: self.name })
    }

    /// Sets the variable in the current context, for the rest of the task.
    ///
    /// For a part of it, there is [`scope`](Self::scope).
    pub fn set(&'static self, value: T) {
        bindings::set(self, Rc::new(value));
    }

    /// Runs `body` with the variable set to `value`; then it has the value it had before, or none.
    ///
    /// `body` may wait. In a generator, keep `yield_` out of it: the task that asks for the next
    /// value would find this one set.
    ///
    /// Python sets the variable, and resets it with a token.
    ///
    /// # Errors
    ///
    /// What `body` returns.
    pub fn scope<R>(&'static self, value: T, body: impl FnOnce() -> Result<R>) -> Result<R> {
        let _restore = Restore::after(self, Rc::new(value));
        body()
    }

    /// The variable's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> fmt::Debug for ContextVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContextVar").field(&self.name).finish()
    }
}

/// A [`ContextVar`] without a default was asked for where it is not set. Python's `LookupError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the context variable '{name}' is not set here: set it before the task that asks is made, or \
     give it a default"
)]
pub struct ContextVarNotSet {
    name: &'static str,
}

impl ContextVarNotSet {
    /// The name of the variable.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

/// A [`ContextVar`], whatever its type.
pub(super) trait Variable: Sync {
    fn name(&self) -> &'static str;

    /// A clone of a value of this variable for another thread, if it may go there.
    fn to_send(&self, value: &dyn Any) -> Option<SendValue>;
}

impl<T: 'static> Variable for ContextVar<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn to_send(&self, value: &dyn Any) -> Option<SendValue> {
        Some(self.to_send?(value.downcast_ref()?))
    }
}
