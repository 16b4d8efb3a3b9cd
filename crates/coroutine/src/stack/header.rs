//! The record at the top of every stack in use.
//!
//! ```text
//! slot start                                     base (64-byte aligned)         slot end
//! | guard page |        usable, grows downwards  | header | colour: k × 64 B    |
//! ```
//!
//! The header sits exactly at the stack's base, so one pointer is both, and the header's first cache line, which has all
//! that is looked at while the stack is in use, is next to the ones that a switch touches anyway. It exists while its slot is warm (see `class`), from
//! [`Slab::prepare`] to [`Slab::forget`](super::slab::Slab::forget).

use std::cell::Cell;
use std::ptr::{self, NonNull};

use corosensei::stack::valgrind::ValgrindStackRegistration;

use super::class::Class;
use super::label::{LabelCell, StackLabel};
use super::nesting;
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
    /// A word for whoever runs on this stack; when the stack comes out of the pool, whatever was left there.
    pub(crate) word: Cell<*mut ()>,
    /// Whether code nested in this stack is kept from yielding out of it.
    pub(super) boundary: Cell<bool>,
    /// Tells valgrind, if the process runs under it, that this memory is a stack.
    pub(super) _valgrind: ValgrindStackRegistration,
}

/// A header's alignment, which is more than there is between a base and the link below it.
pub(super) const ALIGN: usize = align_of::<Header>();

impl Header {
    /// The header of the stack that has its link at the address `link`.
    ///
    /// # Safety
    ///
    /// It must be the link of a body that has begun to run and has not ended.
    #[inline(always)]
    pub(crate) unsafe fn above(link: usize) -> NonNull<Self> {
        let base = (link | (ALIGN - 1)) + 1;
        // SAFETY: an address that follows another is not zero.
        unsafe { NonNull::new_unchecked(ptr::with_exposed_provenance_mut(base)) }
    }

    /// The stack pointer of who resumed the coroutine that runs on this stack, unless the stack is a boundary.
    ///
    /// # Safety
    ///
    /// The header must be live, and derived from its mapping, and its coroutine must run.
    pub(super) unsafe fn resumer(this: NonNull<Self>) -> Option<usize> {
        // SAFETY: the caller passes a live header.
        let header = unsafe { this.as_ref() };
        if header.boundary.get() {
            return None;
        }
        // SAFETY: the link lies that far below the base, in the same mapping.
        let link = unsafe { this.cast::<u8>().sub(nesting::link_distance()) }.cast::<usize>();
        // SAFETY: corosensei keeps the resumer's stack pointer there, in the natural alignment.
        Some(unsafe { link.read() })
    }

    /// The class, which outlives the header.
    #[inline]
    pub(super) fn class(&self) -> &Class {
        // SAFETY: a class is freed only after every stack of it has come back and its header is forgotten.
        unsafe { self.class.as_ref() }
    }

    /// What the overflow report calls the stack.
    pub(crate) fn label(&self) -> StackLabel {
        self.label.get()
    }

    /// The slab, which outlives the header.
    pub(super) fn slab(&self) -> &Slab {
        // SAFETY: a slab is freed only after all of its stacks have come back and their headers are forgotten.
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
            boundary: Cell::new(false),
            _valgrind: valgrind,
        }
    }
}
