//! A flag that tasks wait for.

use std::cell::Cell;

use crate::contract::{Wait, charge};
use crate::{Result, WaitList};

/// A flag that one task sets and any number of tasks wait for. asyncio's `Event`.
///
/// # Examples
///
/// ```
/// use corio_futures::Event;
///
/// let event = Event::new();
/// assert!(!event.is_set());
/// event.set();
/// event.wait()?; // returns at once: nothing to wait for
/// # Ok::<(), corio_futures::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Event {
    set: Cell<bool>,
    waiters: WaitList,
}

impl Event {
    /// An event that is not set.
    pub const fn new() -> Self {
        Self { set: Cell::new(false), waiters: WaitList::new() }
    }

    /// Waits until the event is set. Returns at once, without yielding, if it is.
    ///
    /// A task that waits when [`set`](Self::set) is called goes on even if
    /// [`clear`](Self::clear) follows before it runs.
    ///
    /// # Cancellation
    ///
    /// Ends the wait; nothing is lost.
    ///
    /// # Errors
    ///
    /// As [`park`](crate::contract::park), if the event is not set.
    #[inline(always)]
    #[track_caller]
    pub fn wait(&self) -> Result<()> {
        charge()?;
        if self.set.get() {
            return Ok(());
        }
        Ok(self.waiters.wait(&Wait::new("an event"))?)
    }

    /// Sets the event and wakes the tasks that wait for it.
    pub fn set(&self) {
        if !self.set.replace(true) {
            self.waiters.notify_all();
        }
    }

    /// Unsets the event: from here on tasks wait for it again.
    pub fn clear(&self) {
        self.set.set(false);
    }

    /// Whether the event is set.
    pub fn is_set(&self) -> bool {
        self.set.get()
    }
}
