//! No system at all: a book of who is registered, and waits that do not wait.
//!
//! What a wait reports was injected, and reaches the reactor without this selector. What is left for
//! it is to refuse what the others refuse, to hear the bell, and to keep what a wait would have taken,
//! for a test to move its clock by.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Handle, Number};

#[derive(Debug)]
pub(crate) struct Selector {
    registered: RefCell<BTreeSet<Number>>,
    rung: Arc<AtomicBool>,
    skipped: Cell<Option<Duration>>,
}

impl Selector {
    pub(super) fn new() -> Self {
        Self {
            registered: RefCell::default(),
            rung: Arc::default(),
            skipped: Cell::new(Some(Duration::ZERO)),
        }
    }

    pub(super) fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.rung))
    }

    pub(super) fn add(&self, handle: Handle) -> io::Result<()> {
        let is_new = self.registered.borrow_mut().insert(handle.number());
        if is_new { Ok(()) } else { Err(ErrorKind::AlreadyExists.into()) }
    }

    pub(super) fn delete(&self, handle: Handle) -> io::Result<()> {
        let was_there = self.registered.borrow_mut().remove(&handle.number());
        if was_there { Ok(()) } else { Err(ErrorKind::NotFound.into()) }
    }

    /// Returns whether the bell has rung, which is what would have ended the wait.
    pub(super) fn wait(&self, timeout: Option<Duration>) -> bool {
        let rung = self.rung.swap(false, Ordering::AcqRel);
        self.skipped.set(if rung { Some(Duration::ZERO) } else { timeout });
        rung
    }

    /// What the last wait would have taken.
    pub(super) fn skipped(&self) -> Option<Duration> {
        self.skipped.get()
    }
}

#[derive(Debug)]
pub(crate) struct Waker(Arc<AtomicBool>);

impl Waker {
    pub(super) fn wake(&self) {
        self.0.store(true, Ordering::Release);
    }
}
