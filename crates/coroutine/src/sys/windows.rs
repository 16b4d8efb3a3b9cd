//! Windows: one stack a mapping, made by corosensei.
//!
//! Windows grows a stack itself, through soft guard pages and fields of the thread's environment block, so stacks
//! cannot be slices of a mapping of ours. They are pooled like everywhere else. What the system keeps resident
//! is its own business: nothing is trimmed and high-water marks read as the whole size.
//!
//! Untested: kept compiling only.

use std::io;
use std::ptr::NonNull;

use corosensei::stack::{DefaultStack, Stack as _};

use crate::stack::GuardMethod;

/// A stack is a mapping of its own.
pub(crate) const MAX_SLOTS: usize = 1;

/// The size of a page on every Windows that corosensei supports.
#[inline]
pub(crate) fn page_size() -> usize {
    4096
}

/// A stack of the operating system's making.
pub(crate) struct Mapping {
    stack: DefaultStack,
    len: usize,
}

impl Mapping {
    /// Makes a stack that spans `len` bytes or a little more.
    pub(crate) fn new(len: usize) -> io::Result<Self> {
        let stack = DefaultStack::new(len)?;
        let len = stack.base().get() - stack.limit().get();
        Ok(Self { stack, len })
    }

    /// The lowest address.
    pub(crate) fn start(&self) -> usize {
        self.stack.limit().get()
    }

    /// A pointer to the byte at `offset`.
    pub(crate) fn at(&self, offset: usize) -> NonNull<u8> {
        assert!(offset < self.len, "offset {offset} in a mapping of {} bytes", self.len);
        let address = self.stack.limit().checked_add(offset).expect("an address inside a mapping");
        NonNull::with_exposed_provenance(address)
    }

    /// The length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The fields of the thread's environment block that belong to this stack.
    pub(crate) fn teb_fields(&self) -> corosensei::stack::StackTebFields {
        self.stack.teb_fields()
    }

    /// Stores the fields as they are after running on this stack.
    pub(crate) fn update_teb_fields(&mut self, stack_limit: usize, guaranteed_stack_bytes: usize) {
        self.stack.update_teb_fields(stack_limit, guaranteed_stack_bytes);
    }
}

/// Nothing to do: the system guards its stacks.
///
/// # Safety
///
/// None needed; unsafe as on other systems.
pub(crate) unsafe fn guard(_: NonNull<u8>, _: usize, _: GuardMethod) -> io::Result<()> {
    Ok(())
}

/// Nothing to do: the system commits its stacks.
///
/// # Safety
///
/// None needed; unsafe as on other systems.
pub(crate) unsafe fn discard(_: NonNull<u8>, _: usize) {}

/// Of no interest here, as every stack is a mapping of its own.
pub(crate) const GAP: usize = 2 << 20;

/// Unknown, so all of them.
pub(crate) fn resident_pages(start: NonNull<u8>, len: usize) -> impl Iterator<Item = usize> {
    let start = start.as_ptr().addr();
    (0..len / page_size()).rev().map(move |index| start + index * page_size())
}
