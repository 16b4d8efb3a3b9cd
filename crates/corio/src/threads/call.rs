//! A callback that a loop will run, and that other threads may take back until then.
//!
//! ```text
//!                  ┌── run ──▶ Running ──▶ Ended
//!     Waiting(f) ──┤
//!                  └── cancel ──▶ Cancelled
//! ```
//!
//! The lock is held for the changes only, never while the callback runs or is dropped.

use std::mem;

use super::sync::{Condvar, Mutex};

/// A callback of any type.
pub(super) trait Call: Send + Sync {
    /// Calls it, unless it was taken back.
    fn run(&self);

    /// Takes it back, that is drops it. Says whether it had neither begun nor been taken back.
    fn cancel(&self) -> bool;

    /// How it stands.
    fn standing(&self) -> Standing;

    /// Blocks this thread while the callback runs.
    fn wait_while_running(&self);
}

/// How a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Waiting,
    Running,
    Ended,
    Cancelled,
}

pub(super) struct CallCell<F> {
    state: Mutex<State<F>>,
    ended: Condvar,
}

enum State<F> {
    Waiting(F),
    Running,
    Ended,
    Cancelled,
}

impl<F> CallCell<F> {
    pub(super) fn new(callback: F) -> Self {
        Self { state: Mutex::new(State::Waiting(callback)), ended: Condvar::new() }
    }

    /// Takes the callback, if it has not begun, and leaves `state` in its place.
    fn take(&self, left: State<F>) -> Option<F> {
        let mut state = self.state.lock().expect("nothing panics under this lock");
        match &*state {
            State::Waiting(_) => match mem::replace(&mut *state, left) {
                State::Waiting(callback) => Some(callback),
                _ => None,
            },
            _ => None,
        }
    }
}

impl<F: FnOnce() + Send> Call for CallCell<F> {
    fn run(&self) {
        struct Ending<'a, F>(&'a CallCell<F>);
        impl<F> Drop for Ending<'_, F> {
            fn drop(&mut self) {
                *self.0.state.lock().expect("nothing panics under this lock") = State::Ended;
                self.0.ended.notify_all();
            }
        }
        if let Some(callback) = self.take(State::Running) {
            let _ending = Ending(self);
            callback();
        }
    }

    fn cancel(&self) -> bool {
        self.take(State::Cancelled).is_some()
    }

    fn standing(&self) -> Standing {
        match &*self.state.lock().expect("nothing panics under this lock") {
            State::Waiting(_) => Standing::Waiting,
            State::Running => Standing::Running,
            State::Ended => Standing::Ended,
            State::Cancelled => Standing::Cancelled,
        }
    }

    fn wait_while_running(&self) {
        let mut state = self.state.lock().expect("nothing panics under this lock");
        while matches!(*state, State::Running) {
            state = self.ended.wait(state).expect("nothing panics under this lock");
        }
    }
}
