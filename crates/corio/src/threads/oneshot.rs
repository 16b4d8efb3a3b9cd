//! A value on its way from one thread to another, once.
//!
//! Whoever receives may block its thread, or have a function called when the value is there: that
//! is how a loop learns of it. A sender that is dropped unused is noticed, and so is a receiver.

use std::mem;
use std::time::{Duration, Instant};

use super::sync::{Arc, Condvar, Mutex};

pub(super) fn oneshot<V>() -> (Sender<V>, Receiver<V>) {
    let slot = Arc::new(Slot {
        state: Mutex::new(State { value: Value::Open, on_end: None }),
        ended: Condvar::new(),
    });
    (Sender { slot: Arc::clone(&slot) }, Receiver { slot })
}

struct Slot<V> {
    state: Mutex<State<V>>,
    ended: Condvar,
}

struct State<V> {
    value: Value<V>,
    on_end: Option<Box<dyn FnOnce() + Send>>,
}

enum Value<V> {
    /// Not sent yet.
    Open,
    Sent(V),
    /// It never was, and never will be.
    Lost,
    /// Nobody will ask for it any more.
    Gone,
}

/// The value was never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost;

impl<V> Slot<V> {
    /// Puts down the end if nobody was there before. Gives a value back that nobody wants.
    fn end(&self, with: Value<V>) -> Result<(), Value<V>> {
        let mut state = self.state.lock().expect("nothing panics under this lock");
        if !matches!(state.value, Value::Open) {
            return Err(with);
        }
        state.value = with;
        let on_end = state.on_end.take();
        drop(state);
        self.ended.notify_all();
        if let Some(on_end) = on_end {
            on_end();
        }
        Ok(())
    }
}

pub(super) struct Sender<V> {
    slot: Arc<Slot<V>>,
}

impl<V> Sender<V> {
    /// Sends the value; gives it back if nobody wants it any more.
    pub(super) fn send(self, value: V) -> Result<(), V> {
        self.slot.end(Value::Sent(value)).map_err(|unwanted| match unwanted {
            Value::Sent(value) => value,
            _ => unreachable!("it was put in two lines above"),
        })
    }

    /// Whether somebody may still ask for the value.
    pub(super) fn is_wanted(&self) -> bool {
        let state = self.slot.state.lock().expect("nothing panics under this lock");
        matches!(state.value, Value::Open)
    }
}

impl<V> Drop for Sender<V> {
    fn drop(&mut self) {
        // Does nothing after `send`.
        let _ = self.slot.end(Value::Lost);
    }
}

pub(super) struct Receiver<V> {
    slot: Arc<Slot<V>>,
}

impl<V> Receiver<V> {
    /// Whether there is nothing left to wait for.
    pub(super) fn has_ended(&self) -> bool {
        let state = self.slot.state.lock().expect("nothing panics under this lock");
        !matches!(state.value, Value::Open)
    }

    /// Takes the value, if it is there.
    pub(super) fn try_take(&self) -> Option<Result<V, Lost>> {
        let mut state = self.slot.state.lock().expect("nothing panics under this lock");
        match mem::replace(&mut state.value, Value::Gone) {
            Value::Open => {
                state.value = Value::Open;
                None
            }
            Value::Sent(value) => Some(Ok(value)),
            Value::Lost | Value::Gone => Some(Err(Lost)),
        }
    }

    /// Blocks the thread until there is nothing left to wait for.
    pub(super) fn block(&self) {
        let mut state = self.slot.state.lock().expect("nothing panics under this lock");
        while matches!(state.value, Value::Open) {
            state = self.slot.ended.wait(state).expect("nothing panics under this lock");
        }
    }

    /// As [`block`](Self::block), for no longer than `limit`. Says whether it was long enough.
    pub(super) fn block_for(&self, limit: Duration) -> bool {
        let Some(deadline) = Instant::now().checked_add(limit) else {
            self.block();
            return true;
        };
        let mut state = self.slot.state.lock().expect("nothing panics under this lock");
        while matches!(state.value, Value::Open) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.slot.ended.wait_timeout(state, left);
            state = waited.expect("nothing panics under this lock").0;
        }
        true
    }

    /// Has `on_end` called when there is nothing left to wait for, on whichever thread; at once if
    /// that is so already. Takes the place of what was given before.
    pub(super) fn on_end(&self, on_end: impl FnOnce() + Send + 'static) {
        let mut state = self.slot.state.lock().expect("nothing panics under this lock");
        if matches!(state.value, Value::Open) {
            let before = state.on_end.replace(Box::new(on_end));
            drop(state);
            drop(before);
        } else {
            drop(state);
            on_end();
        }
    }
}

impl<V> Drop for Receiver<V> {
    fn drop(&mut self) {
        let mut state = self.slot.state.lock().expect("nothing panics under this lock");
        let value = mem::replace(&mut state.value, Value::Gone);
        let on_end = state.on_end.take();
        drop(state);
        drop((value, on_end));
    }
}
