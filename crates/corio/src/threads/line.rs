//! Work that is done one piece after the other, on whatever threads.
//!
//! A thread that an executor lends does all that is in line by the time it is there. So a line takes
//! up one thread at a time, however much of its work is slow.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Work;

/// Work in the order in which it came, of which one piece at a time is done.
#[derive(Default)]
pub(crate) struct Line {
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    works: VecDeque<Work>,
    /// Whether an executor has been given what works off the line.
    moves: bool,
}

impl Line {
    /// Puts work at the end. Returns what an executor must run for it to be done, unless one does
    /// already.
    pub(super) fn join(&self, work: Work) -> Option<Work> {
        let mut waiting = self.queue.lock();
        waiting.works.push_back(work);
        if mem::replace(&mut waiting.moves, true) {
            return None;
        }
        let mover = Mover { queue: Arc::clone(&self.queue), done: false };
        Some(Box::new(move || mover.run()))
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next piece of work. If there is none, the line does not move any more.
    fn next(&self) -> Option<Work> {
        let mut waiting = self.lock();
        let next = waiting.works.pop_front();
        waiting.moves = next.is_some();
        next
    }
}

/// Works off the line. If an executor drops it, it drops all that is in line.
struct Mover {
    queue: Arc<Queue>,
    done: bool,
}

impl Mover {
    fn run(mut self) {
        while let Some(work) = self.queue.next() {
            work();
        }
        self.done = true;
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        if !self.done {
            let dropped = mem::take(&mut *self.queue.lock());
            drop(dropped);
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.queue.lock();
        f.debug_struct("Line")
            .field("waiting", &waiting.works.len())
            .field("moves", &waiting.moves)
            .finish()
    }
}
