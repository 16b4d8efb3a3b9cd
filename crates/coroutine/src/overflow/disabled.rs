//! No report: an overflow ends the process by the signal itself.

pub(crate) fn enter_thread() {}

pub(crate) fn leave_thread() {}

pub(super) fn set_noun(_: &'static str) {}
