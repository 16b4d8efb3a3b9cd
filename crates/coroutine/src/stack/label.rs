//! What a stack is called when it overflows.

use std::cell::UnsafeCell;
use std::fmt;
use std::mem;
use std::panic::Location;
use std::rc::Rc;

/// What the overflow report calls a stack.
///
/// # Examples
///
/// ```
/// use corio_coroutine::StackLabel;
///
/// assert_eq!(StackLabel::Numbered("Task-", 7).to_string(), "'Task-7'");
/// assert_eq!(StackLabel::Named("parser".into()).to_string(), "'parser'");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum StackLabel {
    /// Nothing is known.
    #[default]
    Unnamed,
    /// Where the coroutine was made; what constructors set by themselves.
    Created(&'static Location<'static>),
    /// A prefix and a number, put together only if they are ever printed.
    Numbered(&'static str, u64),
    /// A name.
    Named(Rc<str>),
}

impl fmt::Display for StackLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unnamed => f.write_str("without a name"),
            Self::Created(location) => write!(f, "created at {location}"),
            Self::Numbered(prefix, number) => write!(f, "'{prefix}{number}'"),
            Self::Named(name) => write!(f, "'{name}'"),
        }
    }
}

/// A label that is overwritten in place.
#[derive(Debug, Default)]
pub(super) struct LabelCell(UnsafeCell<StackLabel>);

impl LabelCell {
    /// Stores `label`; what was there is dropped, which costs something only if it was a [`StackLabel::Named`].
    #[inline]
    pub(super) fn set(&self, label: StackLabel) {
        if self.peek(|old| matches!(old, StackLabel::Named(_))) {
            self.forget_name();
        }
        // SAFETY: not `Sync`, so no other thread looks, and no reference to the inside outlives a method of
        // this type. Nothing is lost: labels that own something have just been dropped.
        unsafe { self.0.get().write(label) };
    }

    /// Stores `label` over one that owns nothing, as that of every pooled stack is.
    #[inline]
    pub(super) fn set_fresh(&self, label: StackLabel) {
        debug_assert!(
            self.peek(|old| !matches!(old, StackLabel::Named(_))),
            "a stack comes out of the pool without a name"
        );
        // SAFETY: as in `set`; nothing is lost, as the old label owns nothing.
        unsafe { self.0.get().write(label) };
    }

    /// Drops a name, if it is one; other labels stay.
    #[inline]
    pub(super) fn release(&self) {
        if self.peek(|old| matches!(old, StackLabel::Named(_))) {
            self.forget_name();
        }
    }

    /// Drops a name; apart, so that the ordinary case stays small.
    #[cold]
    fn forget_name(&self) {
        // SAFETY: as in `set`. The one destructor there is, that of `Rc<str>`, runs no foreign code that could
        // come back.
        drop(mem::take(unsafe { &mut *self.0.get() }));
    }

    /// A copy of the label.
    pub(super) fn get(&self) -> StackLabel {
        // SAFETY: as in `set`; cloning an `Rc<str>` runs no foreign code either.
        let label = unsafe { &*self.0.get() };
        label.clone()
    }

    /// Shows the label to `visit`, without counting a reference: for the signal handler.
    #[inline]
    pub(super) fn peek<R>(&self, visit: impl FnOnce(&StackLabel) -> R) -> R {
        // SAFETY: as in `set`; the handler that calls this returns before the interrupted code goes on, and writes
        // no label itself.
        visit(unsafe { &*self.0.get() })
    }
}
