//! Stacks: pooled, guarded, and cheap to have many of.
//!
//! A [`Stack`] is a slice of a *slab*, a mapping that many stacks share; a *class* is the free list of one
//! size; the *pool* is a thread's classes. The layers know only the one below:
//!
//! ```text
//! Stack → pool (thread, closing) → class (free list, warm and cold) → slab (mapping, guard, colour) → sys
//! ```
//!
//! Deliberately absent: moving stacks between threads, growing a stack, and stacks that the user allocates. All
//! three would cost every user something, and touched pages alone cost memory, so a generous size is free.

mod bytes;
mod class;
mod error;
mod header;
mod label;
mod nesting;
mod options;
mod pool;
mod prefetch;
mod slab;
mod statistics;

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::panic::Location;
use std::ptr::NonNull;

use self::class::Class;
pub use self::error::StackError;
pub(crate) use self::header::Header;
pub use self::label::StackLabel;
pub(crate) use self::nesting::runs_inside;
pub use self::nesting::runs_on;
pub use self::options::{GuardMethod, StackOptions, StacksInUse};
#[cfg_attr(
    not(all(unix, feature = "overflow-report")),
    expect(unused_imports, reason = "only the overflow report asks")
)]
pub(crate) use self::pool::with_guarded;
pub use self::pool::{resident_bytes, statistics, trim};
pub use self::prefetch::prefetch;
pub(crate) use self::prefetch::prefetch_top;
pub use self::statistics::StackStatistics;
use crate::sys;

/// A stack for a coroutine to run on, from the pool of its thread.
///
/// Making one and dropping it are a few instructions when the pool has one of the size: the last one dropped is
/// the next one given out. The memory of a stack is used page by page, as it is touched, so a large size costs
/// address space only.
///
/// A guard page lies below the lowest byte. Touching it ends the process, with a message that names the
/// stack's [label](StackLabel) if the feature `overflow-report` is on.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{Coroutine, CoroutineState, Stack};
///
/// let stack = Stack::new(64 * 1024)?;
/// let mut double = Coroutine::<u32, (), u32>::with_stack(stack, |_, number| 2 * number);
/// assert_eq!(double.resume(21), CoroutineState::Complete(42));
/// # Ok::<(), corio_coroutine::StackError>(())
/// ```
#[repr(transparent)]
pub struct Stack {
    /// The header, which is at the base of the stack. The stack is this value's alone until it is put back.
    header: NonNull<Header>,
}

impl Stack {
    /// 256 KiB.
    pub const DEFAULT_SIZE: usize = 256 * 1024;
    /// 16 KiB, the smallest size.
    ///
    /// Too small for a panic with `RUST_BACKTRACE=1`: the backtrace is written on the stack that panics, and takes more.
    pub const MIN_SIZE: usize = 16 * 1024;
    /// The largest size: 64 GiB where pointers have 64 bits, 64 MiB otherwise.
    pub const MAX_SIZE: usize = 1 << (if cfg!(target_pointer_width = "64") { 36 } else { 26 });

    /// A stack of `size` bytes, rounded up to whole pages.
    ///
    /// Up to 2,176 bytes at the top go to bookkeeping; the guard page is not counted.
    ///
    /// # Errors
    ///
    /// [`StackError`] says what could not be had and what to change: the size is out of bounds, or the address
    /// space or the mappings of the process are used up.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::Stack;
    /// let stack = Stack::new(100_000)?;
    /// assert_eq!(stack.size(), 102_400);
    /// # Ok::<(), corio_coroutine::StackError>(())
    /// ```
    #[inline]
    pub fn new(size: usize) -> Result<Self, StackError> {
        Self::labelled(size, StackLabel::Unnamed)
    }

    /// As [`new`](Self::new), with a label from the start: a little cheaper than to [set](Self::set_label) it afterwards.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Stack, StackLabel};
    /// let stack = Stack::labelled(Stack::DEFAULT_SIZE, StackLabel::Numbered("worker-", 3))?;
    /// assert_eq!(stack.label().to_string(), "'worker-3'");
    /// # Ok::<(), corio_coroutine::StackError>(())
    /// ```
    #[inline]
    pub fn labelled(size: usize, label: StackLabel) -> Result<Self, StackError> {
        let stack = Self { header: pool::take(size)? };
        stack.header().label.set_fresh(label);
        Ok(stack)
    }

    /// A stack of [`DEFAULT_SIZE`](Self::DEFAULT_SIZE), with the place of the call as its label.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn for_caller() -> Result<Self, StackError> {
        Self::labelled(Self::DEFAULT_SIZE, StackLabel::Created(Location::caller()))
    }

    /// The size in bytes, without the guard.
    #[inline]
    #[must_use]
    pub fn size(&self) -> usize {
        self.header().class().size()
    }

    /// The addresses that code running on it can use, lowest first.
    ///
    /// For those who look at stacks from outside, like profilers and garbage collectors.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::Stack;
    /// let stack = Stack::new(Stack::MIN_SIZE)?;
    /// assert!(stack.range().len() > 13 * 1024);
    /// # Ok::<(), corio_coroutine::StackError>(())
    /// ```
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        let low = self.header().slab().limit(self.header) + sys::page_size();
        low..self.header.addr().get()
    }

    /// The high-water mark: how many bytes, from the top down, have been touched, in whole pages.
    ///
    /// Read from the operating system's page table. A pooled stack remembers what those who had it before
    /// touched, so this is a bound for the present coroutine, and exact for the first one after a [`trim`].
    /// Pages that were swapped out are not seen, and neither is what lies below 2 MiB that nobody has touched.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Coroutine, Stack};
    /// let mut shallow = Coroutine::<(), (), ()>::new(|co, ()| co.yield_(()));
    /// shallow.resume(());
    /// assert!(shallow.stack().touched() <= shallow.stack().size());
    /// ```
    #[must_use]
    pub fn touched(&self) -> usize {
        self.header().slab().touched(self.header)
    }

    /// What the overflow report calls it.
    #[must_use]
    pub fn label(&self) -> StackLabel {
        self.header().label.get()
    }

    /// Sets what the overflow report calls it. Storing a number costs no allocation.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Stack, StackLabel};
    /// let stack = Stack::new(Stack::DEFAULT_SIZE)?;
    /// stack.set_label(StackLabel::Numbered("worker-", 3));
    /// assert_eq!(stack.label().to_string(), "'worker-3'");
    /// # Ok::<(), corio_coroutine::StackError>(())
    /// ```
    #[inline]
    pub fn set_label(&self, label: StackLabel) {
        self.header().label.set(label);
    }

    /// Whether the stack is a boundary: code on it, or on a stack nested in it, cannot yield out of it, for a coroutine
    /// further out. It may yield for the stack's own coroutine, and for those nested in it.
    ///
    /// For whoever runs code that is not to be stopped together with what is around it, like the tasks of an event loop
    /// that itself runs inside a generator. A yield across the boundary panics, or returns
    /// [`Interrupted::Outside`](crate::Interrupted::Outside). A stack is no boundary when it comes out of the pool.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::{Generator, Interrupted, Stack, StackError, scope};
    ///
    /// let outer = Generator::<u32, (), bool>::new(|co| {
    ///     scope(|s| {
    ///         let stack = Stack::new(Stack::DEFAULT_SIZE).unwrap();
    ///         stack.set_boundary(true);
    ///         let mut task = s.coroutine_with_stack::<(), (), bool, _>(stack, |_, ()| {
    ///             matches!(co.try_yield(1), Err(Interrupted::Outside))
    ///         });
    ///         task.resume(()).complete().unwrap()
    ///     })
    /// });
    /// assert_eq!(outer.start().unwrap().complete(), Some(true));
    /// ```
    #[inline]
    pub fn set_boundary(&self, boundary: bool) {
        self.header().boundary.set(boundary);
    }

    /// Shows the label without counting a reference to it.
    #[cfg_attr(
        not(all(unix, feature = "overflow-report")),
        expect(dead_code, reason = "only the overflow report peeks")
    )]
    pub(crate) fn peek_label<R>(&self, visit: impl FnOnce(&StackLabel) -> R) -> R {
        self.header().label.peek(visit)
    }

    /// The record at the base.
    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the header is live while the stack is out of the pool, and all of it that changes is in cells.
        unsafe { self.header.as_ref() }
    }

    /// What corosensei runs on, owned by this value.
    #[inline]
    pub(crate) fn as_raw(&self) -> RawStack {
        RawStack { header: self.header }
    }

    /// Dropping the stack will not put it back: its contents stay valid for ever.
    #[cfg(not(panic = "unwind"))]
    pub(crate) fn leak(&self) {
        self.header().word.set(LEAKED);
    }
}

/// The word of a stack that is never put back. A number that no generator leaves there.
#[cfg(not(panic = "unwind"))]
const LEAKED: *mut () = std::ptr::without_provenance_mut(3);

impl Drop for Stack {
    #[inline]
    fn drop(&mut self) {
        let header = self.header();
        #[cfg(not(panic = "unwind"))]
        if header.word.get() == LEAKED {
            return;
        }
        header.label.release();
        header.boundary.set(false);
        let class: NonNull<Class> = header.class;
        // SAFETY: the class of a stack in use is live, and nobody uses the stack: this value was its only owner.
        unsafe { Class::put(class, self.header) };
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("size", &self.size())
            .field("label", &self.label())
            .finish_non_exhaustive()
    }
}

/// A stack as corosensei sees it, borrowed from a [`Stack`] by hand.
pub(crate) struct RawStack {
    header: NonNull<Header>,
}

impl RawStack {
    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: a raw stack never outlives the `Stack` that it came from: `Coroutine` holds both, in this order.
        unsafe { self.header.as_ref() }
    }
}

// SAFETY: base and limit delimit a range of mapped memory of at least `Stack::MIN_SIZE` bytes, with a guard
// page at the low end, that belongs to this stack alone; the base is a multiple of 64.
unsafe impl corosensei::stack::Stack for RawStack {
    #[inline]
    fn base(&self) -> NonZeroUsize {
        self.header.addr()
    }

    fn limit(&self) -> NonZeroUsize {
        let limit = self.header().slab().limit(self.header);
        NonZeroUsize::new(limit).expect("a mapping does not start at address zero")
    }

    #[cfg(windows)]
    fn teb_fields(&self) -> corosensei::stack::StackTebFields {
        self.header().slab().teb(|mapping| mapping.teb_fields())
    }

    #[cfg(windows)]
    fn update_teb_fields(&mut self, stack_limit: usize, guaranteed_stack_bytes: usize) {
        self.header()
            .slab()
            .teb(|mapping| mapping.update_teb_fields(stack_limit, guaranteed_stack_bytes));
    }
}

/// Checks a size and rounds it up to whole pages.
fn round_size(size: usize) -> Result<usize, StackError> {
    if size < Stack::MIN_SIZE {
        return Err(StackError::TooSmall { size, minimum: Stack::MIN_SIZE });
    }
    if size > Stack::MAX_SIZE {
        return Err(StackError::TooLarge { size, maximum: Stack::MAX_SIZE });
    }
    Ok(size.next_multiple_of(sys::page_size()))
}
