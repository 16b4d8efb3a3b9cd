//! What a loop expects from other threads, and what to do when it comes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::Location;

/// Numbers are never given twice, so what comes late, for what is no longer expected, does no harm.
#[derive(Default)]
pub(super) struct Expected {
    entries: RefCell<BTreeMap<usize, Entry>>,
    next: Cell<usize>,
    awaited: Cell<usize>,
}

struct Entry {
    /// `None` if it is no longer wanted.
    deliver: Option<Box<dyn FnOnce()>>,
    source: Source,
}

/// Where something is expected from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// A job of the default executor, given to it there. Whoever shuts that down waits for it,
    /// wanted or not.
    DefaultExecutor(&'static Location<'static>),
    /// Another thread, in its own time.
    Elsewhere,
    /// A task of this loop: the loop does not wait for itself.
    ThisLoop,
}

impl Expected {
    /// Expects something; `deliver` will be called in the step in which it is there.
    pub(super) fn expect(&self, source: Source, deliver: Box<dyn FnOnce()>) -> usize {
        let id = self.next.replace(self.next.get() + 1);
        self.entries.borrow_mut().insert(id, Entry { deliver: Some(deliver), source });
        self.count(source, 1);
        id
    }

    /// What to do, now that it is there, if it is still wanted.
    pub(super) fn arrived(&self, id: usize) -> Option<Box<dyn FnOnce()>> {
        self.remove(id)?.deliver
    }

    /// It is not wanted any more, but will come.
    pub(super) fn abandon(&self, id: usize) {
        let mut entries = self.entries.borrow_mut();
        let Some(entry) = entries.get_mut(&id) else { return };
        let source = entry.source;
        let deliver = match source {
            Source::DefaultExecutor(_) => entry.deliver.take(),
            _ => entries.remove(&id).and_then(|entry| entry.deliver),
        };
        drop(entries);
        if deliver.is_some() {
            self.count(source, -1);
        }
    }

    /// It will not come.
    pub(super) fn revoke(&self, id: usize) {
        drop(self.remove(id));
    }

    fn remove(&self, id: usize) -> Option<Entry> {
        let entry = self.entries.borrow_mut().remove(&id)?;
        if entry.deliver.is_some() {
            self.count(entry.source, -1);
        }
        Some(entry)
    }

    fn count(&self, source: Source, change: isize) {
        if !matches!(source, Source::ThisLoop) {
            self.awaited.set(self.awaited.get().strict_add_signed(change));
        }
    }

    /// How much is expected from other threads and wanted.
    pub(super) fn awaited(&self) -> usize {
        self.awaited.get()
    }

    pub(super) fn has_jobs(&self) -> bool {
        let entries = self.entries.borrow();
        entries.values().any(|entry| matches!(entry.source, Source::DefaultExecutor(_)))
    }

    /// Where the jobs were made that the default executor has not ended. From now on they are
    /// somebody else's.
    pub(super) fn disown_jobs(&self) -> Vec<&'static Location<'static>> {
        let mut jobs = Vec::new();
        for entry in self.entries.borrow_mut().values_mut() {
            if let Source::DefaultExecutor(location) = entry.source {
                entry.source = Source::Elsewhere;
                jobs.push(location);
            }
        }
        jobs
    }

    /// Nothing will be delivered any more.
    pub(super) fn clear(&self) {
        let entries = self.entries.take();
        self.awaited.set(0);
        drop(entries);
    }
}
