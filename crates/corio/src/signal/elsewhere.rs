//! Where there are no signals, nobody listens to any.

use crate::event_loop::EventLoop;
use crate::task::Header;

/// A loop's part in signals: none.
#[derive(Default)]
pub(crate) struct LoopSignals;

#[expect(clippy::unused_self, reason = "the signatures are those of Unix")]
impl LoopSignals {
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        false
    }

    pub(crate) fn has_handlers(&self) -> bool {
        false
    }

    pub(crate) fn deliver(&self, _: &EventLoop) {}

    pub(crate) fn close(&self) {}
}

/// Ctrl-C ends the process.
pub(crate) enum Interrupt {}

impl Interrupt {
    pub(crate) fn arm(_: &EventLoop) -> Option<Self> {
        None
    }

    pub(crate) fn disarm(self, _: &EventLoop, _: &Header, _: bool) -> bool {
        match self {}
    }
}
