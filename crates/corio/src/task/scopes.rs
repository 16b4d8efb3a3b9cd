//! The timeouts and nurseries that a task has opened and not left, and which of them a generator's
//! body has opened: those must not be open when it yields, or they would go on around other code.

use super::Header;

impl Header {
    /// Counts a timeout or a nursery that may cancel the task until it is left.
    pub(crate) fn enter_scope(&self) {
        self.open_scopes.set(self.open_scopes.get() + 1);
    }

    pub(crate) fn leave_scope(&self) {
        self.open_scopes.set(self.open_scopes.get() - 1);
    }

    /// The scopes that are open now are not those of the generator that is about to run. Returns
    /// what to [leave](Self::leave_generator) with.
    #[inline]
    pub(crate) fn enter_generator(&self) -> u32 {
        self.scopes_outside.replace(self.open_scopes.get())
    }

    #[inline]
    pub(crate) fn leave_generator(&self, outside: u32) {
        self.scopes_outside.set(outside);
    }

    /// Whether the generator that the task runs now has opened a scope and not left it.
    #[inline]
    pub(crate) fn has_scopes_of_generator(&self) -> bool {
        self.open_scopes.get() > self.scopes_outside.get()
    }
}
