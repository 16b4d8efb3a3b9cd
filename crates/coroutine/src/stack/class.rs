//! The stacks of one size: a free list over slabs.
//!
//! ```text
//! free: [ cold … cold | warm … warm ] spare  ← taken from here and put back here
//! ```
//!
//! A *warm* stack has its header and the memory that it touched last time; taking one and putting it back is a few
//! instructions, last in first out, so that what is taken is what the cache still knows. A *cold* one is address
//! space only: a slot that was never used, or whose memory went back to the system.
//!
//! Now and then, on the occasion of a return, the class looks after its memory: it cuts the stack at hand back to
//! what is kept, and chills a few of those that nobody took since the last time, if many others were taken meanwhile:
//! while stacks only come back, there is nothing to be learned from it. So deep calls and peaks are
//! forgotten gradually and without a clock, and a peak that recurs is not. A look is a system call, which costs as much as hundreds of returns: there is
//! one in a [thousand](BUSY_INTERVAL) returns while there is something to give back, and one in [many
//! more](IDLE_INTERVAL) while there is not. [`Class::trim`] does all of it at once.

use std::cell::{Cell, UnsafeCell};
use std::ptr::{self, NonNull};

use super::error::StackError;
use super::header::Header;
use super::pool::Pool;
use super::prefetch::{prefetch, prefetch_top};
use super::slab::Slab;
use crate::sys;

/// Returns until the next look at the memory, if the last one gave some back. Prime, so that a steady round of stacks is
/// not sampled at one place.
const BUSY_INTERVAL: u32 = 1021;
/// Returns until the next look, if the last one found nothing to give back; prime as well.
const IDLE_INTERVAL: u32 = 16_381;
/// Stacks chilled in one look, at the most: a bound on how long a return can take.
const CHILLED_AT_ONCE: usize = 32;
/// For as many stacks that were taken one that was not may be chilled.
const TAKEN_FOR_ONE: usize = BUSY_INTERVAL as usize / CHILLED_AT_ONCE;
/// So many addresses in the list are asked for together.
const TRANSLATED_AT_ONCE: usize = 8;
/// The stack so far down the list is asked for when one is taken from the top.
const TAKEN_SOON: usize = 2;
/// Slots of the first slab; every further one doubles what there is.
const FIRST_SLOTS: usize = 16;
/// Bytes of the largest slab.
const LARGEST_SLAB: usize = 1 << (if cfg!(target_pointer_width = "64") { 30 } else { 24 });

/// The stacks of one size.
pub(crate) struct Class {
    size: usize,
    pool: NonNull<Pool>,
    /// The one put back last. With it here, a stack that comes and goes does not wait for the list's length, which
    /// each of the two would have to write and the other to read.
    spare: Cell<Option<NonNull<Header>>>,
    free: UnsafeCell<Vec<NonNull<Header>>>,
    /// The length of the cold part of `free`.
    cold: Cell<usize>,
    /// The shortest that `free` has been since the last look.
    low: Cell<usize>,
    /// The length of `free` at the last look.
    seen: Cell<usize>,
    /// Returns from the last look to the next one, and those that are left of them.
    interval: Cell<u32>,
    budget: Cell<u32>,
    slabs: Cell<Option<NonNull<Slab>>>,
    total: Cell<usize>,
}

impl Class {
    /// A class without stacks.
    pub(super) fn new(size: usize, pool: NonNull<Pool>) -> Self {
        Self {
            size,
            pool,
            spare: Cell::new(None),
            free: UnsafeCell::new(Vec::new()),
            cold: Cell::new(0),
            low: Cell::new(0),
            seen: Cell::new(0),
            interval: Cell::new(BUSY_INTERVAL),
            budget: Cell::new(BUSY_INTERVAL),
            slabs: Cell::new(None),
            total: Cell::new(0),
        }
    }

    /// The size of its stacks, without their guards.
    #[inline]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Stacks in use.
    pub(super) fn live(&self) -> usize {
        self.total.get() - self.free().len() - usize::from(self.spare.get().is_some())
    }

    /// Warm stacks that wait to be used again.
    pub(super) fn pooled(&self) -> usize {
        self.free().len() + usize::from(self.spare.get().is_some()) - self.cold.get()
    }

    #[inline]
    fn free(&self) -> &Vec<NonNull<Header>> {
        // SAFETY: not `Sync`. References to the list live within one method, and none of them calls foreign
        // code meanwhile.
        unsafe { &*self.free.get() }
    }

    #[inline]
    #[expect(
        clippy::mut_from_ref,
        reason = "a cell by hand: the methods below keep the borrow to themselves"
    )]
    fn free_mut(&self) -> &mut Vec<NonNull<Header>> {
        // SAFETY: as in `free`; no other reference to the list is alive where this one is used.
        unsafe { &mut *self.free.get() }
    }

    /// A warm stack, if there is one. No system call.
    #[inline]
    pub(super) fn take_warm(&self) -> Option<NonNull<Header>> {
        match self.spare.take() {
            None => self.take_listed(),
            spare => spare,
        }
    }

    #[inline(never)]
    fn take_listed(&self) -> Option<NonNull<Header>> {
        let free = self.free_mut();
        if free.len() == self.cold.get() {
            return None;
        }
        let header = free.pop();
        self.low.set(self.low.get().min(free.len()));
        // Whoever takes stacks without giving any back takes more of them, and deep in the list they are cold.
        if let Some(&soon) = free.len().checked_sub(TAKEN_SOON).and_then(|at| free.get(at)) {
            prefetch_top(soon);
        }
        // Their translations are waited for, but several at once.
        if free.len().is_multiple_of(TRANSLATED_AT_ONCE) {
            let from = free.len().saturating_sub(TRANSLATED_AT_ONCE + TAKEN_SOON);
            for later in free[from..].iter().take(TRANSLATED_AT_ONCE) {
                prefetch(later.as_ptr().cast_const().cast());
            }
        }
        header
    }

    /// A stack: a warm one, else a cold one made warm, else one of a new slab.
    #[cold]
    pub(super) fn take(&self) -> Result<NonNull<Header>, StackError> {
        if let Some(header) = self.take_warm() {
            return Ok(header);
        }
        if self.free().is_empty() {
            self.grow()?;
        }
        let header = self.free_mut().pop().expect("a new slab has a slot");
        let slab = self.slab_of(header).expect("every free stack lies in a slab");
        let prepared = slab.prepare(header, NonNull::from(self), self.pool().guarding());
        if let Err(source) = prepared {
            self.free_mut().push(header);
            let method = self.pool().guarding().method();
            return Err(StackError::Guard { size: self.size, live: self.live(), method, source });
        }
        let len = self.free().len();
        self.cold.set(len);
        self.low.set(len);
        Ok(header)
    }

    /// Puts a stack back. No system call, but for the occasional look.
    ///
    /// # Safety
    ///
    /// `this` must be the live class of `header`, and nobody may use the stack any more. If the thread that owned the
    /// pool has ended, `this` may be freed by this call.
    #[inline]
    pub(super) unsafe fn put(this: NonNull<Self>, header: NonNull<Header>) {
        // SAFETY: the caller passes a live class.
        let class = unsafe { this.as_ref() };
        if let Some(older) = class.spare.replace(Some(header)) {
            class.put_listed(older);
        }
        let budget = class.budget.get() - 1;
        class.budget.set(budget);
        if budget == 0 {
            // SAFETY: passed on from the caller; `class` is not used after this.
            unsafe { Self::look_after(this, header) };
        }
    }

    #[inline(never)]
    fn put_listed(&self, header: NonNull<Header>) {
        self.free_mut().push(header);
    }

    #[cold]
    unsafe fn look_after(this: NonNull<Self>, header: NonNull<Header>) {
        // SAFETY: the caller passes a live class.
        let class = unsafe { this.as_ref() };
        let pool = class.pool;
        if class.pool().is_closed() {
            class.budget.set(1);
            // SAFETY: the pool is live, as a class of it is; neither is used after this.
            unsafe { Pool::free_if_idle(pool) };
            return;
        }
        let slab = class.slab_of(header).expect("every stack lies in a slab");
        let was_deep = slab.trim_below(header, class.pool().keep_resident());
        let idle = class.low.get().saturating_sub(class.cold.get());
        // As many were taken as came back and did not stay.
        let stayed = class.free().len().saturating_sub(class.seen.get());
        let taken = (class.interval.get() as usize).saturating_sub(stayed);
        class.chill(idle.div_ceil(2).min(CHILLED_AT_ONCE).min(taken / TAKEN_FOR_ONE));
        class.low.set(class.free().len());
        class.seen.set(class.free().len());
        let interval = if was_deep || idle > 0 { BUSY_INTERVAL } else { IDLE_INTERVAL };
        class.interval.set(interval);
        class.budget.set(interval);
    }

    /// Chills the `count` warm stacks that have waited longest.
    fn chill(&self, count: usize) {
        let cold = self.cold.get();
        for index in cold..cold + count {
            let header = self.free()[index];
            let slab = self.slab_of(header).expect("every free stack lies in a slab");
            slab.forget(header);
            slab.discard(header);
        }
        self.cold.set(cold + count);
    }

    /// Gives all memory of unused stacks back, and the address space of slabs of which no stack is in use.
    pub(super) fn trim(&self) {
        self.free_mut().extend(self.spare.take());
        let pooled = || {
            let headers = self.free()[self.cold.get()..].iter();
            headers.map(|&header| {
                (self.slab_of(header).expect("every free stack lies in a slab"), header)
            })
        };
        pooled().for_each(|(slab, header)| slab.forget(header));
        // The memory of the others goes with their slabs.
        pooled()
            .filter(|(slab, _)| !slab.is_cold())
            .for_each(|(slab, header)| slab.discard(header));
        let mut kept: Option<NonNull<Slab>> = None;
        let mut next = self.slabs.take();
        while let Some(slab) = next {
            // SAFETY: slabs in the list are live boxes.
            let slab_ref = unsafe { slab.as_ref() };
            next = slab_ref.next.replace(None);
            if slab_ref.is_cold() {
                self.free_mut().retain(|header| !slab_ref.contains(header.as_ptr().addr()));
                self.total.set(self.total.get() - slab_ref.slots());
                // SAFETY: the box was leaked in `grow`; it left the list of slabs, and its stacks the list of
                // free ones.
                drop(unsafe { Box::from_raw(slab.as_ptr()) });
            } else {
                slab_ref.next.set(kept);
                kept = Some(slab);
            }
        }
        self.slabs.set(kept);
        let len = self.free().len();
        self.cold.set(len);
        self.low.set(len);
    }

    /// Makes the next stack that comes back look after its memory: called when the owner's thread ends.
    pub(super) fn close(&self) {
        self.budget.set(1);
    }

    /// Maps another slab, smaller ones if a large one cannot be had.
    fn grow(&self) -> Result<(), StackError> {
        let stride = self.size + sys::page_size();
        let most = (LARGEST_SLAB / stride).clamp(1, sys::MAX_SLOTS);
        let colour = self.pool().colour().then_some(self.total.get());
        let mut slots = self.total.get().max(FIRST_SLOTS).min(most);
        let slab = loop {
            match Slab::new(self.size, slots, colour) {
                Ok(slab) => break Box::leak(slab),
                Err(source) if slots == 1 => {
                    return Err(StackError::AddressSpace {
                        size: self.size,
                        live: self.live(),
                        source,
                    });
                }
                Err(_) => slots /= 2,
            }
        };
        let total = self.total.get() + slots;
        let free = self.free_mut();
        // Room for all of them at once: putting one back never allocates.
        free.reserve(total - free.len());
        free.extend((0..slots).rev().map(|slot| slab.header_at(slot)));
        slab.next.set(self.slabs.get());
        self.total.set(total);
        self.cold.set(free.len());
        self.slabs.set(Some(NonNull::from(slab)));
        Ok(())
    }

    /// Whether there is a header of this class at `header`, a place in one of its slabs.
    pub(super) fn is_warm(&self, header: NonNull<Header>) -> bool {
        debug_assert_eq!(std::mem::offset_of!(Header, class), 0);
        // SAFETY: the place is inside a live mapping, and aligned. A cold slot holds stale bytes or zeroes
        // there, and any are a pointer.
        let class = unsafe { header.cast::<*const Self>().read() };
        ptr::eq(class, self)
    }

    fn pool(&self) -> &Pool {
        // SAFETY: a pool outlives its classes.
        unsafe { self.pool.as_ref() }
    }

    fn slab_of(&self, header: NonNull<Header>) -> Option<&Slab> {
        self.slabs().find(|slab| slab.contains(header.as_ptr().addr()))
    }

    /// Its slabs, newest first.
    pub(super) fn slabs(&self) -> impl Iterator<Item = &Slab> {
        let mut next = self.slabs.get();
        std::iter::from_fn(move || {
            // SAFETY: slabs in the list are live boxes; `trim`, which frees some, holds no such iterator.
            let slab = unsafe { next?.as_ref() };
            next = slab.next.get();
            Some(slab)
        })
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        debug_assert_eq!(self.live(), 0, "a class is freed after its last stack came back");
        self.trim();
    }
}
