//! Mutual exclusion among tasks.
//!
//! The lock is handed over: a release gives it to the task that has waited longest, and nobody else
//! can have it in between. So nobody barges in, and waiters take their turns in the order in which
//! they came.

use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::contract::{Wait, charge};
use crate::{Result, WaitList};

/// A lock that guards data, as [`std::sync::Mutex`] does, among the tasks of one thread.
///
/// asyncio's `Lock` is `Lock<()>`. Needed only where the data must not change *across a wait*:
/// between two waits a task is alone anyway.
///
/// Not re-entrant: a task that locks twice waits for itself.
///
/// # Examples
///
/// ```
/// use corio_futures::Lock;
///
/// let account = Lock::new(100);
/// {
///     let mut balance = account.lock()?;
///     *balance -= 30; // waits may follow here; nobody else sees the account meanwhile
/// }
/// assert_eq!(account.into_inner(), 70);
/// # Ok::<(), corio_futures::Error>(())
/// ```
pub struct Lock<T: ?Sized = ()> {
    /// Somebody holds the lock, or has been given it and has not gone on yet.
    taken: Cell<bool>,
    waiters: WaitList,
    // `taken` says who may borrow, so this never finds itself borrowed.
    value: RefCell<T>,
}

impl<T> Lock<T> {
    /// An unlocked lock around `value`.
    pub const fn new(value: T) -> Self {
        Self { taken: Cell::new(false), waiters: WaitList::new(), value: RefCell::new(value) }
    }

    /// The value, out of the lock.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Lock<T> {
    /// Waits until the lock is free and takes it. Does not yield if it is free already.
    ///
    /// # Cancellation
    ///
    /// The task leaves the queue. If the lock was just handed to it, the next in the queue has it.
    ///
    /// # Errors
    ///
    /// As [`park`](crate::contract::park), if the lock is held by another.
    // Inlined, as all that waits: see the module of `WaitList`.
    #[inline(always)]
    #[track_caller]
    pub fn lock(&self) -> Result<LockGuard<'_, T>> {
        charge()?;
        if self.taken.replace(true) {
            self.waiters.wait_or_pass_on(&Wait::new("a lock"), || self.release())?;
        }
        Ok(self.guard())
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        (!self.taken.replace(true)).then(|| self.guard())
    }

    /// Whether a task holds the lock. asyncio's `locked`.
    ///
    /// Between a release and the first step of the task that it was handed to, nobody does; and yet
    /// [`try_lock`](Self::try_lock) fails then, as nobody barges in.
    pub fn is_locked(&self) -> bool {
        self.value.try_borrow().is_err()
    }

    /// The value, without locking: `&mut` shows that nobody else can.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    fn guard(&self) -> LockGuard<'_, T> {
        LockGuard { value: self.value.borrow_mut(), release: Release(self) }
    }

    /// Gives the lock to the next in the queue.
    fn release(&self) {
        if !self.waiters.notify_one() {
            self.taken.set(false);
        }
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: ?Sized> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("locked", &self.is_locked())
            .field("waiting", &self.waiters.len())
            .finish_non_exhaustive()
    }
}

/// The right to a [`Lock`]'s value. Dropping it hands the lock to the next in the queue.
#[must_use = "the lock is released when the guard is dropped"]
pub struct LockGuard<'a, T: ?Sized> {
    // Fields drop in this order: the borrow ends before anybody else can have the lock.
    value: RefMut<'a, T>,
    release: Release<'a, T>,
}

impl<'a, T: ?Sized> LockGuard<'a, T> {
    /// The lock that this is of.
    // No method: it would hide one of the value's.
    pub(crate) fn lock_of(guard: &Self) -> &'a Lock<T> {
        guard.release.0
    }
}

/// Releases the lock when dropped.
struct Release<'a, T: ?Sized>(&'a Lock<T>);

impl<T: ?Sized> Drop for Release<'_, T> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<T: ?Sized> Deref for LockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> DerefMut for LockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
