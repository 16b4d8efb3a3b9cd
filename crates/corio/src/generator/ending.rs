//! What a body ends with.

use std::cell::Cell;
use std::panic::Location;

use corio_futures::{Error, Result};

use super::error::GeneratorExit;
use crate::report;

/// What a body returned. If it is an error and dropped, it is reported: a generator that is closed
/// by its destructor, or by one that delegates to it, has nobody else to tell.
pub(super) struct Ending<R> {
    result: Cell<Option<Result<R>>>,
    made: &'static Location<'static>,
}

impl<R> Ending<R> {
    pub(super) fn new(result: Result<R>, made: &'static Location<'static>) -> Self {
        Self { result: Cell::new(Some(result)), made }
    }

    pub(super) fn take(self) -> Result<R> {
        self.result.take().expect("an ending is taken once")
    }
}

impl<R> Drop for Ending<R> {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.result.take() {
            report_failure(self.made, &error);
        }
    }
}

/// Deals with the failure of a generator that was to be closed, unless it ended as it should.
pub(super) fn report_failure(made: &'static Location<'static>, error: &Error) {
    if !GeneratorExit::is(error) {
        let message = format_args!("the generator made at {made} failed as it was closed");
        report::from_destructor(message, error);
    }
}
