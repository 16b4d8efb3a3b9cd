//! What is known about a source without asking the kernel.
//!
//! Edge mode reports a change once. If nobody waits at that moment the report must be kept, and if
//! an operation finds nothing to do the record must be corrected. Both live here, in a few bits for
//! each source:
//!
//! ```text
//!            event says readable                     event says writable
//!        ┌───────────────────────────┐           ┌───────────────────────────┐
//!        │                           ▼           │                           ▼
//!   not readable                readable    not writable                writable
//!        ▲                           │           ▲                           │
//!        └───────────────────────────┘           └───────────────────────────┘
//!          clear_readable, no hint                      clear_writable
//! ```
//!
//! A source starts in both right-hand states: it is cheaper to try an operation than to ask first.
//!
//! **The hint.** A peer that sends its last bytes and closes causes *one* event, "readable". A read
//! that returns fewer bytes than it had room for usually proves that the socket is drained, which
//! saves the read that would say `WouldBlock`; but here the end of the stream is still to be read
//! and no further event will announce it. So an event that says (or, where the backend cannot tell,
//! that might say) that the end has come leaves a hint, and the hint swallows one `clear_readable`.
//! The price of a wrong hint is one more operation that says `WouldBlock`.

use std::cell::Cell;
use std::fmt;

/// The directions in which a source can make progress.
///
/// A hang-up or an error counts as both: the next operation returns at once, if only to report it.
///
/// # Examples
///
/// ```
/// use corio_reactor::Readiness;
///
/// let readiness = Readiness::READABLE | Readiness::NONE;
/// assert!(readiness.readable && !readiness.writable);
/// assert_eq!(readiness.to_string(), "readable");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Readiness {
    /// A read, or `accept`, is worth trying.
    pub readable: bool,
    /// A write is worth trying, or a `connect` has ended.
    pub writable: bool,
}

impl Readiness {
    /// Neither direction.
    pub const NONE: Self = Self::new(false, false);
    /// Only reading.
    pub const READABLE: Self = Self::new(true, false);
    /// Only writing.
    pub const WRITABLE: Self = Self::new(false, true);
    /// Both directions.
    pub const BOTH: Self = Self::new(true, true);

    /// Names the directions one by one.
    #[must_use]
    pub const fn new(readable: bool, writable: bool) -> Self {
        Self { readable, writable }
    }

    /// Whether neither direction is ready.
    #[must_use]
    pub const fn is_none(self) -> bool {
        !self.readable && !self.writable
    }
}

/// The union of both.
impl std::ops::BitOr for Readiness {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self::new(self.readable | other.readable, self.writable | other.writable)
    }
}

/// Says `readable`, `writable`, `readable and writable` or `not ready`.
impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.readable, self.writable) {
            (true, true) => "readable and writable",
            (true, false) => "readable",
            (false, true) => "writable",
            (false, false) => "not ready",
        })
    }
}

/// The record of one source.
#[derive(Debug)]
pub(crate) struct Record {
    readable: Cell<bool>,
    writable: Cell<bool>,
    /// The end of the stream may be waiting behind what can be read; see the module's text.
    end_hint: Cell<bool>,
}

impl Record {
    /// Both directions are assumed to be ready until an operation says otherwise.
    pub(crate) fn optimistic() -> Self {
        Self { readable: Cell::new(true), writable: Cell::new(true), end_hint: Cell::new(false) }
    }

    pub(crate) fn get(&self) -> Readiness {
        Readiness::new(self.readable.get(), self.writable.get())
    }

    /// Notes what an event says.
    pub(crate) fn set(&self, readiness: Readiness, end_hint: bool) {
        if readiness.readable {
            self.readable.set(true);
            self.end_hint.set(self.end_hint.get() | end_hint);
        }
        if readiness.writable {
            self.writable.set(true);
        }
    }

    /// Notes that there was nothing (more) to read. Returns whether the record changed.
    pub(crate) fn clear_readable(&self) -> bool {
        !self.end_hint.replace(false) && self.readable.replace(false)
    }

    /// Notes that there was no room to write. Returns whether the record changed.
    pub(crate) fn clear_writable(&self) -> bool {
        self.writable.replace(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_swallows_one_clear() {
        let record = Record::optimistic();
        record.set(Readiness::READABLE, true);
        assert!(!record.clear_readable());
        assert_eq!(record.get(), Readiness::BOTH);
        assert!(record.clear_readable());
        assert_eq!(record.get(), Readiness::WRITABLE);
        assert!(!record.clear_readable(), "already clear");
    }

    #[test]
    fn an_event_for_writing_leaves_the_hint_for_reading() {
        let record = Record::optimistic();
        record.set(Readiness::READABLE, true);
        record.set(Readiness::WRITABLE, false);
        assert!(!record.clear_readable());
    }

    #[test]
    fn an_event_adds_to_the_record() {
        let record = Record::optimistic();
        assert!(record.clear_readable());
        assert!(record.clear_writable());
        record.set(Readiness::WRITABLE, false);
        assert_eq!(record.get(), Readiness::WRITABLE);
        record.set(Readiness::READABLE, false);
        assert_eq!(record.get(), Readiness::BOTH);
    }
}
