//! How a thread's pool makes its stacks.

/// How the low end of a stack is made to fault.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum GuardMethod {
    /// `MADV_GUARD_INSTALL`: a mark in the page table. Linux 6.13 and later; costs no mapping.
    Install,
    /// `mprotect`: works on every Unix, and splits the mapping, so that each stack counts as two of them.
    Protect,
}

/// How this thread's pool makes its stacks; for [`StackOptions::apply`].
///
/// The defaults are right for almost everyone. What can be changed is there for tests and for measurements.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{GuardMethod, StackOptions, statistics};
///
/// StackOptions::new().guard(GuardMethod::Protect).apply()?;
/// assert_eq!(statistics().guard, GuardMethod::Protect);
/// # Ok::<(), corio_coroutine::StacksInUse>(())
/// ```
#[derive(Clone, Debug)]
pub struct StackOptions {
    pub(super) guard: Option<GuardMethod>,
    pub(super) colour: bool,
    pub(super) keep_resident: usize,
}

impl StackOptions {
    /// The defaults: the cheapest guard that the system has, coloured bases, 64 KiB kept resident.
    #[must_use]
    pub fn new() -> Self {
        Self { guard: None, colour: true, keep_resident: 64 * 1024 }
    }

    /// Guards stacks by `method`, rather than by the cheapest that works.
    #[must_use]
    pub fn guard(mut self, method: GuardMethod) -> Self {
        self.guard = Some(method);
        self
    }

    /// Whether the bases of stacks are spread over the sets of the cache; on by default.
    ///
    /// Equal offsets in equal pages compete for the same few cache lines; see the module's words on colour.
    #[must_use]
    pub fn colour(mut self, on: bool) -> Self {
        self.colour = on;
        self
    }

    /// How many bytes a stack in use keeps resident when what a deep call left behind is given back; 64 KiB by
    /// default.
    #[must_use]
    pub fn keep_resident(mut self, bytes: usize) -> Self {
        self.keep_resident = bytes;
        self
    }
}

impl Default for StackOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The options of a pool that already has stacks cannot be changed.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{Stack, StackOptions};
///
/// let _stack = Stack::new(Stack::DEFAULT_SIZE)?;
/// assert!(StackOptions::new().apply().is_err());
/// # Ok::<(), corio_coroutine::StackError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("this thread already has stacks: apply the options before the first coroutine is made")]
#[non_exhaustive]
pub struct StacksInUse;
