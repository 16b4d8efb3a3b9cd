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

/// Pages asked about in one call of `mincore`.
const RESIDENT_CHUNK_PAGES: usize = 512;

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

/// The address of the lowest page of `start..start + len` that is in memory.
pub(crate) fn lowest_resident(start: NonNull<u8>, len: usize) -> Option<usize> {
    let mut found = None;
    scan_resident(start, len, |page| {
        found = Some(page);
        false
    });
    found
}

/// How many pages of `start..start + len` are in memory.
pub(crate) fn count_resident(start: NonNull<u8>, len: usize) -> usize {
    let mut pages = 0;
    scan_resident(start, len, |_| {
        pages += 1;
        true
    });
    pages
}

/// Calls `visit` with the address of each resident page, lowest first, until it returns false.
fn scan_resident(start: NonNull<u8>, len: usize, mut visit: impl FnMut(usize) -> bool) {
    let page = page_size();
    let mut present = [0_u8; RESIDENT_CHUNK_PAGES];
    let mut done = 0;
    while done < len {
        let chunk = (len - done).min(RESIDENT_CHUNK_PAGES * page);
        let address = start.as_ptr().wrapping_add(done);
        // SAFETY: `mincore` only reports on the range, writes one byte a page, and the buffer holds as many.
        let result = unsafe { libc::mincore(address.cast(), chunk, present.as_mut_ptr().cast()) };
        if result != 0 {
            return;
        }
        for (index, flags) in present[..chunk.div_ceil(page)].iter().enumerate() {
            if flags & 1 == 1 && !visit(address.addr() + index * page) {
                return;
            }
        }
        done += chunk;
    }
}
