//! On whose stack the code runs, and inside whose resume.
//!
//! A coroutine can be suspended only by code on its own stack, or on a stack *nested* in it: one that was resumed from
//! it, or from one nested in it. The frame that is to be suspended is then the one that runs. Who holds a reference to a
//! yielder is usually there, but not always: a task may lend the reference to other tasks, which the event loop resumes
//! from somewhere else.
//!
//! The ordinary question, "is this the own stack", is a subtraction. Otherwise the resumers are looked through, from the
//! inside out: the stack that the stack pointer lies in is found by its slab, and at its base is the *link*, the stack
//! pointer of who resumed it, where corosensei keeps it while a coroutine runs. How far below the base that is, is not
//! taken from corosensei's source: the process's first stack [finds it out](find_link), before anything else runs on it.

use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use corosensei::stack::Stack as _;

use super::header::{self, Header};
use super::slab::OVERHEAD;
use super::{RawStack, Stack, pool};

/// How many bytes below the base the link is: the same for all stacks, and zero before the first.
static LINK_DISTANCE: AtomicUsize = AtomicUsize::new(0);

/// How many bytes below the base of a stack its link is.
pub(super) fn link_distance() -> usize {
    LINK_DISTANCE.load(Ordering::Relaxed)
}

/// Finds out where the link is, if that is not known yet, by running a coroutine on `stack`.
///
/// # Safety
///
/// The header of `stack` must be live, and nobody may use the stack.
///
/// # Panics
///
/// If corosensei keeps the link elsewhere than where it can be dealt with.
pub(super) unsafe fn find_link(stack: RawStack) {
    if link_distance() != 0 {
        return;
    }
    let base = stack.base().get();
    // The address of the link, what is in it, and a stack pointer.
    let body = |yielder: &corosensei::Yielder<(), ()>, ()| {
        let link = ptr::from_ref(yielder);
        // SAFETY: a yielder is one word, a stack pointer.
        (link.addr(), unsafe { link.cast::<usize>().read() })
    };
    // SAFETY: the caller passes a stack that nobody uses; the body borrows nothing.
    let mut probe =
        unsafe { corosensei::Coroutine::<(), (), _, _>::with_stack_unchecked(stack, body) };
    let corosensei::CoroutineResult::Return((link, resumer)) = probe.resume(()) else {
        unreachable!("the probe does not yield")
    };
    let distance = base.wrapping_sub(link);
    let near = stack_pointer().abs_diff(resumer) < Stack::MIN_SIZE;
    assert!(
        (1..=header::ALIGN).contains(&distance) && near,
        "corosensei keeps the link next to the base"
    );
    LINK_DISTANCE.store(distance, Ordering::Relaxed);
}

/// The stack pointer, or an address near it.
///
/// Not the address of a local where that can be helped: under AddressSanitizer a local may live on the heap.
#[inline(always)]
fn stack_pointer() -> usize {
    cfg_select! {
        target_arch = "x86_64" => {
            let pointer: usize;
            // SAFETY: only reads a register.
            unsafe {
                std::arch::asm!("mov {}, rsp", out(reg) pointer, options(pure, nomem, nostack, preserves_flags));
            };
            pointer
        }
        target_arch = "aarch64" => {
            let pointer: usize;
            // SAFETY: only reads a register.
            unsafe {
                std::arch::asm!("mov {}, sp", out(reg) pointer, options(pure, nomem, nostack, preserves_flags));
            };
            pointer
        }
        _ => {
            let local = std::mem::MaybeUninit::<u8>::uninit();
            std::hint::black_box(&raw const local).addr()
        }
    }
}

/// Whether the caller runs on the stack whose base is `header`, or nested in it without a boundary in between.
///
/// # Safety
///
/// `header` must be that of a stack in use.
#[inline(always)]
pub(crate) unsafe fn runs_inside(header: NonNull<Header>) -> bool {
    let here = stack_pointer();
    let depth = header.addr().get().wrapping_sub(here);
    // The first, which is enough for shallow bodies, reads no memory.
    depth <= Stack::MIN_SIZE - OVERHEAD || {
        // SAFETY: passed on from the caller.
        let size = unsafe { header.as_ref() }.class().size();
        depth <= size - OVERHEAD || is_nested(header.addr().get(), here)
    }
}

/// Whether the caller runs on the stack with the addresses `stack`, as [`Stack::range`] gives them, or nested in it.
///
/// Nested is code on the stack of a coroutine that was resumed from there, directly or through other coroutines of this
/// crate. A [boundary](Stack::set_boundary) in between hides `stack`, and so does a switch to a stack that this crate did
/// not make; a boundary at `stack` itself does not.
///
/// It is about addresses only: if the stack was dropped, another with the same addresses answers for it.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{Coroutine, CoroutineState::Complete, Stack, StackError, runs_on};
///
/// let stack = Stack::new(Stack::DEFAULT_SIZE)?;
/// let range = stack.range();
/// assert!(!runs_on(&range));
/// let mut here = Coroutine::<(), (), bool>::with_stack(stack, move |_, ()| runs_on(&range));
/// assert_eq!(here.resume(()), Complete(true));
/// # Ok::<(), StackError>(())
/// ```
#[inline]
#[must_use]
pub fn runs_on(stack: &Range<usize>) -> bool {
    let here = stack_pointer();
    stack.contains(&here) || is_nested(stack.end, here)
}

/// Whether code at the stack pointer `here` runs on the stack with the base `base`, or nested in it without a boundary
/// in between.
#[cold]
#[inline(never)]
fn is_nested(base: usize, mut here: usize) -> bool {
    while let Some(header) = pool::stack_at(here) {
        if header.addr().get() == base {
            return true;
        }
        // SAFETY: there is code that runs on this stack, or stands in a resume on it, so its header is live, and its
        // coroutine runs.
        let Some(resumer) = (unsafe { Header::resumer(header) }) else { return false };
        here = resumer;
    }
    false
}
