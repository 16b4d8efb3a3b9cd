//! `polling`, as it is, on any system that it supports.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use polling::{Events, PollMode, Poller};

use super::{Event, Handle};
use crate::Readiness;

pub(crate) struct Selector {
    poller: Arc<Poller>,
    mode: PollMode,
    /// Where `polling` writes; emptied before each wait returns.
    events: RefCell<Events>,
}

impl Selector {
    /// Edge mode if the system has one.
    pub(super) fn new() -> io::Result<Self> {
        let mut selector = Self::oneshot()?;
        if selector.poller.supports_edge() {
            selector.mode = PollMode::Edge;
        }
        Ok(selector)
    }

    pub(super) fn oneshot() -> io::Result<Self> {
        Ok(Self {
            poller: Arc::new(Poller::new()?),
            mode: PollMode::Oneshot,
            events: RefCell::new(Events::new()),
        })
    }

    pub(super) fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.poller))
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
        events.extend(reported.iter().map(|event| Event {
            key: event.key,
            readiness: Readiness::new(event.readable, event.writable),
            end_hint,
        }));
        Ok(true)
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Portable").field("mode", &self.mode).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Waker(Arc<Poller>);

impl Waker {
    pub(super) fn wake(&self) -> io::Result<()> {
        self.0.notify()
    }
}
