//! Numbers about a thread's stacks.

use super::options::GuardMethod;

/// What a thread's stacks amount to; from [`statistics()`](super::statistics()).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StackStatistics {
    /// Stacks in use.
    pub live: usize,
    /// Stacks that wait to be used again, with the memory that they touched.
    pub pooled: usize,
    /// Mappings that the stacks are slices of.
    pub slabs: usize,
    /// Address space of those mappings, guards included. Memory is used for touched pages only: see
    /// [`resident_bytes`](super::resident_bytes).
    pub mapped_bytes: usize,
    /// How stacks are guarded.
    pub guard: GuardMethod,
}
