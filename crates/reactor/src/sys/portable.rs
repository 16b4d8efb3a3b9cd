//! `polling`, as it is, on any system that it supports.
//!
//! Only its notifier is not used where there are signals: a signal handler may run at any moment, so
//! what it calls must not allocate, as `Poller::notify` does on some systems. See `Bell`.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use polling::{Events, PollMode, Poller};

use super::{Bell, Event, Handle, Ringer};
use crate::Readiness;
use crate::arena::CAPACITY;

/// Marks the events of the bell; no source has this key, nor has `polling`'s own notifier.
const RUNG: usize = CAPACITY;

pub(crate) struct Selector {
    /// Before the bell, so that it is dropped first.
    poller: Arc<Poller>,
    bell: Bell,
    mode: PollMode,
    /// Where `polling` writes; emptied before each wait returns.
    events: RefCell<Events>,
}

impl Selector {
    /// Edge mode if the system has one.
    pub(super) fn new() -> io::Result<Self> {
        let poller = Poller::new()?;
        let mode = if poller.supports_edge() { PollMode::Edge } else { PollMode::Oneshot };
        Self::with(poller, mode)
    }

    pub(super) fn oneshot() -> io::Result<Self> {
        Self::with(Poller::new()?, PollMode::Oneshot)
    }

    fn with(poller: Poller, mode: PollMode) -> io::Result<Self> {
        let bell = Bell::new()?;
        if let Some(rings) = bell.source() {
            // SAFETY: the bell's source stays open as long as the poller: it is dropped after it.
            unsafe { poller.add_with_mode(rings, polling::Event::readable(RUNG), mode)? };
        }
        Ok(Self { poller: Arc::new(poller), bell, mode, events: RefCell::new(Events::new()) })
    }

    pub(super) fn waker(&self) -> Waker {
        Waker(self.bell.ringer(&self.poller))
    }

    /// # Safety
    ///
    /// As for the selector of all backends.
    pub(super) unsafe fn add(&self, handle: Handle, key: usize) -> io::Result<()> {
        let interest = match self.mode {
            PollMode::Edge => polling::Event::all(key),
            // Both directions are assumed to be ready, so there is nothing to watch for yet.
            _ => polling::Event::none(key),
        };
        // SAFETY: the caller keeps the source open until it was deleted from the poller.
        unsafe { self.poller.add_with_mode(&handle, interest, self.mode) }
    }

    pub(super) fn delete(&self, handle: Handle) -> io::Result<()> {
        self.poller.delete(handle)
    }

    pub(super) fn update(&self, handle: Handle, key: usize, known: Readiness) -> io::Result<()> {
        match self.mode {
            PollMode::Edge => Ok(()),
            mode => {
                let interest = polling::Event::new(key, !known.readable, !known.writable);
                self.poller.modify_with_mode(handle, interest, mode)
            }
        }
    }

    pub(super) fn wait(
        &self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<bool> {
        let mut reported = self.events.borrow_mut();
        reported.clear();
        self.poller.wait(&mut reported, timeout)?;
        // `polling` does not tell the end of a stream from data. In edge mode every event may have
        // been the last one; in oneshot mode what is left over is reported again.
        let end_hint = self.mode == PollMode::Edge;
        if reported.iter().any(|event| event.key == RUNG) {
            self.hush()?;
        }
        events.extend(reported.iter().filter(|event| event.key != RUNG).map(|event| Event {
            key: event.key,
            readiness: Readiness::new(event.readable, event.writable),
            end_hint,
        }));
        Ok(true)
    }

    /// Makes the bell ready to be heard again.
    fn hush(&self) -> io::Result<()> {
        self.bell.hush();
        match (self.mode, self.bell.source()) {
            (PollMode::Oneshot, Some(rings)) => {
                self.poller.modify_with_mode(rings, polling::Event::readable(RUNG), self.mode)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portable").field("mode", &self.mode).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Waker(Ringer);

impl Waker {
    pub(super) fn wake(&self) -> io::Result<()> {
        self.0.ring()
    }
}
