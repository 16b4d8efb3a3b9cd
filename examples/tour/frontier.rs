//! Where a crawl is: what has been found, what is yet to be visited, and whether it is over.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;
use std::time::Instant;

use corio::Event;

/// The paths that a crawl has found. Shared by its clients, who take from it and add to it.
pub struct Frontier {
    found: RefCell<HashSet<Rc<str>>>,
    waiting: RefCell<VecDeque<Rc<str>>>,
    /// Visits that have begun and may still find something.
    under_way: Cell<usize>,
    changed: Event,
    /// Until then whatever has been found is visited again, and again.
    repeat_until: Instant,
}

impl Frontier {
    /// A frontier that knows where to start.
    pub fn new(start: &str, repeat_until: Instant) -> Self {
        let start = Rc::from(start);
        Self {
            found: RefCell::new(HashSet::from([Rc::clone(&start)])),
            waiting: RefCell::new(VecDeque::from([start])),
            under_way: Cell::new(0),
            changed: Event::new(),
            repeat_until,
        }
    }

    /// Adds a path, unless it was found before.
    pub fn add(&self, path: String) {
        let path = Rc::from(path);
        if self.found.borrow_mut().insert(Rc::clone(&path)) {
            self.waiting.borrow_mut().push_back(path);
            self.changed.set();
        }
    }

    /// Waits for a path to visit. `None` when there is none, no more can be found, and time is up.
    pub fn next(&self) -> corio::Result<Option<Visit<'_>>> {
        loop {
            if let Some(path) = self.take() {
                return Ok(Some(Visit { path, frontier: self }));
            }
            if self.under_way.get() > 0 {
                self.changed.clear();
                self.changed.wait()?;
            } else if Instant::now() < self.repeat_until {
                self.waiting.borrow_mut().extend(self.found.borrow().iter().cloned());
            } else {
                return Ok(None);
            }
        }
    }

    fn take(&self) -> Option<Rc<str>> {
        let path = self.waiting.borrow_mut().pop_front()?;
        self.under_way.update(|visits| visits + 1);
        Some(path)
    }

    pub fn found(&self) -> usize {
        self.found.borrow().len()
    }

    pub fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }
}

/// A path that somebody visits. Dropped when that is over, however it went.
pub struct Visit<'a> {
    pub path: Rc<str>,
    frontier: &'a Frontier,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.frontier.under_way.update(|visits| visits - 1);
        if self.frontier.under_way.get() == 0 {
            self.frontier.changed.set();
        }
    }
}
