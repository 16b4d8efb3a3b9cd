//! What all queues have in common: who waits, how much room there is, what is unfinished.

use std::cell::{Cell, RefCell};
use std::fmt;

use super::{GetNowaitError, Iter, PutError, PutNowaitError, Storage};
use crate::contract::{Wait, charge};
use crate::{QueueShutDown, Result, TooManyTasksDone, WaitList};

/// A queue over any [`Storage`]: [`Queue`](super::Queue), [`LifoQueue`](super::LifoQueue),
/// [`PriorityQueue`](super::PriorityQueue) and yours.
///
/// # Examples
///
/// ```
/// use corio_futures::{Queue, Result};
///
/// fn worker(jobs: &Queue<u32>) -> Result<u32> {
///     let mut sum = 0;
///     for job in jobs {
///         sum += job?; // an error if the worker is cancelled
///         jobs.task_done()?;
///     }
///     Ok(sum) // the queue is shut down
/// }
///
/// let jobs = Queue::bounded(10);
/// jobs.put(1)?;
/// jobs.put(2)?;
/// jobs.shutdown();
/// assert_eq!(worker(&jobs)?, 3);
/// jobs.join()?; // all jobs are done
/// # Ok::<(), corio_futures::Error>(())
/// ```
pub struct BaseQueue<S> {
    items: RefCell<S>,
    /// `usize::MAX` if it is unbounded.
    maxsize: usize,
    getters: WaitList,
    putters: WaitList,
    /// For the places of those who wait, which they keep when they are woken in vain.
    places: Cell<u64>,
    /// Items that were put and not followed by a `task_done`.
    unfinished: Cell<usize>,
    joiners: WaitList,
    shut_down: Cell<bool>,
}

impl<S: Storage> BaseQueue<S> {
    /// A queue for at most `maxsize` items; 0 is no limit, as in asyncio.
    pub fn new(maxsize: usize) -> Self {
        Self {
            items: RefCell::default(),
            maxsize: if maxsize == 0 { usize::MAX } else { maxsize },
            getters: WaitList::new(),
            putters: WaitList::new(),
            places: Cell::new(1),
            unfinished: Cell::new(0),
            joiners: WaitList::new(),
            shut_down: Cell::new(false),
        }
    }

    /// A queue for at most `maxsize` items. Who puts more waits.
    ///
    /// # Panics
    ///
    /// If that is none: nothing could ever be put.
    #[track_caller]
    pub fn bounded(maxsize: usize) -> Self {
        assert!(maxsize > 0, "a queue without room for an item: nothing could ever be put");
        Self::new(maxsize)
    }

    /// A queue for any number of items. Putting never waits.
    pub fn unbounded() -> Self {
        Self::new(0)
    }

    /// Puts an item. Waits while the queue is full; does not yield if it is not.
    ///
    /// # Cancellation
    ///
    /// The task leaves the line, and the item comes back in the error. If it had been woken, the
    /// next in line has the room.
    ///
    /// # Errors
    ///
    /// With the item: [`QueueShutDown`]; as [`park`](crate::contract::park), if the task has to
    /// wait.
    #[inline(always)]
    #[track_caller]
    pub fn put(&self, item: S::Item) -> Result<(), PutError<S::Item>> {
        if let Err(error) = charge() {
            return Err(PutError { item, error });
        }
        if (self.shut_down.get() || self.is_full())
            && let Err(error) = self.wait_for_room()
        {
            return Err(PutError { item, error });
        }
        self.push(item);
        Ok(())
    }

    /// Puts an item if there is room now.
    ///
    /// # Errors
    ///
    /// With the item: that there is none, or that the queue is shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_futures::{PutNowaitError, Queue};
    ///
    /// let queue = Queue::bounded(1);
    /// queue.put_nowait("first")?;
    /// assert_eq!(queue.put_nowait("second"), Err(PutNowaitError::Full("second")));
    /// # Ok::<(), corio_futures::Error>(())
    /// ```
    #[inline]
    pub fn put_nowait(&self, item: S::Item) -> Result<(), PutNowaitError<S::Item>> {
        if self.shut_down.get() {
            return Err(PutNowaitError::ShutDown(item));
        }
        if self.is_full() {
            return Err(PutNowaitError::Full(item));
        }
        self.push(item);
        Ok(())
    }

    /// Takes an item out. Waits while there is none; does not yield if there is one.
    ///
    /// # Cancellation
    ///
    /// The task leaves the line. If it had been woken, the next in line has the item.
    ///
    /// # Errors
    ///
    /// [`QueueShutDown`] if the queue is shut down and empty; as [`park`](crate::contract::park),
    /// if the task has to wait.
    #[inline(always)]
    #[track_caller]
    pub fn get(&self) -> Result<S::Item> {
        self.next_item()?.ok_or_else(|| QueueShutDown.into())
    }

    /// Takes an item out if there is one now.
    ///
    /// # Errors
    ///
    /// That there is none, or that the queue is shut down and empty.
    #[inline]
    pub fn get_nowait(&self) -> Result<S::Item, GetNowaitError> {
        self.pop().ok_or_else(|| match self.shut_down.get() {
            true => GetNowaitError::ShutDown,
            false => GetNowaitError::Empty,
        })
    }

    /// The items as they come, until the queue is shut down: what `for item in &queue` uses.
    ///
    /// Several tasks may iterate at once; each item goes to one of them.
    pub fn iter(&self) -> Iter<'_, S> {
        Iter::new(self)
    }

    /// Says that the work on an item that was got is done. See [`join`](Self::join).
    ///
    /// # Errors
    ///
    /// [`TooManyTasksDone`] if this was said of every item already.
    pub fn task_done(&self) -> Result<(), TooManyTasksDone> {
        let left = self.unfinished.get().checked_sub(1).ok_or(TooManyTasksDone)?;
        self.set_unfinished(left);
        Ok(())
    }

    /// Waits until [`task_done`](Self::task_done) was called for every item that was put.
    ///
    /// Returns at once, without yielding, if nothing is unfinished.
    ///
    /// # Cancellation
    ///
    /// Ends the wait; nothing is lost.
    ///
    /// # Errors
    ///
    /// As [`park`](crate::contract::park), if the task has to wait.
    #[track_caller]
    pub fn join(&self) -> Result<()> {
        charge()?;
        if self.unfinished.get() == 0 {
            return Ok(());
        }
        Ok(self.joiners.wait(&Wait::new("the items of a queue to be done"))?)
    }

    /// Ends the queue: nothing can be put any more, and what is in it can still be got.
    ///
    /// Who waits to put, or waits in vain to get, gets [`QueueShutDown`].
    pub fn shutdown(&self) {
        self.shut_down.set(true);
        self.getters.notify_all();
        self.putters.notify_all();
    }

    /// Ends the queue and empties it. asyncio's `shutdown(immediate=True)`.
    ///
    /// The items count as done. They are returned in the order in which they would have been got,
    /// for whoever has a use for them.
    pub fn shutdown_now(&self) -> Vec<S::Item> {
        // Taken out first: what is dropped or compared then may use this queue.
        let mut items = self.items.take();
        let items: Vec<_> = std::iter::from_fn(|| items.pop()).collect();
        self.shutdown();
        self.set_unfinished(self.unfinished.get().saturating_sub(items.len()));
        items
    }

    /// How many items are in the queue. asyncio's `qsize`.
    #[inline]
    pub fn len(&self) -> usize {
        self.items.borrow().len()
    }

    /// Whether there is nothing to get now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there is no room for another item now.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len() >= self.maxsize
    }

    /// How many items there may be; `None` if there is no limit.
    pub fn maxsize(&self) -> Option<usize> {
        (self.maxsize < usize::MAX).then_some(self.maxsize)
    }

    /// Whether the queue was shut down. There may be items in it still.
    pub fn is_shut_down(&self) -> bool {
        self.shut_down.get()
    }

    /// As `get`, with `None` for a queue that is shut down and empty.
    #[inline(always)]
    #[track_caller]
    pub(super) fn next_item(&self) -> Result<Option<S::Item>> {
        charge()?;
        match self.pop() {
            Some(item) => Ok(Some(item)),
            None => self.wait_for_item(),
        }
    }

    // Inlined: see the module of `WaitList`.
    #[inline(always)]
    #[track_caller]
    fn wait_for_item(&self) -> Result<Option<S::Item>> {
        let wait = Wait::new("an item of a queue");
        let place = self.new_place();
        while !self.shut_down.get() {
            self.getters.wait_ranked(&wait, place, || self.pass_item_on())?;
            if let Some(item) = self.pop() {
                return Ok(Some(item));
            }
            // Another was quicker.
        }
        Ok(None)
    }

    // Inlined: see the module of `WaitList`.
    #[inline(always)]
    #[track_caller]
    fn wait_for_room(&self) -> Result<()> {
        let wait = Wait::new("room in a queue");
        let place = self.new_place();
        loop {
            if self.shut_down.get() {
                return Err(QueueShutDown.into());
            }
            if !self.is_full() {
                return Ok(());
            }
            self.putters.wait_ranked(&wait, place, || self.pass_room_on())?;
        }
    }

    #[cold]
    fn pass_item_on(&self) {
        if !self.is_empty() {
            self.getters.notify_one();
        }
    }

    #[cold]
    fn pass_room_on(&self) {
        if !self.is_full() {
            self.putters.notify_one();
        }
    }

    #[inline]
    fn push(&self, item: S::Item) {
        self.items.borrow_mut().push(item);
        self.unfinished.set(self.unfinished.get() + 1);
        self.getters.notify_one();
    }

    #[inline]
    fn pop(&self) -> Option<S::Item> {
        let item = self.items.borrow_mut().pop()?;
        self.putters.notify_one();
        Some(item)
    }

    fn set_unfinished(&self, left: usize) {
        self.unfinished.set(left);
        if left == 0 {
            self.joiners.notify_all();
        }
    }

    /// A place at the end of the line.
    fn new_place(&self) -> u64 {
        self.places.replace(self.places.get() + 1)
    }
}

/// Without a limit, as in asyncio.
impl<S: Storage> Default for BaseQueue<S> {
    fn default() -> Self {
        Self::unbounded()
    }
}

impl<S: Storage> fmt::Debug for BaseQueue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("maxsize", &self.maxsize())
            .field("getters", &self.getters.len())
            .field("putters", &self.putters.len())
            .field("unfinished", &self.unfinished.get())
            .field("shut_down", &self.shut_down.get())
            .finish()
    }
}
