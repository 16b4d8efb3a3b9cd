//! The state of anything that completes once: what a future and a task have in common.
//!
//! ```text
//!             complete()                       last callback has run
//!   pending ─────────────▶ done, callbacks due ───────────────────▶ done ──take()──▶ taken
//!                │                                                    ▲
//!                └───────────── no callbacks ─────────────────────────┘
//! ```
//!
//! Done-callbacks are never called inline: the loop runs them in a later step, in the order in
//! which they were added. They are lent the outcome, so it cannot be taken before the last of
//! them has run; who waits for it waits that long.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Waker;

use crate::contract::{EventLoop, Wait, charge, current_loop};
use crate::{Error, InvalidState, NoRunningLoop, Result, WaitList};

/// A result that comes once, those who wait for it and those to be called.
pub struct Completion<T> {
    // Written once, by `complete`; emptied once, by `take`.
    outcome: UnsafeCell<Option<Result<T>>>,
    done: Cell<bool>,
    /// Apart from the outcome, which may have been taken.
    cancelled: Cell<bool>,
    retrieved: Cell<bool>,
    waiters: WaitList,
    /// Callbacks handed to the loop that have not ended.
    due: Cell<u32>,
    /// Boxed, since few ever have one.
    callbacks: RefCell<Option<Box<Callbacks>>>,
}

/// Whoever is to know of it at once when something completes, before anybody who waits runs.
pub trait Watcher {
    /// What was watched under `index` has completed. Called inline, on whatever stack completes
    /// it: it must neither wait nor panic.
    fn completed(self: Rc<Self>, index: usize);
}

/// A [`Completion`], whatever it completes with.
pub trait AnyCompletion {
    /// Whether the outcome is there, or was.
    fn is_done(&self) -> bool;

    /// The error that the outcome is, if it is one.
    fn failure(&self) -> Option<&Error>;

    /// Has `watcher` told, under `index`, of the completion; does nothing if it is done already.
    fn watch(&self, watcher: Rc<dyn Watcher>, index: usize);

    /// Forgets what was asked by [`watch`](Self::watch) for `watcher`.
    fn unwatch(&self, watcher: &Rc<dyn Watcher>);
}

/// A handle to something that completes: a task or a future.
pub trait Waitable {
    /// The state behind the handle.
    fn completion(&self) -> &dyn AnyCompletion;
}

impl<W: Waitable> Waitable for &W {
    fn completion(&self) -> &dyn AnyCompletion {
        (**self).completion()
    }
}

#[derive(Default)]
struct Callbacks {
    watchers: Vec<(Rc<dyn Watcher>, usize)>,
    added: Vec<Callback>,
    /// Of `std` tasks that have polled and are to poll again.
    wakers: Vec<Waker>,
    last_key: u64,
}

struct Callback {
    key: CallbackKey,
    event_loop: Rc<dyn EventLoop>,
    run: Box<dyn FnOnce()>,
}

/// Names a done-callback, to take it back. Given by `add_done_callback`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackKey(u64);

impl<T> Completion<T> {
    /// A completion that is pending.
    pub const fn new() -> Self {
        Self {
            outcome: UnsafeCell::new(None),
            done: Cell::new(false),
            cancelled: Cell::new(false),
            retrieved: Cell::new(false),
            waiters: WaitList::new(),
            due: Cell::new(0),
            callbacks: RefCell::new(None),
        }
    }

    /// Whether the outcome is there, or was.
    pub fn is_done(&self) -> bool {
        self.done.get()
    }

    /// Whether the outcome is there and lent to no callback; or was taken.
    pub fn can_be_taken(&self) -> bool {
        self.is_done() && self.due.get() == 0
    }

    /// Whether it ended by cancellation.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    /// Sets the outcome, tells the watchers, hands the callbacks to the loop and wakes those who
    /// wait.
    ///
    /// # Errors
    ///
    /// [`InvalidState::Done`] if there was an outcome before; it stays.
    // Inlined, so that the outcome is written where it will be.
    #[inline(always)]
    pub fn complete(&self, outcome: Result<T>) -> Result<(), InvalidState> {
        if self.done.replace(true) {
            return Err(InvalidState::Done);
        }
        self.cancelled.set(matches!(&outcome, Err(error) if error.is_cancelled()));
        // SAFETY: nobody holds a reference: `peek` gives none out before the outcome is there,
        // and this line runs once. What it overwrites is a `None`.
        unsafe { self.outcome.get().write(Some(outcome)) };
        self.spread_the_word();
        Ok(())
    }

    fn spread_the_word(&self) {
        let polled = match self.callbacks.take() {
            Some(callbacks) => self.dispatch(*callbacks),
            None => false,
        };
        if self.due.get() == 0 {
            self.waiters.notify_all();
            if polled {
                self.wake_polled();
            }
        }
    }

    /// Tells the watchers and hands the callbacks to the loop. Says whether wakers are left.
    #[cold]
    fn dispatch(&self, callbacks: Callbacks) -> bool {
        for (watcher, index) in callbacks.watchers {
            watcher.completed(index);
        }
        // All are counted before the first is handed over: from then on each may end at any time.
        let added = u32::try_from(callbacks.added.len()).expect("there are fewer than 2^32");
        self.due.set(self.due.get() + added);
        for Callback { event_loop, run, .. } in callbacks.added {
            event_loop.call_soon(run);
        }
        let polled = !callbacks.wakers.is_empty();
        if polled {
            self.callbacks.borrow_mut().get_or_insert_default().wakers.extend(callbacks.wakers);
        }
        polled
    }

    /// Has `waker` woken when the outcome can be taken, which it cannot now.
    pub fn wake_when_done(&self, waker: &Waker) {
        let known = |callbacks: &Callbacks| callbacks.wakers.iter().any(|w| w.will_wake(waker));
        if !self.callbacks.borrow().as_deref().is_some_and(known) {
            // Outside the borrow: a waker is foreign code.
            let waker = waker.clone();
            self.callbacks.borrow_mut().get_or_insert_default().wakers.push(waker);
        }
    }

    /// Wakes those who have polled. What they panic with is reported: it is no failure of whoever
    /// completes this.
    #[cold]
    fn wake_polled(&self) {
        let wakers = match &mut *self.callbacks.borrow_mut() {
            Some(callbacks) => mem::take(&mut callbacks.wakers),
            None => return,
        };
        for waker in wakers {
            if catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err()
                && let Some(event_loop) = current_loop()
            {
                event_loop.report("a waker failed", &Error::msg("it panicked"));
            }
        }
    }

    /// Waits until the outcome can be taken. Returns at once, without yielding, if it can.
    ///
    /// # Errors
    ///
    /// As [`park`](crate::contract::park), if it is not there yet.
    #[inline(always)]
    pub fn wait(&self, wait: &Wait<'_>) -> Result<()> {
        charge()?;
        while !self.can_be_taken() {
            self.waiters.wait(wait)?;
        }
        Ok(())
    }

    /// The outcome, if it is there.
    pub fn peek(&self) -> Option<&Result<T>> {
        // SAFETY: written once, before any reference is given out, and emptied only by `take`,
        // whose caller answers for these references.
        unsafe { &*self.outcome.get() }.as_ref()
    }

    /// The value, by reference.
    ///
    /// # Errors
    ///
    /// [`InvalidState::Pending`] before there is an outcome, and the error that the outcome is.
    pub fn result(&self) -> Result<&T> {
        let Some(outcome) = self.peek() else { return Err(self.absent().into()) };
        self.retrieved.set(true);
        outcome.as_ref().map_err(Clone::clone)
    }

    /// The error, if the outcome is one.
    ///
    /// # Errors
    ///
    /// [`InvalidState::Pending`] before there is an outcome, [`Cancelled`](crate::Cancelled) if
    /// it was cancelled.
    pub fn exception(&self) -> Result<Option<&Error>> {
        match self.peek() {
            None => Err(self.absent().into()),
            Some(Err(error)) if error.is_cancelled() => Err(error.clone()),
            Some(outcome) => {
                self.retrieved.set(true);
                Ok(outcome.as_ref().err())
            }
        }
    }

    /// Takes the outcome out. `None` before it is there, while callbacks are due that it was lent
    /// to, and once it was taken.
    ///
    /// # Safety
    ///
    /// No reference that [`peek`](Self::peek), [`result`](Self::result) or
    /// [`exception`](Self::exception) gave out may be alive.
    pub unsafe fn take(&self) -> Option<Result<T>> {
        if self.due.get() > 0 {
            return None;
        }
        self.retrieved.set(true);
        // SAFETY: the caller says that no reference is alive.
        unsafe { &mut *self.outcome.get() }.take()
    }

    /// The error that nobody has asked for, if the outcome is one other than a cancellation.
    pub fn unretrieved(&self) -> Option<&Error> {
        let error = self.peek()?.as_ref().err()?;
        (!self.retrieved.get() && !error.is_cancelled()).then_some(error)
    }

    /// Says that the error, if there is one, has been or will be seen to.
    pub fn mark_retrieved(&self) {
        self.retrieved.set(true);
    }

    /// Has the loop run a callback once the outcome is there, or soon if it is there already.
    ///
    /// The callback that `make` makes must call [`callback_ended`](Self::callback_ended) when it
    /// ends or is dropped.
    ///
    /// # Errors
    ///
    /// [`NoRunningLoop`] if no loop is there to run it.
    pub fn add_callback(
        &self,
        make: impl FnOnce() -> Box<dyn FnOnce()>,
    ) -> Result<CallbackKey, NoRunningLoop> {
        let event_loop = current_loop().ok_or(NoRunningLoop::new("a done-callback"))?;
        let run = event_loop.bind(make());
        let mut callbacks = self.callbacks.borrow_mut();
        let list = callbacks.get_or_insert_default();
        list.last_key += 1;
        let key = CallbackKey(list.last_key);
        if self.is_done() {
            self.due.set(self.due.get() + 1);
            // The loop may call it, or drop it, on the spot.
            drop(callbacks);
            event_loop.call_soon(run);
        } else {
            list.added.push(Callback { key, event_loop, run });
        }
        Ok(key)
    }

    /// Takes a callback back. Says whether it had not been handed to the loop yet.
    pub fn remove_callback(&self, key: CallbackKey) -> bool {
        let mut callbacks = self.callbacks.borrow_mut();
        let Some(added) = callbacks.as_mut().map(|callbacks| &mut callbacks.added) else {
            return false;
        };
        let Some(at) = added.iter().position(|callback| callback.key == key) else { return false };
        let removed = added.remove(at);
        // What it owns may look at this completion while it is dropped.
        drop(callbacks);
        drop(removed);
        true
    }

    /// To be called by each callback when it ends. Wakes those who wait after the last.
    pub fn callback_ended(&self) {
        // A callback that was taken back before the outcome came was never counted.
        if self.due.get() > 0 {
            self.due.set(self.due.get() - 1);
            if self.due.get() == 0 {
                self.waiters.notify_all();
                self.wake_polled();
            }
        }
    }

    /// Why there is no outcome to look at.
    fn absent(&self) -> InvalidState {
        if self.is_done() { InvalidState::Taken } else { InvalidState::Pending }
    }
}

impl<T> AnyCompletion for Completion<T> {
    fn is_done(&self) -> bool {
        self.is_done()
    }

    fn failure(&self) -> Option<&Error> {
        self.peek()?.as_ref().err()
    }

    fn watch(&self, watcher: Rc<dyn Watcher>, index: usize) {
        if !self.is_done() {
            let mut callbacks = self.callbacks.borrow_mut();
            callbacks.get_or_insert_default().watchers.push((watcher, index));
        }
    }

    fn unwatch(&self, watcher: &Rc<dyn Watcher>) {
        let mut removed = Vec::new();
        if let Some(callbacks) = &mut *self.callbacks.borrow_mut() {
            let ours = |(other, _): &mut (Rc<dyn Watcher>, usize)| Rc::ptr_eq(other, watcher);
            removed.extend(callbacks.watchers.extract_if(.., ours));
        }
        // Outside the borrow, in case it was the last.
        drop(removed);
    }
}

impl<T> Default for Completion<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Completion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.peek() {
            Some(Ok(_)) => "finished",
            Some(Err(error)) if error.is_cancelled() => "cancelled",
            Some(Err(_)) => "failed",
            None if self.is_done() => "taken",
            None => "pending",
        };
        f.write_str(state)
    }
}
