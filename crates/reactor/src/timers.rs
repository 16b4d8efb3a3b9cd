//! Deadlines in order.
//!
//! A program with many connections sets a timeout for almost everything it does and cancels nearly
//! all of them soon after; most deadlines are later than all that were set before. So setting and
//! cancelling must be cheap, however many are pending, and expiring may cost more. The structure is
//! a heap in which each node has four children, over an [`Arena`] that says where in the heap each
//! timer is:
//!
//! - A deadline later than the others goes to the end and stays there; cancelling it removes it
//!   from the end. Neither looks at more than a node or two.
//! - Cancelling any other timer puts the last one, which is usually late, in its place: it rarely
//!   moves far.
//! - The heap holds only what decides the order, in 24 bytes: nanoseconds since the heap was made,
//!   and a serial number, so that equal deadlines expire in the order in which they were set.
//!
//! Nanoseconds per operation, set, reset and pop. *Set* is setting the latest deadline and
//! cancelling it at once; *reset* is cancelling a random timer and setting it again as the latest;
//! *pop* is expiring all of them, with random deadlines within 30 seconds. (Two-core x86-64 virtual
//! machine with other work on it, release with LTO, best of several rounds.)
//!
//! | pending   | `BTreeMap`  | heap, 8 children | wheel of 1 ms | **this heap** |
//! |----------:|------------:|-----------------:|--------------:|--------------:|
//! |        10 |  24, 37, 17 |       14, 24, 18 |    11, 16, 30 |    13, 23, 15 |
//! |     1,000 | 44, 117, 22 |        9, 18, 58 |    17, 20, 29 |    12, 25, 68 |
//! |   100,000 | 64, 380, 28 |       9, 41, 122 |   11, 55, 134 |   13, 74, 160 |
//! | 1,000,000 | 86, 930, 70 |      9, 273, 274 |  12, 200, 342 |  13, 308, 365 |
//!
//! `cargo bench -p corio-reactor --bench timers` repeats the first and the last column; the others
//! were prototypes. The tree is better at expiring, which happens to few timers, and at most once
//! to each. The wheel would lose its lead with exact deadlines and order, which it does not keep.
//! A prototype of this heap was as good as the one with eight children.
//!
//! Deliberately absent: a clock (the owner says what time it is, so virtual time needs nothing
//! more) and callbacks (the owner gets its action back and runs it when nothing of the timers is
//! borrowed).

use std::fmt;
use std::time::{Duration, Instant};

use crate::arena::{Arena, Key};

/// The number of children of a node.
const CHILDREN: usize = 4;

/// Where the scale of nanoseconds has the moment in which the heap was made: in the middle.
const ORIGIN: u64 = 1 << 63;

/// Names a timer, and no later one.
///
/// It may be kept after the timer has expired or was cancelled; [`Timers::cancel`] then finds
/// nothing. A key means something only to the [`Timers`] that made it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TimerKey(Key);

/// Pending timers, each with an action `A` that the owner wants back when the time has come.
///
/// Timers expire in the order of their deadlines; those with the same deadline in the order in
/// which they were set. An action is never given back before its deadline.
///
/// Deadlines more than 292 years away from the making of the `Timers` are kept exactly, but expire
/// in the order in which they were set.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use corio_reactor::{Clock, Timers};
///
/// let clock = Clock::manual();
/// let start = clock.now();
/// let mut timers = Timers::new();
/// timers.insert(start + Duration::from_secs(2), "tea is ready");
/// let alarm = timers.insert(start + Duration::from_secs(1), "get up");
///
/// assert_eq!(timers.next_deadline(), Some(start + Duration::from_secs(1)));
/// assert_eq!(timers.cancel(alarm), Some("get up"));
///
/// clock.advance_to(timers.next_deadline().unwrap());
/// assert_eq!(timers.pop_expired(clock.now()), Some("tea is ready"));
/// assert_eq!(timers.pop_expired(clock.now()), None);
/// assert!(timers.is_empty());
/// ```
pub struct Timers<A> {
    made: Instant,
    next_serial: u64,
    /// `heap[0]` expires first; the children of `heap[i]` are the four from `heap[4 * i + 1]`, and
    /// expire after it.
    heap: Vec<Entry>,
    /// Where in the heap the timer of each slot is. Apart from the timers, as it changes with every
    /// move in the heap: together, the moves would drag all timers through the cache.
    positions: Vec<u32>,
    timers: Arena<Timer<A>>,
}

#[derive(Clone, Copy)]
struct Entry {
    nanoseconds: u64,
    serial: u64,
    key: Key,
}

struct Timer<A> {
    deadline: Instant,
    action: A,
}

impl<A> Timers<A> {
    /// Makes an empty set of timers. Allocates nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            made: Instant::now(),
            next_serial: 0,
            heap: Vec::new(),
            positions: Vec::new(),
            timers: Arena::new(),
        }
    }

    /// Sets a timer. A deadline in the past is fine: the timer has expired already.
    ///
    /// # Panics
    ///
    /// If 2³² − 1 timers are pending (where pointers have 32 bits: 2²⁰ − 1).
    pub fn insert(&mut self, deadline: Instant, action: A) -> TimerKey {
        let position = self.heap.len();
        let key = self.timers.insert(Timer { deadline, action });
        if key.index() == self.positions.len() {
            self.positions.push(0);
        }
        let entry =
            Entry { nanoseconds: self.nanoseconds(deadline), serial: self.next_serial, key };
        self.next_serial += 1;
        self.heap.push(entry);
        self.rise(position, entry);
        TimerKey(key)
    }

    /// Takes a timer back, with its action. `None` if it has expired or was cancelled already.
    pub fn cancel(&mut self, key: TimerKey) -> Option<A> {
        let timer = self.timers.remove(key.0)?;
        self.remove_from_heap(self.positions[key.0.index()] as usize);
        Some(timer.action)
    }

    /// Whether a timer has been neither taken out as expired nor cancelled.
    #[must_use]
    pub fn is_pending(&self, key: TimerKey) -> bool {
        self.timers.get(key.0).is_some()
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let first = self.heap.first()?;
        self.timers.get(first.key).map(|timer| timer.deadline)
    }

    /// Takes out the timer with the earliest deadline if `now` has reached it, and returns its
    /// action.
    pub fn pop_expired(&mut self, now: Instant) -> Option<A> {
        if self.next_deadline()? > now {
            return None;
        }
        let first = self.heap[0].key;
        self.remove_from_heap(0);
        self.timers.remove(first).map(|timer| timer.action)
    }

    /// The number of pending timers, expired ones included that were not taken out yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether no timer is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// The deadline on the heap's scale.
    fn nanoseconds(&self, deadline: Instant) -> u64 {
        match deadline.checked_duration_since(self.made) {
            Some(after) => ORIGIN.saturating_add(whole_nanoseconds(after)),
            None => ORIGIN.saturating_sub(whole_nanoseconds(self.made - deadline)),
        }
    }

    fn remove_from_heap(&mut self, position: usize) {
        let last = self.heap.pop().expect("a pending timer is in the heap");
        if position == self.heap.len() {
            return;
        }
        if position > 0 && last.precedes(&self.heap[parent(position)]) {
            self.rise(position, last);
        } else {
            self.sink(position, last);
        }
    }

    /// Moves the hole at `position` up until `entry` may fill it.
    fn rise(&mut self, mut position: usize, entry: Entry) {
        while position > 0 {
            let above = self.heap[parent(position)];
            if !entry.precedes(&above) {
                break;
            }
            self.put(position, above);
            position = parent(position);
        }
        self.put(position, entry);
    }

    /// Moves the hole at `position` down until `entry` may fill it.
    fn sink(&mut self, mut position: usize, entry: Entry) {
        loop {
            let first = CHILDREN * position + 1;
            let end = self.heap.len().min(first + CHILDREN);
            let Some(earliest) = (first..end)
                .reduce(|a, b| if self.heap[b].precedes(&self.heap[a]) { b } else { a })
            else {
                break;
            };
            let below = self.heap[earliest];
            if entry.precedes(&below) {
                break;
            }
            self.put(position, below);
            position = earliest;
        }
        self.put(position, entry);
    }

    fn put(&mut self, position: usize, entry: Entry) {
        self.heap[position] = entry;
        self.positions[entry.key.index()] = position as u32;
    }
}

impl Entry {
    fn precedes(&self, other: &Self) -> bool {
        (self.nanoseconds, self.serial) < (other.nanoseconds, other.serial)
    }
}

fn parent(position: usize) -> usize {
    (position - 1) / CHILDREN
}

fn whole_nanoseconds(span: Duration) -> u64 {
    // In parts, as `Duration::as_nanos` computes with 128 bits.
    span.as_secs().saturating_mul(1_000_000_000).saturating_add(span.subsec_nanos().into())
}

impl<A> Default for Timers<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> fmt::Debug for Timers<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("len", &self.len())
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}
