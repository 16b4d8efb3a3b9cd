//! The record at the top of every stack in use.
//!
//! ```text
//! slot start                                     base (64-byte aligned)         slot end
//! | guard page |        usable, grows downwards  | header | colour: k × 64 B    |
//! ```
//!
//! The header sits exactly at the stack's base, so one pointer is both, and the header's cache line is next to
//! the ones that a switch touches anyway. It exists while its slot is warm (see `class`), from
//! [`Slab::prepare`] to [`Slab::chill`](super::slab::Slab::chill).

use std::cell::Cell;
use std::ptr::{self, NonNull};

use corosensei::stack::valgrind::ValgrindStackRegistration;

use super::class::Class;
use super::label::LabelCell;
use super::slab::Slab;

/// What is known of a stack, stored at its base.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Header {
    /// The free list that the stack goes back to. Outlives every stack that points to it.
    pub(super) class: NonNull<Class>,
    /// The mapping that the stack is a slice of. Outlives every stack in it.
    pub(super) slab: NonNull<Slab>,
    /// What the overflow report calls it.
    pub(super) label: LabelCell,
    /// A word for whoever runs on this stack; null when the stack comes out of the pool.
    pub(crate) word: Cell<*mut ()>,
    /// Tells valgrind, if the process runs under it, that this memory is a stack.
    pub(super) _valgrind: ValgrindStackRegistration,
}

impl Header {
    /// The class, which outlives the header.
    #[inline]
    pub(super) fn class(&self) -> &Class {
        // SAFETY: a class is freed only after every stack of it has come back and been chilled.
        unsafe { self.class.as_ref() }
    }

    /// The slab, which outlives the header.
    pub(super) fn slab(&self) -> &Slab {
        // SAFETY: a slab is freed only after all of its stacks have come back and been chilled.
        unsafe { self.slab.as_ref() }
    }

    /// A header for a stack that nobody uses yet.
    pub(super) fn new(
        class: NonNull<Class>,
        slab: NonNull<Slab>,
        valgrind: ValgrindStackRegistration,
    ) -> Self {
        Self {
            class,
            slab,
            label: LabelCell::default(),
            word: Cell::new(ptr::null_mut()),
            _valgrind: valgrind,
        }
    }
}
