//! Operations on other threads, one after the other, over a state that they share.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use crate::threads::{Executor, Line, run_in_line};

/// What operations on other threads work on, whichever thread that is.
///
/// An operation owns all that it uses, so it may go on when nobody waits for it any more. The next
/// one begins when it has ended, and takes up no thread before; what it leaves in the state the next
/// one finds.
#[derive(Debug)]
pub(crate) struct Worker<S> {
    state: Arc<Mutex<S>>,
    operations: Line,
}

impl<S: Default> Default for Worker<S> {
    fn default() -> Self {
        Self { state: Arc::default(), operations: Line::default() }
    }
}

impl<S> Worker<S> {
    /// Does something to the state here and now, unless an operation is at it.
    pub(crate) fn try_now<R>(&self, action: impl FnOnce(&mut S) -> R) -> Option<R> {
        match self.state.try_lock() {
            Ok(mut state) => Some(action(&mut state)),
            Err(TryLockError::Poisoned(state)) => Some(action(&mut state.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl<S: Send + 'static> Worker<S> {
    /// Performs `operation` on a thread of `executor`, and waits for its result. If that wait is
    /// cancelled before it has begun, it never does.
    #[track_caller]
    pub(crate) fn perform<T: Send + 'static>(
        &self,
        executor: Option<&dyn Executor>,
        operation: impl FnOnce(&mut S) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let state = Arc::clone(&self.state);
        let performed = run_in_line(&self.operations, executor, move || {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            // The error of the system as it is: what it was about is said by whoever waits.
            Ok(operation(&mut state))
        });
        performed?
    }
}
