//! Unix: stacks are slices of anonymous private mappings.
//!
//! A mapping asks for no swap space (`MAP_NORESERVE`) and, on Linux, for no huge pages: a huge page would make
//! a whole stack resident at its first touch. A guard is a page that faults. Linux 6.13 and later has
//! `MADV_GUARD_INSTALL`, which marks the page table only; `mprotect`, the way of everyone else, splits the mapping in
//! two for every stack, and the kernel limits how many pieces a process may have.
//!
//! Absent on purpose: huge guards. One page is what threads get as well, and the stack probes that rustc emits
//! on the common targets touch every page of a large frame in order.

use std::ffi::c_void;
use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::stack::GuardMethod;

/// As many stacks in one mapping as the pool likes.
pub(crate) const MAX_SLOTS: usize = usize::MAX;

/// Bytes without a page in memory that end a search for some: what one call of `mincore` is asked about.
pub(crate) const GAP: usize = 2 << 20;
/// No system has smaller pages.
const SMALLEST_PAGE: usize = 4096;

/// The size of a page.
#[inline]
pub(crate) fn page_size() -> usize {
    static PAGE_SIZE: AtomicUsize = AtomicUsize::new(0);
    match PAGE_SIZE.load(Ordering::Relaxed) {
        0 => {
            // SAFETY: `sysconf` reads a constant of the system and has no preconditions.
            let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            let size = usize::try_from(size).unwrap_or(4096);
            PAGE_SIZE.store(size, Ordering::Relaxed);
            size
        }
        size => size,
    }
}

/// An anonymous mapping, unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<c_void>,
    len: usize,
}

impl Mapping {
    /// Reserves `len` bytes, a multiple of the page size; no memory is used until it is touched.
    pub(crate) fn new(len: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | EXTRA_MAP_FLAGS;
        // SAFETY: an anonymous mapping at an address of the kernel's choice overlaps nothing that exists.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start).ok_or_else(|| io::Error::other("mapped at address zero"))?;
        let mapping = Self { start, len };
        mapping.refuse_huge_pages();
        Ok(mapping)
    }

    /// The lowest address.
    pub(crate) fn start(&self) -> usize {
        self.start.as_ptr().addr()
    }

    /// A pointer to the byte at `offset`, valid for the whole mapping.
    pub(crate) fn at(&self, offset: usize) -> NonNull<u8> {
        assert!(offset < self.len, "offset {offset} in a mapping of {} bytes", self.len);
        // SAFETY: the assertion keeps the offset inside the mapping, which is one allocated object.
        unsafe { self.start.cast::<u8>().add(offset) }
    }

    /// The length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[cfg(any(target_os = "android", target_os = "linux"))]
    fn refuse_huge_pages(&self) {
        // SAFETY: the range is exactly this mapping. The advice changes no contents; a kernel without huge pages
        // refuses it, which is as good.
        unsafe { libc::madvise(self.start.as_ptr(), self.len, libc::MADV_NOHUGEPAGE) };
    }

    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    fn refuse_huge_pages(&self) {}
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is exactly the one that `mmap` returned, and its owner promises that nothing points
        // into it any more.
        let result = unsafe { libc::munmap(self.start.as_ptr(), self.len) };
        debug_assert_eq!(result, 0, "munmap: {}", io::Error::last_os_error());
    }
}

#[cfg(any(target_os = "android", target_os = "linux"))]
const EXTRA_MAP_FLAGS: i32 = libc::MAP_STACK;
#[cfg(not(any(target_os = "android", target_os = "linux")))]
const EXTRA_MAP_FLAGS: i32 = 0;

/// Makes the `len` bytes at `start` fault when touched, by `method`.
///
/// # Safety
///
/// The range must be page-aligned, inside a live [`Mapping`], and hold nothing that is in use.
pub(crate) unsafe fn guard(start: NonNull<u8>, len: usize, method: GuardMethod) -> io::Result<()> {
    let start = start.as_ptr().cast::<c_void>();
    let result = match method {
        // SAFETY: the caller promises an aligned, mapped, unused range.
        GuardMethod::Install => unsafe { libc::madvise(start, len, MADV_GUARD_INSTALL) },
        // SAFETY: as above.
        GuardMethod::Protect => unsafe { libc::mprotect(start, len, libc::PROT_NONE) },
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Linux 6.13: mark pages as guards in the page table, without splitting the mapping.
const MADV_GUARD_INSTALL: i32 = 102;

/// Gives the memory under `start..start + len` back to the system. The addresses stay reserved.
///
/// # Safety
///
/// The range must be page-aligned, inside a live [`Mapping`], and hold nothing that will be read again.
pub(crate) unsafe fn discard(start: NonNull<u8>, len: usize) {
    if len == 0 {
        return;
    }
    // SAFETY: the caller gives up the contents. A refusal (locked memory) leaves them resident, which is allowed.
    unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_DONTNEED) };
}

/// The addresses of the pages of `start..start + len` that are in memory, the highest first, down to a gap of [`GAP`].
///
/// A stack is touched from the top down, and every page of it, so nothing is below a gap, and the cost is that of what was
/// touched and not of the size.
pub(crate) fn resident_pages(start: NonNull<u8>, len: usize) -> impl Iterator<Item = usize> {
    let mut rest = len;
    std::iter::from_fn(move || {
        let piece = rest.min(GAP);
        rest -= piece;
        let mut pages = resident_in_piece(start.as_ptr().wrapping_add(rest), piece).peekable();
        pages.peek().is_some().then_some(pages)
    })
    .flatten()
}

/// The same of a piece of at most [`GAP`] bytes.
fn resident_in_piece(start: *mut u8, len: usize) -> impl Iterator<Item = usize> {
    let page = page_size();
    let mut present = [0_u8; GAP / SMALLEST_PAGE];
    let pages = len.div_ceil(page);
    // SAFETY: `mincore` only reports on the range, writes one byte a page, and the buffer holds as many.
    let result = unsafe { libc::mincore(start.cast(), len, present.as_mut_ptr().cast()) };
    let known = if result == 0 { pages } else { 0 };
    (0..known).rev().filter(move |index| present[*index] & 1 == 1).map(move |index| start.addr() + index * page)
}
