//! Operations on other threads, one after the other, over a state that they share.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use corio_futures::Cancelled;

use crate::threads::{Executor, run_and_wait};

/// What operations on other threads work on, whichever thread that is.
///
/// An operation owns all that it uses, so it may go on when nobody waits for it any more. The next
/// one begins when it has ended; and what it leaves in the state the next one finds.
#[derive(Debug)]
pub(crate) struct Worker<S> {
    state: Arc<Mutex<S>>,
}

impl<S: Default> Default for Worker<S> {
    fn default() -> Self {
        Self { state: Arc::default() }
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
        let wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let (state, still_wanted) = (Arc::clone(&self.state), Arc::clone(&wanted.0));
        let performed = run_and_wait(executor, move || {
            // Another may be at it that nobody waits for any more.
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            if !still_wanted.load(Ordering::Acquire) {
                return Err(Cancelled::new().into());
            }
            // The error of the system as it is: what it was about is said by whoever waits.
            Ok(operation(&mut state))
        });
        performed?
    }
}

/// Says, when it is dropped, that nobody waits any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
