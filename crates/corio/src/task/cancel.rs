//! Cancellation: asking a task to stop, and where the request is delivered.
//!
//! A request that finds the task parked is offered to what the task waits for; if that does not
//! take it, the wait ends with an error. One that finds it elsewhere is kept in `pending` and
//! delivered where the task waits next, or where it was to resume: it wins over the value.
//! [`uncancel`](Header::uncancel) to zero withdraws a pending one, not one that was passed on.

use std::ptr::NonNull;
use std::rc::Rc;

use corio_futures::contract::Wait;
use corio_futures::{Cancelled, Error, Result};

use super::Runnable;
use super::header::{Header, State};

impl Header {
    /// Runs `wait`, in which this task, the current one, parks for `target` and passes
    /// cancellations on to it.
    #[inline(always)]
    pub(crate) fn while_awaiting<R>(&self, target: &Header, wait: impl FnOnce() -> R) -> R {
        struct Awaiting<'a>(&'a Header);
        impl Drop for Awaiting<'_> {
            fn drop(&mut self) {
                self.0.awaits.set(None);
            }
        }
        self.awaits.set(Some(NonNull::from(target)));
        let _awaiting = Awaiting(self);
        wait()
    }

    /// asyncio's `Task.cancel`: asks, and says whether the task was still there to be asked.
    ///
    /// A task that awaits another passes the request on, that one perhaps to a third, and so on.
    /// The last of the chain gets it. The chain may be long, so it is walked, not recursed into;
    /// and it may lead in a circle: then the last before the circle closes is interrupted. (A task
    /// that the request has passed through says no when it comes round again.)
    pub(crate) fn cancel(&self, cancelled: &Cancelled) -> bool {
        if self.is_done() || self.being_cancelled.get() {
            return false;
        }
        let _first = Passing::through(self);
        self.note_request();
        match self.awaited() {
            Some(next) => self.cancel_chain(next, cancelled),
            None => self.deliver(cancelled),
        }
        true
    }

    /// Cancels the last of the chain that begins with this task and goes on with `next`.
    fn cancel_chain(&self, next: &Header, cancelled: &Cancelled) {
        let mut chain = Chain(Vec::new());
        let mut next = Some(next);
        while let Some(task) = next.filter(|task| !task.being_cancelled.get()) {
            task.note_request();
            task.being_cancelled.set(true);
            chain.0.push(task.event_loop.task(task.key));
            next = task.awaited();
        }
        let circle = next.is_some();
        let last = chain.0.last().map_or(self, |task| task.header());
        if circle {
            last.interrupt(cancelled.clone().into());
        } else {
            last.deliver(cancelled);
        }
    }

    /// Offers a cancellation of this task, which runs, to what it is about to wait for.
    pub(super) fn pass_on(&self, wait: &Wait<'_>, cancelled: &Cancelled) -> bool {
        // Should it come back to this task, in a circle, this task does not take it.
        let _passing = Passing::through(self);
        match self.awaits.get() {
            // SAFETY: as in `awaited`; this is called from the `park` of `while_awaiting`.
            Some(target) => unsafe { target.as_ref() }.cancel(cancelled),
            None => wait.pass_on(cancelled),
        }
    }

    fn note_request(&self) {
        self.requests.set(self.requests.get() + 1);
    }

    /// The task that this one is parked for, if it passes cancellations on to it.
    fn awaited(&self) -> Option<&Header> {
        let target = self.awaits.get().filter(|_| self.state() == State::Parked)?;
        // SAFETY: set by `while_awaiting` while it has the target borrowed, and unset before it
        // returns; as the task is parked there, it has not returned.
        Some(unsafe { target.as_ref() }).filter(|target| !target.is_done())
    }

    /// Takes a cancellation where it does not go further.
    fn deliver(&self, cancelled: &Cancelled) {
        if self.state() == State::Parked {
            // What the wait lends is in the parked task's frame, so the task must not go on
            // meanwhile and leave that frame: however long this takes, it is held.
            let held = Held::hold(self);
            let passed_on = self.with_wait(|wait| wait.pass_on(cancelled));
            drop(held);
            if passed_on {
                return;
            }
            if self.state() == State::Parked {
                return self.interrupt(cancelled.clone().into());
            }
        }
        // It runs, is ready to, or was just made ready by what would not take the cancellation.
        if !self.is_done() {
            self.with_rare(|rare| rare.pending = Some(cancelled.clone()));
            self.disturbed.set(true);
        }
    }

    /// Ends the wait of a parked task with an error, whatever it waits for.
    pub(crate) fn interrupt(&self, error: Error) {
        if self.state() == State::Parked {
            self.with_rare(|rare| rare.interrupt = Some(error));
            self.disturbed.set(true);
            self.make_ready();
        }
    }

    /// Withdraws one request to cancel; the last one takes a pending cancellation with it.
    pub(crate) fn uncancel(&self) -> usize {
        let left = self.requests.get().saturating_sub(1);
        self.requests.set(left);
        if left == 0 {
            self.take_pending();
        }
        left
    }

    pub(crate) fn cancelling(&self) -> usize {
        self.requests.get()
    }

    /// A cancellation that was not delivered, if there is one.
    #[inline]
    pub(crate) fn take_pending(&self) -> Option<Cancelled> {
        if self.disturbed.get() { self.with_rare(|rare| rare.pending.take()) } else { None }
    }

    /// Why the task must not go on as if nothing had happened, if so.
    #[inline]
    pub(super) fn interruption(&self) -> Result<()> {
        if self.disturbed.get() { self.take_interruption() } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn take_interruption(&self) -> Result<()> {
        self.disturbed.set(false);
        // One error says it all: a cancellation that came after the interruption is part of it.
        match self.with_rare(|rare| (rare.interrupt.take(), rare.pending.take())) {
            (_, Some(cancelled)) => Err(cancelled.into()),
            (Some(error), None) => Err(error),
            (None, None) => Ok(()),
        }
    }
}

/// A cancellation is on its way through a task as long as this lives.
struct Passing<'a>(&'a Header);

impl<'a> Passing<'a> {
    fn through(task: &'a Header) -> Self {
        task.being_cancelled.set(true);
        Self(task)
    }
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.0.being_cancelled.set(false);
    }
}

/// The tasks that a cancellation is on its way through, kept alive: the last may take its time.
struct Chain(Vec<Rc<dyn Runnable>>);

impl Drop for Chain {
    fn drop(&mut self) {
        for task in &self.0 {
            task.header().being_cancelled.set(false);
        }
    }
}

/// Keeps a parked task parked as long as this lives. If it is leaked, so is the task.
struct Held<'a>(&'a Header);

impl<'a> Held<'a> {
    fn hold(task: &'a Header) -> Self {
        debug_assert_eq!(task.state(), State::Parked);
        task.state.set(State::Held);
        Self(task)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        match self.0.state() {
            State::HeldWoken => self.0.state.set(State::Ready),
            State::HeldLate => self.0.make_ready(),
            _ => self.0.state.set(State::Parked),
        }
    }
}
