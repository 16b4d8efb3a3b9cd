//! The queue of tasks that wait for one thing.
//!
//! First in, first out, under every lock, queue and future. A waiting task's node lives on that
//! task's own stack, so waiting allocates nothing; the node is linked when the wait begins and
//! unlinked before the frame that owns it is left, by return and by unwinding alike.
//!
//! Wake-ups are handed over: [`notify_one`](WaitList::notify_one) takes the first task out of the
//! list, so no second call can spend its wake-up on the same task. A task that gives up after it
//! was notified learns so from [`Interrupted::notified`] and must pass the wake-up on, or it is
//! lost: that is the bug which asyncio's locks had for years.
//!
//! The waits are inlined down to the task's [exit](crate::contract#the-exit), here and in what is
//! built on this: each frame between a task's own code and the switch is a `ret` that the processor
//! predicts to go where another task's would. Linking and unlinking are not, as they return before.
//!
//! Deliberately absent: waiting with a timeout. A timeout is a cancellation, and the loop's.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomPinned;
use std::mem;
use std::pin::{Pin, pin};
use std::ptr::NonNull;

use crate::contract::{Running, Wait};
use crate::{Error, Result};

/// A queue of waiting tasks, first in, first out.
///
/// # Examples
///
/// A gate that lets one task through for each call of `open`:
///
/// ```
/// use corio_futures::{contract::Wait, Result, WaitList};
///
/// struct Gate {
///     waiters: WaitList,
/// }
///
/// impl Gate {
///     fn pass(&self) -> Result<()> {
///         self.waiters.wait(&Wait::new("the gate")).map_err(|interrupted| {
///             if interrupted.notified {
///                 self.open(); // let another through in our place
///             }
///             interrupted.error
///         })
///     }
///
///     fn open(&self) {
///         self.waiters.notify_one();
///     }
/// }
/// ```
#[derive(Default)]
pub struct WaitList {
    head: Cell<Option<NonNull<Node>>>,
    tail: Cell<Option<NonNull<Node>>>,
    len: Cell<usize>,
}

/// A wait that ended by an error.
#[derive(Debug)]
pub struct Interrupted {
    /// Why: the task was cancelled, or could not be suspended.
    pub error: Error,
    /// Whether the task was notified as well. If so, the wake-up is its to pass on.
    pub notified: bool,
}

impl From<Interrupted> for Error {
    fn from(interrupted: Interrupted) -> Self {
        interrupted.error
    }
}

/// One waiting task. Pinned: its neighbours in the list point to it.
struct Node {
    /// Alive, as the node's own frame is one of it.
    task: Running,
    state: Cell<NodeState>,
    /// The list is sorted by this; those of one rank stand in the order in which they came.
    rank: u64,
    prev: Cell<Option<NonNull<Node>>>,
    next: Cell<Option<NonNull<Node>>>,
    _pinned: PhantomPinned,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NodeState {
    /// In the list. Never when the frame that owns the node is gone.
    Linked,
    /// Taken out of the list by a notification.
    Notified,
    /// Taken out by its owner.
    Unlinked,
}

impl WaitList {
    /// An empty list.
    pub const fn new() -> Self {
        Self { head: Cell::new(None), tail: Cell::new(None), len: Cell::new(0) }
    }

    /// Parks the current task at the end of the list until it is notified.
    ///
    /// # Cancellation
    ///
    /// Takes the task out of the list. If it was notified already, [`Interrupted::notified`] is
    /// true and the caller must give the wake-up to another.
    ///
    /// # Errors
    ///
    /// As [`park`](crate::contract::park).
    #[inline(always)]
    pub fn wait(&self, wait: &Wait<'_>) -> Result<(), Interrupted> {
        self.wait_ranked(wait, 0, || {})
    }

    /// As [`wait`](Self::wait), but passes a wake-up on itself, even when the wait is unwound.
    #[inline(always)]
    pub(crate) fn wait_or_pass_on(&self, wait: &Wait<'_>, pass_on: impl FnMut()) -> Result<()> {
        Ok(self.wait_ranked(wait, 0, pass_on)?)
    }

    /// As [`wait_or_pass_on`](Self::wait_or_pass_on), behind those of the same rank or a lower one.
    ///
    /// This is how a task that was woken in vain gets its old place back: it waits again with the
    /// rank that it had. Cheap at the end of the list and near its front.
    #[inline(always)]
    pub(crate) fn wait_ranked(
        &self,
        wait: &Wait<'_>,
        rank: u64,
        pass_on: impl FnMut(),
    ) -> Result<(), Interrupted> {
        let not_notified = |error| Interrupted { error, notified: false };
        let node = pin!(Node {
            task: Running::current(wait.what()).map_err(not_notified)?,
            state: Cell::new(NodeState::Unlinked),
            rank,
            prev: Cell::new(None),
            next: Cell::new(None),
            _pinned: PhantomPinned,
        });
        let linked = Linked::new(self, node.as_ref());
        let giving_up = GivingUp { node: linked.node, pass_on };
        loop {
            let parked = linked.node.task.park(wait);
            let notified = linked.node.state.get() == NodeState::Notified;
            match parked {
                Ok(()) if notified => {
                    mem::forget(giving_up);
                    return Ok(());
                }
                Ok(()) => {}
                Err(error) => return Err(Interrupted { error, notified }),
            }
        }
    }

    /// Wakes the task that has waited longest. Says whether there was one.
    pub fn notify_one(&self) -> bool {
        let Some(head) = self.head.get() else { return false };
        // SAFETY: `head` is linked, and a linked node outlives its link: see `Linked`.
        let node = unsafe { head.as_ref() };
        self.unlink(node, NodeState::Notified);
        // A copy, since whatever `unpark` does may end the wait that owns the node.
        let task = node.task;
        task.unpark();
        true
    }

    /// Wakes the tasks that wait now, in the order in which they came. Says how many.
    #[inline]
    pub fn notify_all(&self) -> usize {
        // Those who come while the others are woken are not meant.
        let waiting = self.len();
        (0..waiting).take_while(|_| self.notify_one()).count()
    }

    /// How many tasks wait.
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Whether no task waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline(never)]
    fn link(&self, node: Pin<&Node>) {
        let this = Some(NonNull::from(&*node));
        let next = self.first_above(node.rank);
        let prev = match next {
            // SAFETY: it was found in the list, so it is alive.
            Some(next) => unsafe { next.as_ref() }.prev.replace(this),
            None => self.tail.replace(this),
        };
        match prev {
            // SAFETY: a neighbour of a linked node is linked, so it is alive; so is the tail.
            Some(prev) => unsafe { prev.as_ref() }.next.set(this),
            None => self.head.set(this),
        }
        node.prev.set(prev);
        node.next.set(next);
        node.state.set(NodeState::Linked);
        self.len.set(self.len.get() + 1);
    }

    /// The first node whose rank is above `rank`; as a rule there is none.
    #[inline]
    fn first_above(&self, rank: u64) -> Option<NonNull<Node>> {
        // SAFETY: the tail is linked, so it is alive.
        let highest = unsafe { self.tail.get()?.as_ref() }.rank;
        if highest <= rank {
            return None;
        }
        self.first_above_from_both_ends(rank)
    }

    /// Looks from both ends at once: who was woken in vain belongs near the front as a rule, but
    /// behind all the others who were woken with it, which may be nearly everybody.
    #[cold]
    #[inline(never)]
    fn first_above_from_both_ends(&self, rank: u64) -> Option<NonNull<Node>> {
        let mut below = self.head.get();
        let mut above = self.tail.get();
        while let (Some(front), Some(back)) = (below, above) {
            // SAFETY: what the list leads to is linked, so it is alive.
            let front = unsafe { front.as_ref() };
            // SAFETY: as above.
            let back = unsafe { back.as_ref() };
            if front.rank > rank {
                return below;
            }
            below = front.next.get();
            let before = back.prev.get();
            // SAFETY: as above.
            if before.is_none_or(|before| unsafe { before.as_ref() }.rank <= rank) {
                return above;
            }
            above = before;
        }
        None
    }

    fn unlink(&self, node: &Node, state: NodeState) {
        debug_assert!(node.state.get() == NodeState::Linked);
        let (prev, next) = (node.prev.take(), node.next.take());
        match prev {
            // SAFETY: a neighbour of a linked node is linked, so it is alive.
            Some(prev) => unsafe { prev.as_ref() }.next.set(next),
            None => self.head.set(next),
        }
        match next {
            // SAFETY: as above.
            Some(next) => unsafe { next.as_ref() }.prev.set(prev),
            None => self.tail.set(prev),
        }
        node.state.set(state);
        self.len.set(self.len.get() - 1);
    }
}

impl fmt::Debug for WaitList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitList").field("len", &self.len.get()).finish_non_exhaustive()
    }
}

/// Keeps a node linked no longer than its frame lives.
///
/// Only ever a local of [`WaitList::wait`], which never gives it away: so it is dropped when that
/// function returns or unwinds, before the node, which was declared before it. A frame that does
/// neither is the frame of a stack that is never freed, and then neither is the node. The list is
/// borrowed for as long, so it can be neither moved nor dropped while a node is in it.
struct Linked<'a> {
    list: &'a WaitList,
    node: Pin<&'a Node>,
}

impl<'a> Linked<'a> {
    #[inline(always)]
    fn new(list: &'a WaitList, node: Pin<&'a Node>) -> Self {
        list.link(node);
        Self { list, node }
    }
}

impl Drop for Linked<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.node.state.get() == NodeState::Linked {
            self.give_up();
        }
    }
}

impl Linked<'_> {
    #[cold]
    #[inline(never)]
    fn give_up(&self) {
        self.list.unlink(&self.node, NodeState::Unlinked);
    }
}

/// Passes the wake-up on, if there was one, when a wait ends in any way but by returning it.
struct GivingUp<'a, F: FnMut()> {
    node: Pin<&'a Node>,
    pass_on: F,
}

impl<F: FnMut()> Drop for GivingUp<'_, F> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.node.state.get() == NodeState::Notified {
            (self.pass_on)();
        }
    }
}
