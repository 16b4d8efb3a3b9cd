//! A number of permits, of which tasks take one each.
//!
//! Permits are handed over, as locks are: a permit that comes back goes to the task that has
//! waited longest, before that task runs. A task that comes meanwhile waits behind it, even if
//! there is a permit for both; the one that was woken lets it in. So the order is that of asking,
//! without exception. (asyncio had this wrong until 2022.)
//!
//! Deliberately absent: taking several permits at once. It needs a queue in which a large request
//! blocks small ones, or one in which it starves; asyncio has neither.

use std::cell::Cell;
use std::fmt;

use crate::contract::{Wait, charge};
use crate::{Result, TooManyPermits, WaitList};

/// So many permits, for which tasks wait. asyncio's `Semaphore`.
///
/// # Examples
///
/// ```
/// use corio_futures::Semaphore;
///
/// let connections = Semaphore::new(2);
/// {
///     let _one = connections.acquire()?;
///     let _two = connections.acquire()?;
///     assert!(connections.is_locked()); // a third would wait here
/// }
/// assert!(!connections.is_locked());
/// # Ok::<(), corio_futures::Error>(())
/// ```
pub struct Semaphore {
    permits: Cell<usize>,
    /// Tasks inside `acquire`: those in `waiters`, and those that were given a permit and have
    /// not run since.
    arriving: Cell<usize>,
    waiters: WaitList,
    /// Permits taken for good.
    forgotten: Cell<usize>,
}

impl Semaphore {
    /// A semaphore with so many permits.
    pub const fn new(permits: usize) -> Self {
        Self {
            permits: Cell::new(permits),
            arriving: Cell::new(0),
            waiters: WaitList::new(),
            forgotten: Cell::new(0),
        }
    }

    /// Waits until there is a permit and takes it. Does not yield if there is one already.
    ///
    /// # Cancellation
    ///
    /// The task leaves the queue. If a permit was just given to it, the next in the queue has it.
    ///
    /// # Errors
    ///
    /// As [`park`](crate::contract::park), if the task has to wait.
    #[inline(always)]
    #[track_caller]
    pub fn acquire(&self) -> Result<Permit<'_>> {
        charge()?;
        if let Some(permit) = self.try_acquire() {
            return Ok(permit);
        }
        let _arriving = Arriving::new(self);
        self.waiters.wait_or_pass_on(&Wait::new("a permit"), || self.put_back(1))?;
        Ok(Permit { semaphore: self })
    }

    /// Takes a permit if there is one and nobody waits for it.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        if self.is_locked() {
            return None;
        }
        self.permits.set(self.permits.get() - 1);
        Some(Permit { semaphore: self })
    }

    /// Adds permits: asyncio's `release`, for a permit that was [forgotten](Permit::forget) or
    /// never was.
    ///
    /// # Examples
    ///
    /// One task counts up, another down:
    ///
    /// ```
    /// use corio_futures::{Result, Semaphore};
    ///
    /// fn consume(available: &Semaphore) -> Result<()> {
    ///     available.acquire()?.forget();
    ///     Ok(())
    /// }
    ///
    /// let available = Semaphore::new(0);
    /// available.add_permits(2);
    /// consume(&available)?;
    /// consume(&available)?;
    /// assert!(available.is_locked());
    /// # Ok::<(), corio_futures::Error>(())
    /// ```
    pub fn add_permits(&self, permits: usize) {
        self.put_back(permits);
    }

    /// Whether a task that wants a permit must wait: there is none, or others were there first.
    ///
    /// The latter holds even if there is a permit, until those who were woken have run.
    pub fn is_locked(&self) -> bool {
        self.permits.get() == 0 || self.arriving.get() > 0
    }

    fn put_back(&self, permits: usize) {
        self.permits.set(self.permits.get().saturating_add(permits));
        self.hand_out();
    }

    /// Gives permits to those who wait, as far as they go.
    fn hand_out(&self) {
        while self.permits.get() > 0 && self.waiters.notify_one() {
            self.permits.set(self.permits.get() - 1);
        }
    }
}

/// asyncio's default: one permit.
impl Default for Semaphore {
    fn default() -> Self {
        Self::new(1)
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("permits", &self.permits.get())
            .field("waiting", &self.waiters.len())
            .finish_non_exhaustive()
    }
}

/// Counts a task among those who came first, until it leaves `acquire`.
struct Arriving<'a>(&'a Semaphore);

impl<'a> Arriving<'a> {
    fn new(semaphore: &'a Semaphore) -> Self {
        semaphore.arriving.set(semaphore.arriving.get() + 1);
        Self(semaphore)
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        let Self(semaphore) = self;
        semaphore.arriving.set(semaphore.arriving.get() - 1);
        // Those who came after this task was woken had to wait even if there were permits.
        semaphore.hand_out();
    }
}

/// A permit of a [`Semaphore`] or a [`BoundedSemaphore`]. Goes back when it is dropped.
#[must_use = "the permit goes back when this is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
}

impl Permit<'_> {
    /// Takes the permit out of circulation, until somebody adds one.
    pub fn forget(self) {
        self.semaphore.forgotten.set(self.semaphore.forgotten.get() + 1);
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.semaphore.put_back(1);
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.semaphore).finish()
    }
}

/// A semaphore that never has more permits than at first. asyncio's `BoundedSemaphore`.
///
/// A [`Permit`] goes back once, so what can go wrong is only to add one that nobody has taken.
///
/// # Examples
///
/// ```
/// use corio_futures::BoundedSemaphore;
///
/// let seats = BoundedSemaphore::new(1);
/// assert!(seats.add_permits(1).is_err());
/// seats.acquire()?.forget();
/// seats.add_permits(1)?; // for the one that was forgotten
/// assert!(!seats.is_locked());
/// # Ok::<(), corio_futures::Error>(())
/// ```
pub struct BoundedSemaphore {
    semaphore: Semaphore,
    bound: usize,
}

impl BoundedSemaphore {
    /// A semaphore with so many permits, and never more.
    pub const fn new(permits: usize) -> Self {
        Self { semaphore: Semaphore::new(permits), bound: permits }
    }

    /// Waits until there is a permit and takes it. Does not yield if there is one already.
    ///
    /// # Cancellation
    ///
    /// As [`Semaphore::acquire`].
    ///
    /// # Errors
    ///
    /// As [`Semaphore::acquire`].
    #[inline(always)]
    #[track_caller]
    pub fn acquire(&self) -> Result<Permit<'_>> {
        self.semaphore.acquire()
    }

    /// Takes a permit if there is one and nobody waits for it.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.semaphore.try_acquire()
    }

    /// Adds permits for as many that were [forgotten](Permit::forget). asyncio's `release`.
    ///
    /// # Errors
    ///
    /// [`TooManyPermits`] if fewer were forgotten than are to be added; then none is.
    pub fn add_permits(&self, permits: usize) -> Result<(), TooManyPermits> {
        let forgotten = self.semaphore.forgotten.get();
        let left = forgotten.checked_sub(permits).ok_or(TooManyPermits)?;
        self.semaphore.forgotten.set(left);
        self.semaphore.put_back(permits);
        debug_assert!(self.semaphore.permits.get() <= self.bound);
        Ok(())
    }

    /// Whether a task that wants a permit must wait, as [`Semaphore::is_locked`] has it.
    pub fn is_locked(&self) -> bool {
        self.semaphore.is_locked()
    }

    /// How many permits there are in all: free, taken or forgotten.
    pub fn bound(&self) -> usize {
        self.bound
    }
}

/// asyncio's default: one permit.
impl Default for BoundedSemaphore {
    fn default() -> Self {
        Self::new(1)
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedSemaphore")
            .field("permits", &self.semaphore.permits.get())
            .field("bound", &self.bound)
            .field("waiting", &self.semaphore.waiters.len())
            .finish_non_exhaustive()
    }
}
