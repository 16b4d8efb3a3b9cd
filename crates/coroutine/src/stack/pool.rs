//! A thread's stacks.
//!
//! Coroutines never leave their thread, so the pool needs no lock and no atomic operation: it is one pointer in a
//! thread-local that has no destructor of its own, which makes reading it a single load.
//!
//! A coroutine may outlive the pool's turn among the destructors of thread-locals, when another thread-local
//! owns it. So the pool is a heap object which the end of the thread only *closes*; whoever returns the last
//! stack frees it. A stack that is made later still gets a closed pool of its own, which goes when the stack
//! does.

use std::cell::{Cell, UnsafeCell};
use std::ptr::{self, NonNull};

use super::class::Class;
use super::error::StackError;
use super::header::Header;
use super::options::{GuardMethod, StackOptions, StacksInUse};
use super::statistics::StackStatistics;
use super::{Stack, round_size};
use crate::overflow;

/// Which guard is in use, and whether it may be changed for another.
#[derive(Debug)]
pub(crate) struct Guarding {
    method: Cell<GuardMethod>,
    forced: bool,
}

impl Guarding {
    fn new(wish: Option<GuardMethod>) -> Self {
        let cheapest =
            if cfg!(target_os = "linux") { GuardMethod::Install } else { GuardMethod::Protect };
        Self { method: Cell::new(wish.unwrap_or(cheapest)), forced: wish.is_some() }
    }

    /// The method in use.
    pub(super) fn method(&self) -> GuardMethod {
        self.method.get()
    }

    /// Whether the user asked for it.
    pub(super) fn is_forced(&self) -> bool {
        self.forced
    }

    /// Goes over to the method that every system has.
    pub(super) fn fall_back(&self) {
        self.method.set(GuardMethod::Protect);
    }
}

/// The stacks of one thread.
pub(crate) struct Pool {
    /// The class asked for last, or null.
    current: Cell<*const Class>,
    classes: UnsafeCell<Vec<NonNull<Class>>>,
    guarding: Guarding,
    colour: bool,
    keep_resident: usize,
    closed: Cell<bool>,
    /// The next one of [`POOLS`], or null.
    next: Cell<*const Pool>,
}

thread_local! {
    /// This thread's pool; null before the first stack and after the thread's end has begun.
    static POOL: Cell<*const Pool> = const { Cell::new(ptr::null()) };
    /// All of this thread's pools that have not been freed, closed ones too: a list.
    static POOLS: Cell<*const Pool> = const { Cell::new(ptr::null()) };
    /// Whether the thread's end has begun.
    static ENDING: Cell<bool> = const { Cell::new(false) };
    /// Closes the pool at the thread's end.
    static CLOSER: Closer = const { Closer };
}

struct Closer;

impl Drop for Closer {
    fn drop(&mut self) {
        ENDING.set(true);
        if let Some(pool) = NonNull::new(POOL.replace(ptr::null()).cast_mut()) {
            // SAFETY: the pool that the thread-local points to is a live, leaked box, and is not used after this.
            unsafe { Pool::close(pool) };
        }
        overflow::leave_thread();
    }
}

/// A stack of `size` bytes from this thread's pool.
#[inline]
pub(super) fn take(size: usize) -> Result<NonNull<Header>, StackError> {
    let pool = POOL.get();
    if !pool.is_null() {
        // SAFETY: non-null, so it is this thread's live pool.
        let class = unsafe { (*pool).current.get() };
        if !class.is_null() {
            // SAFETY: classes live as long as their pool.
            let class = unsafe { &*class };
            if class.size() == size
                && let Some(header) = class.take_warm()
            {
                return Ok(header);
            }
        }
    }
    take_slow(size)
}

#[cold]
fn take_slow(size: usize) -> Result<NonNull<Header>, StackError> {
    let size = round_size(size)?;
    let pool = current();
    // SAFETY: `current` returns a live pool. A closed one is freed no sooner than when a stack comes back to it.
    let pool_ref = unsafe { pool.as_ref() };
    let class = pool_ref.class(size, pool);
    let taken = class.take();
    if taken.is_err() && pool_ref.is_closed() {
        // SAFETY: a closed pool made for this call only; without a stack, nobody else would free it.
        unsafe { Pool::free_if_idle(pool) };
    }
    taken
}

/// This thread's pool, made if need be.
fn current() -> NonNull<Pool> {
    if let Some(pool) = NonNull::new(POOL.get().cast_mut()) {
        return pool;
    }
    install(&StackOptions::new())
}

fn install(options: &StackOptions) -> NonNull<Pool> {
    let closed = ENDING.get();
    let pool = Box::new(Pool {
        current: Cell::new(ptr::null()),
        classes: UnsafeCell::new(Vec::new()),
        guarding: Guarding::new(options.guard),
        colour: options.colour,
        keep_resident: options.keep_resident,
        closed: Cell::new(closed),
        next: Cell::new(POOLS.get()),
    });
    let pool = NonNull::from(Box::leak(pool));
    POOLS.set(pool.as_ptr());
    if !closed {
        POOL.set(pool.as_ptr());
        CLOSER.with(|_| {});
        overflow::enter_thread();
    }
    pool
}

/// Runs `visit` on this thread's pool, if there is one.
fn with_current<R>(visit: impl FnOnce(&Pool) -> R) -> Option<R> {
    let pool = NonNull::new(POOL.get().cast_mut())?;
    // SAFETY: this thread's live pool, which only the thread's end closes.
    Some(visit(unsafe { pool.as_ref() }))
}

/// This thread's pools, closed ones too, the newest first.
fn pools() -> impl Iterator<Item = &'static Pool> {
    let mut next = POOLS.get();
    std::iter::from_fn(move || {
        // SAFETY: what is in the list is a live, leaked box. Those who iterate free none meanwhile, and keep none.
        let pool = unsafe { next.as_ref() }?;
        next = pool.next.get();
        Some(pool)
    })
}

/// The header of the stack of this thread that `address` lies in, if it has one.
pub(super) fn stack_at(address: usize) -> Option<NonNull<Header>> {
    pools().flat_map(Pool::each_class).find_map(|class| {
        let base = class.slabs().find_map(|slab| slab.base_at(address))?;
        class.is_warm(base).then_some(base)
    })
}

impl Pool {
    /// How stacks are guarded.
    pub(super) fn guarding(&self) -> &Guarding {
        &self.guarding
    }

    /// Whether the thread's end has begun.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Whether bases are spread over the cache.
    pub(super) fn colour(&self) -> bool {
        self.colour
    }

    /// How many bytes a stack keeps.
    pub(super) fn keep_resident(&self) -> usize {
        self.keep_resident
    }

    fn classes(&self) -> &[NonNull<Class>] {
        // SAFETY: not `Sync`; the list changes in `class` only, where no such slice is alive.
        unsafe { &*self.classes.get() }
    }

    fn each_class(&self) -> impl Iterator<Item = &Class> {
        // SAFETY: classes live as long as their pool.
        self.classes().iter().map(|class| unsafe { class.as_ref() })
    }

    /// The class of `size`, made if need be, and remembered as the current one.
    fn class(&self, size: usize, this: NonNull<Self>) -> &Class {
        let class = match self.each_class().find(|class| class.size() == size) {
            Some(class) => class,
            None => {
                let class = Box::leak(Box::new(Class::new(size, this)));
                if self.is_closed() {
                    class.close();
                }
                // SAFETY: not `Sync`, and no slice of the list is alive: the search above is over.
                let classes = unsafe { &mut *self.classes.get() };
                classes.push(NonNull::from(&mut *class));
                class
            }
        };
        self.current.set(class);
        class
    }

    /// The thread ends: whoever returns the last stack frees the pool.
    unsafe fn close(this: NonNull<Self>) {
        // SAFETY: the caller passes a live pool.
        let pool = unsafe { this.as_ref() };
        pool.closed.set(true);
        pool.each_class().for_each(Class::close);
        // SAFETY: live, and not used after this.
        unsafe { Self::free_if_idle(this) };
    }

    /// Frees a closed pool of which no stack is in use.
    ///
    /// # Safety
    ///
    /// `this` must be a live, closed pool, and neither it nor a class of it may be used afterwards.
    pub(super) unsafe fn free_if_idle(this: NonNull<Self>) {
        // SAFETY: the caller passes a live pool.
        let pool = unsafe { this.as_ref() };
        if pool.each_class().any(|class| class.live() > 0) {
            return;
        }
        for class in pool.classes() {
            // SAFETY: leaked in `class`, and no stack points to it any more.
            drop(unsafe { Box::from_raw(class.as_ptr()) });
        }
        let after = pool.next.get();
        match pools().find(|other| ptr::eq(other.next.get(), pool)) {
            Some(before) => before.next.set(after),
            None => POOLS.set(after),
        }
        // SAFETY: leaked in `install`; the thread-local does not point to it, as it is closed.
        drop(unsafe { Box::from_raw(this.as_ptr()) });
    }
}

impl StackOptions {
    /// Makes this thread's pool with these options.
    ///
    /// # Errors
    ///
    /// [`StacksInUse`] if the thread already has a pool, that is, if it ever made a stack.
    pub fn apply(&self) -> Result<(), StacksInUse> {
        if !POOL.get().is_null() || ENDING.get() {
            return Err(StacksInUse);
        }
        install(self);
        Ok(())
    }
}

/// What this thread's stacks amount to, without asking the system.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{Stack, statistics};
///
/// let before = statistics().live;
/// let stack = Stack::new(Stack::DEFAULT_SIZE)?;
/// assert_eq!(statistics().live, before + 1);
/// drop(stack);
/// assert_eq!(statistics().live, before);
/// assert!(statistics().pooled >= 1);
/// # Ok::<(), corio_coroutine::StackError>(())
/// ```
#[must_use]
pub fn statistics() -> StackStatistics {
    let empty = StackStatistics {
        live: 0,
        pooled: 0,
        slabs: 0,
        mapped_bytes: 0,
        guard: Guarding::new(None).method(),
    };
    with_current(|pool| {
        let mut sum = StackStatistics { guard: pool.guarding.method(), ..empty.clone() };
        for class in pool.each_class() {
            sum.live += class.live();
            sum.pooled += class.pooled();
            for slab in class.slabs() {
                sum.slabs += 1;
                sum.mapped_bytes += slab.mapped_bytes();
            }
        }
        sum
    })
    .unwrap_or(empty)
}

/// How many bytes of this thread's stacks are in memory, used and pooled ones.
///
/// Asks the system about every stack that was ever used, which takes about a millisecond for each gigabyte of address
/// space, though less for stacks of more than 2 MiB, which are followed down to where they have not been touched: for
/// reports, not for loops.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{Stack, resident_bytes};
///
/// let _stack = Stack::new(Stack::DEFAULT_SIZE)?;
/// assert!(resident_bytes() >= 4096);
/// # Ok::<(), corio_coroutine::StackError>(())
/// ```
#[must_use]
pub fn resident_bytes() -> usize {
    with_current(|pool| {
        pool.each_class().flat_map(Class::slabs).map(super::slab::Slab::resident_bytes).sum()
    })
    .unwrap_or(0)
}

/// Gives all memory of this thread's unused stacks back to the system, at once.
///
/// Pools do this by themselves, gradually, while stacks come and go; this is for the moment when a program
/// knows that a peak is over.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{Stack, statistics, trim};
///
/// drop(Stack::new(Stack::DEFAULT_SIZE)?);
/// trim();
/// assert_eq!(statistics().pooled, 0);
/// # Ok::<(), corio_coroutine::StackError>(())
/// ```
pub fn trim() {
    with_current(|pool| pool.each_class().for_each(Class::trim));
}

/// Shows the stack of this thread whose guard page holds `address` to `visit`: for the signal handler.
#[cfg_attr(
    not(all(unix, feature = "overflow-report")),
    expect(dead_code, reason = "only the overflow report asks")
)]
pub(crate) fn with_guarded<R>(address: usize, visit: impl FnOnce(&Stack) -> R) -> Option<R> {
    with_current(|pool| {
        let header = pool.each_class().find_map(|class| {
            let header = class.slabs().find_map(|slab| slab.guard_hit(address))?;
            class.is_warm(header).then_some(header)
        })?;
        // Not dropped: the stack belongs to the code that overflowed it.
        let stack = std::mem::ManuallyDrop::new(Stack { header });
        Some(visit(&stack))
    })?
}
