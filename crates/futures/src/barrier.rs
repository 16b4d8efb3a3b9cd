//! A place where tasks meet.
//!
//! ```text
//!                     the last party arrives
//!     ┌─▶ Filling ─────────────────────────────▶ Draining ───┐
//!     │      │                                               │ the last one leaves
//!     │      │ reset, while tasks wait                       │
//!     │      └──────────────────────────────▶ Resetting ─────┤
//!     │                                           ▲          │
//!     ├───────────────────────────────────────────┼──────────┘
//!     │                                           │
//!     └──── reset ──── Broken ◀─── abort, in any state
//! ```
//!
//! While it is draining or resetting, those who come wait outside, for the next cycle. One that
//! is aborted or reset while it drains breaks for those who have not run since they were released.
//!
//! asyncio builds its barrier from a condition, whose lock is never contended; here it is a state
//! and two queues, so that [`abort`](Barrier::abort) and [`reset`](Barrier::reset) never wait.

use std::cell::Cell;
use std::fmt;

use crate::contract::{Wait, charge};
use crate::{BrokenBarrier, NoParties, Result, WaitList};

/// A place where tasks wait for one another, until so many have come. asyncio's `Barrier`.
///
/// # Examples
///
/// ```
/// use corio_futures::{Barrier, Result};
///
/// fn worker(barrier: &Barrier) -> Result<()> {
///     // … first phase …
///     let arrived = barrier.wait()?;
///     if arrived + 1 == barrier.parties() {
///         // One of them, the last to come, does what has to be done once.
///     }
///     // … second phase …
///     Ok(())
/// }
///
/// let alone = Barrier::new(1)?;
/// worker(&alone)?;
/// assert_eq!(alone.wait()?, 0);
/// # Ok::<(), corio_futures::Error>(())
/// ```
pub struct Barrier {
    parties: usize,
    state: Cell<State>,
    /// Tasks that have come and have not left.
    inside: Cell<usize>,
    /// Those inside who wait for the others.
    waiters: WaitList,
    /// Those who wait for the next cycle.
    outside: WaitList,
}

/// See the module's diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Filling,
    Draining,
    Resetting,
    Broken,
}

impl Barrier {
    /// A barrier for so many tasks.
    ///
    /// # Errors
    ///
    /// [`NoParties`] if that is none.
    pub const fn new(parties: usize) -> Result<Self, NoParties> {
        if parties == 0 {
            return Err(NoParties);
        }
        Ok(Self {
            parties,
            state: Cell::new(State::Filling),
            inside: Cell::new(0),
            waiters: WaitList::new(),
            outside: WaitList::new(),
        })
    }

    /// Waits until as many tasks as the barrier has parties wait here.
    ///
    /// Gives the number of those who were here already: 0 for the first, one less than there are
    /// parties for the last, which does not yield. As in asyncio, those between may share a number
    /// if one left early; the last is always one alone.
    ///
    /// # Cancellation
    ///
    /// The task leaves; its place is free for another. The others are not disturbed.
    ///
    /// # Errors
    ///
    /// [`BrokenBarrier`] if the barrier is aborted, or reset while this task waits. As
    /// [`park`](crate::contract::park) otherwise.
    #[track_caller]
    pub fn wait(&self) -> Result<usize> {
        charge()?;
        let wait = Wait::new("a barrier");
        while matches!(self.state.get(), State::Draining | State::Resetting) {
            self.outside.wait(&wait)?;
        }
        if self.broken() {
            return Err(BrokenBarrier.into());
        }
        let index = self.inside.get();
        self.inside.set(index + 1);
        let _inside = Inside(self);
        if index + 1 == self.parties {
            self.state.set(State::Draining);
            self.waiters.notify_all();
        } else {
            self.waiters.wait(&wait)?;
            // It cannot be filling again before this task has left.
            if self.state.get() != State::Draining {
                return Err(BrokenBarrier.into());
            }
        }
        Ok(index)
    }

    /// Sends those away who wait, and begins anew: mends a barrier that is broken, too.
    ///
    /// Who waits gets [`BrokenBarrier`]; those who come later wait for the next cycle.
    pub fn reset(&self) {
        if self.inside.get() > 0 {
            self.state.set(State::Resetting);
            self.waiters.notify_all();
        } else {
            self.begin();
        }
    }

    /// Breaks the barrier: who waits, and who comes until it is [`reset`](Self::reset), gets
    /// [`BrokenBarrier`].
    ///
    /// For a party that will not come because it has failed.
    pub fn abort(&self) {
        self.state.set(State::Broken);
        self.waiters.notify_all();
        self.outside.notify_all();
    }

    /// How many tasks it takes.
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many tasks wait for the others to come. None while they leave.
    pub fn n_waiting(&self) -> usize {
        if self.state.get() == State::Filling { self.inside.get() } else { 0 }
    }

    /// Whether it was aborted and not reset since.
    pub fn broken(&self) -> bool {
        self.state.get() == State::Broken
    }

    fn begin(&self) {
        self.state.set(State::Filling);
        self.outside.notify_all();
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties)
            .field("state", &self.state.get())
            .field("waiting", &self.n_waiting())
            .finish_non_exhaustive()
    }
}

/// A task's place inside, until it leaves for whatever reason.
struct Inside<'a>(&'a Barrier);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let Self(barrier) = self;
        barrier.inside.set(barrier.inside.get() - 1);
        let ends = matches!(barrier.state.get(), State::Draining | State::Resetting);
        if barrier.inside.get() == 0 && ends {
            barrier.begin();
        }
    }
}
