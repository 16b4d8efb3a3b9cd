//! What a context is made of, and where the current one is.
//!
//! A [`Slot`] holds a table of values, or the inside of a [`Context`](super::Context), which is a
//! slot that several others lead to. A table never changes while several have it: who changes a
//! value copies it first. So a task's copy of its creator's context is one count that goes up.
//!
//! Values are compared, cloned and dropped by code of others, which may look at context variables
//! itself. So no slot is taken apart while a value is touched.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::mem;
use std::ptr;
use std::rc::Rc;

use super::Context;
use super::variable::Variable;
use crate::event_loop::current_header;
use crate::task::Runnable;

/// A variable and its value.
#[derive(Clone)]
pub(super) struct Binding {
    pub(super) variable: &'static dyn Variable,
    pub(super) value: Rc<dyn Any>,
}

impl Binding {
    fn is_of(&self, variable: &'static dyn Variable) -> bool {
        ptr::addr_eq(self.variable, variable)
    }
}

/// What a slot leads to.
enum Table {
    /// A few values, looked through from the first to the last.
    Values(Vec<Binding>),
    /// Where others look as well, and see what is set.
    Shared(Context),
}

impl Table {
    fn values(&self) -> &[Binding] {
        match self {
            Self::Values(values) => values,
            Self::Shared(_) => &[],
        }
    }
}

/// Where a task keeps its context; the thread has one as well, for code outside tasks.
pub(crate) struct Slot(Cell<Option<Rc<Table>>>);

impl Slot {
    pub(super) const fn empty() -> Self {
        Self(Cell::new(None))
    }

    /// Runs `look`, which runs no code of others, on what is here.
    #[inline]
    fn peek<R>(&self, look: impl FnOnce(Option<&Rc<Table>>) -> R) -> R {
        let table = self.0.take();
        let result = look(table.as_ref());
        self.0.set(table);
        result
    }

    /// Whether nothing is bound here, as far as can be seen at a glance.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.peek(|table| table.is_none())
    }

    /// Puts something else here. The caller gets what was here, to drop it afterwards.
    fn swap(&self, table: Option<Rc<Table>>) -> Option<Rc<Table>> {
        self.0.replace(table)
    }

    /// A copy for a new task or a callback.
    #[inline]
    pub(crate) fn inherit(&self) -> Inherited {
        match self.0.take() {
            None => Inherited::nothing(),
            Some(table) => self.inherit_from(table),
        }
    }

    #[cold]
    #[inline(never)]
    fn inherit_from(&self, table: Rc<Table>) -> Inherited {
        let inherited = match &*table {
            Table::Values(_) => Inherited(Some(Rc::clone(&table))),
            Table::Shared(context) => context.slot.inherit(),
        };
        self.0.set(Some(table));
        inherited
    }

    /// The context that is here, or is made of what is here.
    pub(super) fn share(&self) -> Context {
        let shared = self.peek(|table| match &**table? {
            Table::Shared(context) => Some(context.clone()),
            Table::Values(_) => None,
        });
        shared.unwrap_or_else(|| {
            let context = Context { slot: Rc::new(self.inherit().into_slot()) };
            let private = self.swap(Some(Rc::new(Table::Shared(context.clone()))));
            drop(private);
            context
        })
    }

    pub(super) fn bindings(&self) -> Vec<Binding> {
        self.inherit().0.map_or_else(Vec::new, |table| table.values().to_vec())
    }

    fn get(&self, variable: &'static dyn Variable) -> Option<Rc<dyn Any>> {
        self.peek(|table| match &**table? {
            Table::Shared(context) => context.slot.get(variable),
            Table::Values(values) => {
                let binding = values.iter().find(|binding| binding.is_of(variable))?;
                Some(Rc::clone(&binding.value))
            }
        })
    }

    /// Binds `variable` to `value`, or unbinds it. The caller gets what was there, to drop it
    /// afterwards.
    pub(super) fn replace(
        &self,
        variable: &'static dyn Variable,
        value: Option<Rc<dyn Any>>,
    ) -> Option<Rc<dyn Any>> {
        let mut table = self.0.take().unwrap_or_else(|| Rc::new(Table::Values(Vec::new())));
        if let Table::Shared(context) = &*table {
            let replaced = context.slot.replace(variable, value);
            self.0.set(Some(table));
            return replaced;
        }
        let mut copied = None;
        let values = match Rc::get_mut(&mut table) {
            Some(Table::Values(values)) => values,
            _ => copied.insert(table.values().to_vec()),
        };
        let at = values.iter().position(|binding| binding.is_of(variable));
        let replaced = match (at, value) {
            (Some(at), Some(value)) => Some(mem::replace(&mut values[at].value, value)),
            (Some(at), None) => Some(values.remove(at).value),
            (None, Some(value)) => {
                values.push(Binding { variable, value });
                None
            }
            (None, None) => None,
        };
        if let Some(values) = copied {
            // Others have the old table, so this drops no value.
            table = Rc::new(Table::Values(values));
        }
        self.0.set(Some(table));
        replaced
    }
}

thread_local! {
    /// The context of code outside tasks: before a loop runs, and in its callbacks.
    static OUTSIDE: Slot = const { Slot::empty() };
}

/// Which slot the current context is in.
enum Place {
    Task(Rc<dyn Runnable>),
    Outside,
}

impl Place {
    fn here() -> Self {
        match current_header() {
            Some(task) => Self::Task(task.event_loop.task(task.key)),
            None => Self::Outside,
        }
    }

    /// `None` if the thread is ending and has no context any more.
    fn look<R>(&self, look: impl FnOnce(&Slot) -> R) -> Option<R> {
        match self {
            Self::Task(task) => Some(look(task.header().context())),
            Self::Outside => OUTSIDE.try_with(look).ok(),
        }
    }
}

/// Looks at the slot of the current context; `None` as in [`Place::look`].
#[inline]
fn look_here<R>(look: impl FnOnce(&Slot) -> R) -> Option<R> {
    match current_header() {
        Some(task) => Some(look(task.context())),
        None => OUTSIDE.try_with(look).ok(),
    }
}

/// The value of `variable` in the current context.
pub(super) fn get(variable: &'static dyn Variable) -> Option<Rc<dyn Any>> {
    look_here(|slot| slot.get(variable)).flatten()
}

/// Sets `variable` in the current context.
pub(super) fn set(variable: &'static dyn Variable, value: Rc<dyn Any>) {
    let replaced = look_here(|slot| slot.replace(variable, Some(value)));
    drop(replaced);
}

/// Gives a variable the value that it had, in the context where it was changed, when dropped.
pub(super) struct Restore {
    place: Place,
    variable: &'static dyn Variable,
    previous: Option<Rc<dyn Any>>,
}

impl Restore {
    /// Sets `variable` in the current context until dropped.
    pub(super) fn after(variable: &'static dyn Variable, value: Rc<dyn Any>) -> Self {
        let place = Place::here();
        let previous = place.look(|slot| slot.replace(variable, Some(value))).flatten();
        Self { place, variable, previous }
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        let previous = self.previous.take();
        let replaced = self.place.look(|slot| slot.replace(self.variable, previous));
        drop(replaced);
    }
}

/// Another context stands in for the current one until this is dropped.
pub(super) struct Entered {
    place: Place,
    previous: Option<Rc<Table>>,
}

impl Entered {
    pub(super) fn new(context: Context) -> Self {
        let place = Place::here();
        let table = Rc::new(Table::Shared(context));
        let previous = place.look(|slot| slot.swap(Some(table))).flatten();
        Self { place, previous }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let previous = self.previous.take();
        let left = self.place.look(|slot| slot.swap(previous));
        drop(left);
    }
}

/// Keeps what is set outside tasks apart from what was set there before, until dropped.
pub(crate) struct Isolated {
    before: Option<Rc<Table>>,
}

impl Isolated {
    pub(crate) fn new() -> Self {
        Self { before: OUTSIDE.try_with(|slot| slot.swap(None)).ok().flatten() }
    }
}

impl Drop for Isolated {
    fn drop(&mut self) {
        let before = self.before.take();
        let left = OUTSIDE.try_with(|slot| slot.swap(before));
        drop(left);
    }
}

/// A copy of a context, for a task or a callback.
pub(crate) struct Inherited(Option<Rc<Table>>);

impl Inherited {
    /// A copy of the current context.
    #[inline]
    pub(crate) fn here() -> Self {
        match current_header() {
            Some(task) => task.context().inherit(),
            None => Self::outside(),
        }
    }

    #[cold]
    #[inline(never)]
    fn outside() -> Self {
        OUTSIDE.try_with(Slot::inherit).unwrap_or(Self::nothing())
    }

    pub(crate) const fn nothing() -> Self {
        Self(None)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    #[inline]
    pub(crate) fn into_slot(self) -> Slot {
        Slot(Cell::new(self.0))
    }

    /// Makes this the context of a task.
    pub(crate) fn enter_task(self, slot: &Slot) {
        let left = slot.swap(self.0);
        drop(left);
    }

    /// Makes this the current context for the rest of a callback. The loop undoes it.
    pub(crate) fn enter(self) {
        let left = OUTSIDE.try_with(|slot| slot.swap(self.0));
        drop(left);
    }
}

impl fmt::Debug for Inherited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inherited").field("empty", &self.is_empty()).finish()
    }
}
