//! Where a queue keeps its items, and so the order in which it gives them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::BaseQueue;

/// A queue that gives what was put first. asyncio's `Queue`.
///
/// What it can do is described at [`BaseQueue`].
///
/// # Examples
///
/// ```
/// use corio_futures::Queue;
///
/// let queue = Queue::unbounded();
/// queue.put("first")?;
/// queue.put("second")?;
/// assert_eq!(queue.get()?, "first");
/// # Ok::<(), corio_futures::Error>(())
/// ```
pub type Queue<T> = BaseQueue<VecDeque<T>>;

/// A queue that gives what was put last. asyncio's `LifoQueue`.
///
/// What it can do is described at [`BaseQueue`].
///
/// # Examples
///
/// ```
/// use corio_futures::LifoQueue;
///
/// let queue = LifoQueue::unbounded();
/// queue.put("first")?;
/// queue.put("second")?;
/// assert_eq!(queue.get()?, "second");
/// # Ok::<(), corio_futures::Error>(())
/// ```
pub type LifoQueue<T> = BaseQueue<Vec<T>>;

/// A queue that gives the smallest item that it has. asyncio's `PriorityQueue`.
///
/// Items that compare as equal come in no particular order. Comparing must not use the queue.
///
/// What it can do is described at [`BaseQueue`].
///
/// # Examples
///
/// ```
/// use corio_futures::PriorityQueue;
///
/// let queue = PriorityQueue::unbounded();
/// queue.put((2, "later"))?;
/// queue.put((1, "soon"))?;
/// assert_eq!(queue.get()?, (1, "soon"));
/// # Ok::<(), corio_futures::Error>(())
/// ```
pub type PriorityQueue<T> = BaseQueue<BinaryHeap<Reverse<T>>>;

/// The items of a queue, in an order of its own.
///
/// asyncio: the methods `_put` and `_get`, which subclasses of `Queue` override. None of these may
/// use the queue that the items are in, and none may wait.
///
/// # Examples
///
/// A queue that gives the longest line:
///
/// ```
/// use corio_futures::queue::{BaseQueue, Storage};
///
/// #[derive(Default)]
/// struct Longest(Vec<String>);
///
/// impl Storage for Longest {
///     type Item = String;
///
///     fn push(&mut self, line: String) {
///         self.0.push(line);
///         self.0.sort_by_key(String::len);
///     }
///
///     fn pop(&mut self) -> Option<String> {
///         self.0.pop()
///     }
///
///     fn len(&self) -> usize {
///         self.0.len()
///     }
/// }
///
/// let lines = BaseQueue::<Longest>::unbounded();
/// lines.put("a line".to_owned())?;
/// lines.put("a longer line".to_owned())?;
/// lines.put("short".to_owned())?;
/// assert_eq!(lines.get()?, "a longer line");
/// # Ok::<(), corio_futures::Error>(())
/// ```
pub trait Storage: Default {
    /// What it keeps.
    type Item;

    /// Puts an item in.
    fn push(&mut self, item: Self::Item);

    /// Takes out the item whose turn it is, if there is any.
    fn pop(&mut self) -> Option<Self::Item>;

    /// How many items there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// First in, first out.
impl<T> Storage for VecDeque<T> {
    type Item = T;

    fn push(&mut self, item: T) {
        self.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.pop_front()
    }

    fn len(&self) -> usize {
        self.len()
    }
}

/// Last in, first out.
impl<T> Storage for Vec<T> {
    type Item = T;

    fn push(&mut self, item: T) {
        self.push(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.pop()
    }

    fn len(&self) -> usize {
        self.len()
    }
}

/// The smallest first.
impl<T: Ord> Storage for BinaryHeap<Reverse<T>> {
    type Item = T;

    fn push(&mut self, item: T) {
        self.push(Reverse(item));
    }

    fn pop(&mut self) -> Option<T> {
        self.pop().map(|Reverse(item)| item)
    }

    fn len(&self) -> usize {
        self.len()
    }
}
