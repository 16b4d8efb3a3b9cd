//! Many stacks in one mapping.
//!
//! A slab is cut into slots of one size. Slot k's base lies k × 64 bytes lower than it could, modulo 2 KiB:
//! stacks whose tops share their low address bits compete for the same few sets of the first-level cache, and a
//! round robin over a thousand coroutines then misses on every switch.
//!
//! Slots are guarded when they are first used, not when the slab is made, so a large slab costs one system call.

use std::cell::{Cell, UnsafeCell};
use std::ptr::NonNull;

use corosensei::stack::valgrind::ValgrindStackRegistration;

use super::RawStack;
use super::class::Class;
use super::header::Header;
use super::nesting;
use super::options::GuardMethod;
use super::pool::Guarding;
use crate::sys::{self, Mapping};

/// Bytes between the bases of neighbouring colours: a cache line.
const COLOUR_STEP: usize = 64;
/// How many colours there are.
const COLOURS: usize = 32;
/// The most that colour and header take from a stack.
pub(super) const OVERHEAD: usize = COLOUR_STEP * COLOURS + size_of::<Header>();

/// A mapping cut into slots.
pub(crate) struct Slab {
    mapping: UnsafeCell<Mapping>,
    /// Bytes from slot to slot: the guard page and the stack.
    stride: usize,
    slots: usize,
    /// Slots below this index have their guard.
    guarded: Cell<usize>,
    /// Slots that hold a header: in use, or pooled and warm.
    warm: Cell<usize>,
    /// The colour of slot 0, if bases are coloured.
    colour: Option<usize>,
    /// The next slab of the same class.
    pub(super) next: Cell<Option<NonNull<Slab>>>,
}

impl Slab {
    /// Maps `slots` stacks of `size` bytes each, the first with `colour` if they are coloured.
    pub(super) fn new(
        size: usize,
        slots: usize,
        colour: Option<usize>,
    ) -> std::io::Result<Box<Self>> {
        let stride = size + sys::page_size();
        let mapping = Mapping::new(stride * slots)?;
        Ok(Box::new(Self {
            stride,
            mapping: UnsafeCell::new(mapping),
            slots,
            guarded: Cell::new(0),
            warm: Cell::new(0),
            colour,
            next: Cell::new(None),
        }))
    }

    fn mapping(&self) -> &Mapping {
        // SAFETY: the mapping is borrowed mutably in `teb` only, for the length of one call that reaches
        // nothing here.
        unsafe { &*self.mapping.get() }
    }

    /// The mapping, for the fields that Windows keeps of each stack.
    #[cfg(windows)]
    pub(super) fn teb<R>(&self, access: impl FnOnce(&mut Mapping) -> R) -> R {
        // SAFETY: `access` is one of two one-line closures in `stack/mod.rs` that do not come back here.
        access(unsafe { &mut *self.mapping.get() })
    }

    /// How many stacks it holds.
    pub(super) fn slots(&self) -> usize {
        self.slots
    }

    /// How many bytes of address space it takes.
    pub(super) fn mapped_bytes(&self) -> usize {
        self.mapping().len()
    }

    /// Whether no slot holds a header, so that no stack of it can be in use.
    pub(super) fn is_cold(&self) -> bool {
        self.warm.get() == 0
    }

    /// Whether `address` lies inside.
    pub(super) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.mapping().start()) < self.mapping().len()
    }

    /// The slot that `address`, which lies inside, belongs to.
    fn slot_of(&self, address: usize) -> usize {
        ((address - self.mapping().start()) / self.stride).min(self.slots - 1)
    }

    /// The header's place in slot `slot`, which is also the stack's base.
    pub(super) fn header_at(&self, slot: usize) -> NonNull<Header> {
        let colour = self.colour.map_or(0, |first| (first + slot) % COLOURS * COLOUR_STEP);
        // The last slot of a Windows mapping may be longer than `stride`; its base is at the very end.
        let end =
            if slot + 1 == self.slots { self.mapping().len() } else { (slot + 1) * self.stride };
        self.mapping().at(end - colour - size_of::<Header>()).cast()
    }

    /// The lowest address of the stack whose base is `header`, guard included.
    pub(super) fn limit(&self, header: NonNull<Header>) -> usize {
        self.mapping().start() + self.slot_of(header.as_ptr().addr()) * self.stride
    }

    /// The base of the stack that `address` lies in, whether or not it has a header.
    pub(super) fn base_at(&self, address: usize) -> Option<NonNull<Header>> {
        if !self.contains(address) {
            return None;
        }
        let slot = self.slot_of(address);
        let base = self.header_at(slot);
        (slot < self.guarded.get() && address < base.addr().get()).then_some(base)
    }

    /// The usable part of the stack whose base is `header`, header and colour included: lowest byte and length.
    fn usable(&self, header: NonNull<Header>) -> (NonNull<u8>, usize) {
        let slot = self.slot_of(header.as_ptr().addr());
        let page = sys::page_size();
        (self.mapping().at(slot * self.stride + page), self.stride - page)
    }

    /// Makes the slot whose base is `header` ready: guards it if it has no guard yet, and writes its header.
    pub(super) fn prepare(
        &self,
        header: NonNull<Header>,
        class: NonNull<Class>,
        guarding: &Guarding,
    ) -> std::io::Result<()> {
        let slot = self.slot_of(header.as_ptr().addr());
        if slot >= self.guarded.get() {
            debug_assert_eq!(slot, self.guarded.get(), "slots are first used in order");
            self.guard(slot, guarding)?;
            self.guarded.set(slot + 1);
        }
        let (low, len) = self.usable(header);
        let valgrind = ValgrindStackRegistration::new(low.as_ptr(), len);
        let value = Header::new(class, NonNull::from(self), valgrind);
        // SAFETY: the place is inside the slot, aligned (the mapping is page-aligned, header and colour are
        // multiples of 64 bytes), and free: the slot is cold, so no stack is there.
        unsafe { header.write(value) };
        // SAFETY: the header was just written, and the slot is free.
        unsafe { nesting::find_link(RawStack { header }) };
        self.warm.set(self.warm.get() + 1);
        Ok(())
    }

    fn guard(&self, slot: usize, guarding: &Guarding) -> std::io::Result<()> {
        let start = self.mapping().at(slot * self.stride);
        loop {
            let method = guarding.method();
            // SAFETY: the page is the lowest of a slot that nobody has used yet, inside the live mapping.
            let result = unsafe { sys::guard(start, sys::page_size(), method) };
            match result {
                // An older kernel, or locked memory: the other way works there.
                Err(_) if method == GuardMethod::Install && !guarding.is_forced() => {
                    guarding.fall_back()
                }
                result => return result,
            }
        }
    }

    /// Forgets the header of a pooled stack. Its memory stays until it is [given back](Self::discard).
    pub(super) fn forget(&self, header: NonNull<Header>) {
        // SAFETY: the stack is pooled, so nobody uses the header; `prepare` writes a new one.
        unsafe { header.drop_in_place() };
        self.warm.set(self.warm.get() - 1);
    }

    /// Gives all memory of a slot back whose header is [forgotten](Self::forget).
    pub(super) fn discard(&self, header: NonNull<Header>) {
        let (low, len) = self.usable(header);
        // SAFETY: the range is the unguarded part of a slot that nobody uses and that holds nothing.
        unsafe { sys::discard(low, len) };
    }

    /// Gives back what lies more than `keep` bytes below the top of a stack that nobody uses. Returns whether there was
    /// anything.
    ///
    /// Whether there is, the system is asked: one question, however large the stack is.
    pub(super) fn trim_below(&self, header: NonNull<Header>, keep: usize) -> bool {
        let (low, len) = self.usable(header);
        let surplus = len - keep.clamp(OVERHEAD, len).next_multiple_of(sys::page_size());
        let is_deep = surplus > 0 && sys::resident_pages(low, surplus).next().is_some();
        if is_deep {
            // SAFETY: the range lies below the header, in a slot that nobody uses.
            unsafe { sys::discard(low, surplus) };
        }
        is_deep
    }

    /// How far down from its top the stack has been touched since its memory was last given back.
    pub(super) fn touched(&self, header: NonNull<Header>) -> usize {
        let (low, len) = self.usable(header);
        match sys::resident_pages(low, len).last() {
            Some(address) => low.as_ptr().addr() + len - address,
            None => 0,
        }
    }

    /// How many bytes of the slots that were ever used are in memory.
    pub(super) fn resident_bytes(&self) -> usize {
        let used = self.guarded.get() * self.stride;
        // Many small stacks at once, or a large one down to what it has not touched.
        let piece = self.stride.max(sys::GAP / self.stride * self.stride);
        let pieces = (0..used).step_by(piece).map(|start| (start, piece.min(used - start)));
        let pages =
            pieces.flat_map(|(start, len)| sys::resident_pages(self.mapping().at(start), len));
        pages.count() * sys::page_size()
    }

    /// The stack whose guard page holds `address`, if its slot has ever been used.
    pub(super) fn guard_hit(&self, address: usize) -> Option<NonNull<Header>> {
        if !self.contains(address) {
            return None;
        }
        let slot = self.slot_of(address);
        let offset = address - self.mapping().start() - slot * self.stride;
        (offset < sys::page_size() && slot < self.guarded.get()).then(|| self.header_at(slot))
    }
}
