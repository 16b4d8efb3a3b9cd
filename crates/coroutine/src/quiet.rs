//! Payloads of panics, whose destructors may panic themselves.
//!
//! Where several things end together, each may answer with a panic, and only one can go on. The others are dropped here,
//! so that no destructor of theirs keeps the rest from ending.

use std::any::Any;
use std::mem;
use std::panic::{self, AssertUnwindSafe};

/// What somebody panicked with.
pub(crate) type Payload = Box<dyn Any + Send>;

/// Drops `value`; should that panic, the panic is lost, though the hook has reported it.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| drop(value))) {
        mem::forget(payload);
    }
}

/// The first panic of several.
#[derive(Default)]
pub(crate) struct First(Option<Payload>);

impl First {
    /// Runs `end`, and keeps its panic if it is the first.
    pub(crate) fn catch(&mut self, end: impl FnOnce()) {
        self.note(panic::catch_unwind(AssertUnwindSafe(end)).err());
    }

    /// Keeps `payload` if it is the first.
    pub(crate) fn note(&mut self, payload: Option<Payload>) {
        if self.0.is_none() {
            self.0 = payload;
        } else {
            drop_quietly(payload);
        }
    }

    /// The panic that was kept.
    pub(crate) fn take(self) -> Option<Payload> {
        self.0
    }
}

/// Goes on with the panic `payload`, or forgets it if the thread is panicking already.
pub(crate) fn resume(payload: Payload) {
    if std::thread::panicking() {
        drop_quietly(payload);
    } else {
        panic::resume_unwind(payload);
    }
}
