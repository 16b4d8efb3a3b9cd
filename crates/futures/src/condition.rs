//! Waiting for data under a lock to change.
//!
//! A task that holds the lock and does not like what it finds waits; another changes the data and
//! notifies. asyncio and std leave it to the caller to hold the lock meanwhile, and fail if it does
//! not. Here waiting and notifying are methods of the guard, so there is no such mistake:
//!
//! ```compile_fail,E0599
//! corio_futures::Condition::new(0).notify_all(); // nobody holds the lock
//! ```
//!
//! A notification that a task can make no use of, since it was cancelled, goes to another. Like
//! asyncio, a cancelled wait always notifies another, needed or not; so a task may be woken for
//! nothing, and looks again: [`ConditionGuard::wait_for`] does.
//!
//! Deliberately absent: a wait that gives up its lock when it fails. Whoever holds a guard holds
//! the lock.

use std::borrow::Borrow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::contract::{Running, Wait};
use crate::{CannotWait, Error, Lock, LockGuard, Result, WaitList};

/// A lock, and a queue of tasks that wait for what it guards to change. asyncio's `Condition`.
///
/// It owns its lock, unless it is made by [`with_lock`](Self::with_lock); then several conditions
/// may share one.
///
/// # Examples
///
/// ```
/// use corio_futures::{Condition, Result};
///
/// fn take(stock: &Condition<Vec<&'static str>>) -> Result<&'static str> {
///     let mut stock = stock.lock()?;
///     stock.wait_for(|stock| !stock.is_empty())?; // the lock is free while this waits
///     Ok(stock.remove(0))
/// }
///
/// fn give(stock: &Condition<Vec<&'static str>>, item: &'static str) -> Result<()> {
///     let mut stock = stock.lock()?;
///     stock.push(item);
///     stock.notify(1);
///     Ok(())
/// }
///
/// let stock = Condition::new(Vec::new());
/// give(&stock, "tea")?;
/// assert_eq!(take(&stock)?, "tea");
/// # Ok::<(), corio_futures::Error>(())
/// ```
pub struct Condition<T = (), L = Lock<T>> {
    lock: L,
    waiters: WaitList,
    guarded: PhantomData<T>,
}

impl<T> Condition<T> {
    /// A condition on `value`, with a lock of its own.
    pub const fn new(value: T) -> Self {
        Self { lock: Lock::new(value), waiters: WaitList::new(), guarded: PhantomData }
    }

    /// The value, out of its lock.
    pub fn into_inner(self) -> T {
        self.lock.into_inner()
    }
}

impl<T, L: Borrow<Lock<T>>> Condition<T, L> {
    /// A condition on what `lock` guards: a reference to a lock, or an `Rc` of one.
    ///
    /// # Examples
    ///
    /// A buffer with a condition for either end:
    ///
    /// ```
    /// use corio_futures::{Condition, Lock};
    ///
    /// let buffer = Lock::new(Vec::new());
    /// let (not_empty, not_full) = (Condition::with_lock(&buffer), Condition::with_lock(&buffer));
    ///
    /// let mut guard = not_full.lock()?;
    /// guard.wait_for(|buffer| buffer.len() < 10)?;
    /// guard.push("tea");
    /// not_empty.attach(guard.into()).notify(1);
    /// # Ok::<(), corio_futures::Error>(())
    /// ```
    pub const fn with_lock(lock: L) -> Self {
        Self { lock, waiters: WaitList::new(), guarded: PhantomData }
    }

    /// Waits until the lock is free and takes it, as [`Lock::lock`] does.
    ///
    /// # Cancellation
    ///
    /// As [`Lock::lock`].
    ///
    /// # Errors
    ///
    /// As [`Lock::lock`].
    #[track_caller]
    pub fn lock(&self) -> Result<ConditionGuard<'_, T>> {
        Ok(self.guard(self.lock.borrow().lock()?))
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<ConditionGuard<'_, T>> {
        self.lock.borrow().try_lock().map(|guard| self.guard(guard))
    }

    /// Makes a guard of this condition from one of its lock, or of another condition on that lock.
    ///
    /// # Panics
    ///
    /// If `guard` is of another lock.
    #[track_caller]
    pub fn attach<'a>(&'a self, guard: LockGuard<'a, T>) -> ConditionGuard<'a, T> {
        assert!(
            std::ptr::eq(LockGuard::lock_of(&guard), self.lock.borrow()),
            "the guard is not of this condition's lock"
        );
        self.guard(guard)
    }

    /// Whether a task holds the lock, as [`Lock::is_locked`] has it.
    pub fn is_locked(&self) -> bool {
        self.lock.borrow().is_locked()
    }

    fn guard<'a>(&'a self, guard: LockGuard<'a, T>) -> ConditionGuard<'a, T> {
        let lock = LockGuard::lock_of(&guard);
        ConditionGuard { waiters: &self.waiters, lock, guard: Some(guard) }
    }
}

impl<T: Default> Default for Condition<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T, L: Borrow<Lock<T>>> fmt::Debug for Condition<T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition")
            .field("locked", &self.is_locked())
            .field("waiting", &self.waiters.len())
            .finish_non_exhaustive()
    }
}

/// The right to a [`Condition`]'s value, to wait for it to change, and to say that it has.
///
/// Dropping it hands the lock to the next in the queue for it.
#[must_use = "the lock is released when the guard is dropped"]
pub struct ConditionGuard<'a, T> {
    waiters: &'a WaitList,
    lock: &'a Lock<T>,
    /// None only during a wait, while this is borrowed, and after one that panicked.
    guard: Option<LockGuard<'a, T>>,
}

impl<T> ConditionGuard<'_, T> {
    /// Releases the lock, waits for a notification, and takes the lock again.
    ///
    /// May return without cause. [`wait_for`](Self::wait_for) looks whether there was one.
    ///
    /// # Cancellation
    ///
    /// Ends the wait; but the lock is taken again first, so that the guard is what it was. A
    /// cancellation that arrives meanwhile is kept until then. If there are several, the last is
    /// what is returned. Another task is notified instead.
    ///
    /// # Errors
    ///
    /// As [`park`](crate::contract::park). Where nothing can wait at all, the lock is not released.
    ///
    /// # Panics
    ///
    /// If the loop ends the wait *for the lock* for a reason other than a cancellation, such as a
    /// deadlock: there is no returning without the lock.
    #[track_caller]
    pub fn wait(&mut self) -> Result<()> {
        let wait = Wait::new("a condition");
        check_can_wait(wait.what())?;
        let notify_another = NotifyAnother(self.waiters);
        self.guard = None;
        let woken = self.waiters.wait(&wait);
        match self.lock_again() {
            None => woken?,
            Some(cancelled) => return Err(cancelled),
        }
        std::mem::forget(notify_another);
        Ok(())
    }

    /// Waits until `predicate` says so; does not wait at all if it does at once.
    ///
    /// It is asked before the first wait, and after each with the lock held.
    ///
    /// # Cancellation
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    ///
    /// # Panics
    ///
    /// As [`wait`](Self::wait).
    #[track_caller]
    pub fn wait_for(&mut self, mut predicate: impl FnMut(&mut T) -> bool) -> Result<()> {
        while !predicate(self) {
            self.wait()?;
        }
        Ok(())
    }

    /// Wakes the `n` tasks that have waited longest, or as many as there are.
    ///
    /// They go on when they get the lock, which this does not release.
    pub fn notify(&self, n: usize) {
        for _ in 0..n {
            if !self.waiters.notify_one() {
                break;
            }
        }
    }

    /// Wakes all tasks that wait.
    ///
    /// They go on, one after the other, when they get the lock, which this does not release.
    pub fn notify_all(&self) {
        self.waiters.notify_all();
    }

    /// Takes the lock, come what may. Gives the last cancellation that came meanwhile.
    #[track_caller]
    fn lock_again(&mut self) -> Option<Error> {
        let mut last = None;
        loop {
            match self.lock.lock() {
                Ok(guard) => {
                    self.guard = Some(guard);
                    return last;
                }
                Err(error) if error.is_cancelled() => last = Some(error),
                // Whoever broke this wait will break the next one too.
                Err(error) => panic!("the lock of a condition cannot be taken again: {error}"),
            }
        }
    }
}

/// Says that waiting is impossible, if it is, before anything is given up for it.
fn check_can_wait(what: &'static str) -> Result<()> {
    Running::current(what)?;
    if std::thread::panicking() {
        return Err(CannotWait::Unwinding(what).into());
    }
    Ok(())
}

/// Notifies another task when a wait fails: this one may have been notified as well.
struct NotifyAnother<'a>(&'a WaitList);

impl Drop for NotifyAnother<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// The lock alone, for another condition to [`attach`](Condition::attach).
impl<'a, T> From<ConditionGuard<'a, T>> for LockGuard<'a, T> {
    fn from(guard: ConditionGuard<'a, T>) -> Self {
        guard.guard.expect("no wait is going on")
    }
}

impl<T> Deref for ConditionGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.guard.as_ref().expect("no wait is going on")
    }
}

impl<T> DerefMut for ConditionGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_mut().expect("no wait is going on")
    }
}

impl<T: fmt::Debug> fmt::Debug for ConditionGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
