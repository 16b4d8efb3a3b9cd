//! Memory that is needed soon.
//!
//! Switching to a stack that has left the cache is a chain of misses, each of which waits for the one before: the page's
//! translation, the link, then frame after frame. Asked for ahead of time they come together, and while something else
//! runs. For those who know what runs next and have reason to think that it is cold: asking for what is in the cache
//! already is not free.

use std::ptr::NonNull;

use super::header::Header;

/// The size of a cache line on most machines.
const LINE: usize = 64;
/// Lines below a base that are asked for: as many as the frames of a body that waits in a few calls.
const LINES: usize = 12;

/// Asks for the header at `base` and for the first frames below it.
#[inline]
pub(crate) fn prefetch_top(base: NonNull<Header>) {
    let base = base.as_ptr().cast::<u8>().cast_const();
    for line in 0..=LINES {
        prefetch(base.wrapping_sub(line * LINE));
    }
}

/// Asks the processor for the cache line of `place`, which need not be valid.
///
/// A hint without effect, but for the time that the next access takes. Does nothing where stable Rust has no such hint.
#[doc(hidden)]
#[inline(always)]
pub fn prefetch(place: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which neither reads nor faults; every x86-64 processor has it.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
