//! Cancellation: asking a task to stop, and where the request is delivered.
//!
//! A request that finds the task parked is offered to what the task waits for; if that does not
//! take it, the wait ends with an error. One that finds it elsewhere is kept in `pending` and
//! delivered where the task waits next, or where it was to resume: it wins over the value.
//! [`uncancel`](Header::uncancel) to zero withdraws a pending one, not one that was passed on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::rc::Rc;
use std::thread;

use corio_futures::contract::Wait;
use corio_futures::{Cancelled, Error, Result};

use super::header::{Header, Rare, State};
use super::{Panicked, Runnable};

/// What a parked task waits for and passes cancellations on to. Lives in the frame that waits.
pub(crate) enum Awaited<'a> {
    Task(&'a Header),
    Members(&'a dyn Members),
}

/// Several tasks that one waits for.
pub(crate) trait Members {
    /// Those that have not ended, in the order in which they are to be asked.
    fn unfinished(&self) -> Vec<Rc<dyn Runnable>>;

    /// Notes that a cancellation was passed on to one of them at least.
    fn passed_on(&self);
}

/// What a task finds when it goes on after a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disturbance {
    None,
    /// Its wait has ended by a cancellation without a message. Apart from the rest, so that
    /// cancelling a task allocates nothing.
    Cancelled,
    /// An `interrupt` or a `pending` cancellation is there to be looked at.
    Noted,
}

impl Awaited<'_> {
    /// Gives `ask` each task that can be asked to stop: one that a request is on its way through
    /// says no when it comes round again.
    fn each(&self, mut ask: impl FnMut(Rc<dyn Runnable>)) {
        let can_be_asked = |task: &Header| !task.is_done() && !task.being_cancelled.get();
        match self {
            Self::Task(task) if can_be_asked(task) => ask(task.event_loop.task(task.key)),
            Self::Task(_) => {}
            Self::Members(members) => {
                let mut tasks = members.unfinished();
                tasks.retain(|task| can_be_asked(task.header()));
                if !tasks.is_empty() {
                    members.passed_on();
                }
                tasks.into_iter().for_each(ask);
            }
        }
    }
}

impl Header {
    /// Runs `wait`, in which this task, the current one, parks for `awaited` and passes
    /// cancellations on to it.
    #[inline(always)]
    pub(crate) fn while_awaiting<R>(&self, awaited: &Awaited<'_>, wait: impl FnOnce() -> R) -> R {
        struct Awaiting<'a>(&'a Header);
        impl Drop for Awaiting<'_> {
            fn drop(&mut self) {
                self.0.awaits.set(None);
            }
        }
        self.awaits.set(Some(NonNull::from(awaited).cast()));
        let _awaiting = Awaiting(self);
        wait()
    }

    /// asyncio's `Task.cancel`: asks, and says whether the task was still there to be asked.
    ///
    /// A task that awaits another passes the request on, that one perhaps to a third, one that
    /// gathers passes it on to many, and so on. The last ones get it.
    pub(crate) fn cancel(&self, cancelled: &Cancelled) -> bool {
        if self.is_done() || self.being_cancelled.get() {
            return false;
        }
        self.note_request();
        self.deliver_or_pass_on(cancelled);
        true
    }

    fn deliver_or_pass_on(&self, cancelled: &Cancelled) {
        if self.awaited().is_some() {
            Walk::from(self).run(cancelled);
        } else {
            let _passing = Passing::through(self);
            self.deliver(cancelled);
        }
    }

    /// Whether there is something to tell the task, or may be.
    #[inline]
    pub(crate) fn is_disturbed(&self) -> bool {
        self.disturbed.get() != Disturbance::None
    }

    /// Delivers a cancellation that came before the task has parked. As in asyncio, the task goes on
    /// a step later at the earliest.
    ///
    /// To be called by who has resumed the task, not by the task itself: on its stack, the code of
    /// others that this may call could switch to an outer part of it, which would go on while the
    /// task counts as parked.
    #[cold]
    #[inline(never)]
    pub(crate) fn deliver_pending(&self) {
        if self.state() == State::Parked
            && let Some(cancelled) = self.take_pending()
        {
            self.deliver_or_pass_on(&cancelled);
        }
    }

    /// Takes back a cancellation that has reached this task, the current one, where nothing can let
    /// it out, as in a destructor: the next wait gets it.
    pub(crate) fn redeliver(&self, cancelled: &Cancelled) {
        if self.cancelling() > 0 {
            self.uncancel();
            self.cancel(cancelled);
        }
    }

    /// The key of the task that this one is parked for.
    pub(crate) fn awaited_key(&self) -> Option<usize> {
        match self.awaited()? {
            Awaited::Task(task) => Some(task.key).filter(|_| !task.is_done()),
            Awaited::Members(_) => None,
        }
    }

    fn note_request(&self) {
        self.requests.set(self.requests.get() + 1);
    }

    /// What this task is parked for, if it passes cancellations on to it. To be looked at while
    /// nothing runs.
    fn awaited(&self) -> Option<&Awaited<'_>> {
        let awaited = self.awaits.get().filter(|_| self.state() == State::Parked)?;
        // SAFETY: set by `while_awaiting` while it has what is awaited borrowed, and unset before
        // it returns; as the task is parked there, it has not returned.
        Some(unsafe { awaited.as_ref() })
    }

    /// Takes a cancellation where it does not go further.
    fn deliver(&self, cancelled: &Cancelled) {
        if self.state() == State::Parked {
            // The frame that waits is looked at only if need be: it is on a stack that may have
            // left the cache long ago.
            if self.offers.get() && self.offer(cancelled) {
                return;
            }
            if self.state() == State::Parked {
                return self.interrupt_by(cancelled);
            }
        }
        // It runs, is ready to, or was just made ready by what would not take the cancellation.
        if !self.is_done() {
            self.note(|rare| rare.pending = Some(cancelled.clone()));
        }
    }

    /// Offers a cancellation to what this task, which is parked, waits for. If that panics, it has
    /// not taken it: whoever cancels, perhaps the loop, has no part in this.
    #[inline(never)]
    fn offer(&self, cancelled: &Cancelled) -> bool {
        let offered = |wait: &Wait<'_>| wait.pass_on(cancelled);
        let offered = self.with_wait(|wait| catch_unwind(AssertUnwindSafe(|| offered(wait))));
        offered.unwrap_or_else(|payload| {
            let error = Panicked::new(self.name().to_string(), payload).into();
            self.event_loop.report("a wait failed as a cancellation was passed on to it", &error);
            false
        })
    }

    /// Ends the wait of a parked task with an error, whatever it waits for.
    pub(crate) fn interrupt(&self, error: Error) {
        if self.state() == State::Parked {
            self.note(|rare| rare.interrupt = Some(error));
            self.make_ready();
        }
    }

    fn interrupt_by(&self, cancelled: &Cancelled) {
        if cancelled.message().is_none() && self.disturbed.get() == Disturbance::None {
            self.disturbed.set(Disturbance::Cancelled);
            self.make_ready();
        } else {
            self.interrupt(cancelled.clone().into());
        }
    }

    /// Notes what the task is to look at when it goes on.
    fn note(&self, change: impl FnOnce(&mut Rare)) {
        let before = self.disturbed.replace(Disturbance::Noted);
        self.with_rare(|rare| {
            if before == Disturbance::Cancelled {
                rare.interrupt = Some(Cancelled::new().into());
            }
            change(rare);
        });
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
        match self.disturbed.get() {
            Disturbance::None | Disturbance::Cancelled => None,
            Disturbance::Noted => self.with_rare(|rare| rare.pending.take()),
        }
    }

    /// Why the task must not go on as if nothing had happened, if so.
    #[inline]
    pub(super) fn interruption(&self) -> Result<()> {
        match self.disturbed.get() {
            Disturbance::None => Ok(()),
            Disturbance::Cancelled => {
                self.disturbed.set(Disturbance::None);
                Err(Cancelled::new().into())
            }
            Disturbance::Noted => self.take_interruption(),
        }
    }

    #[cold]
    #[inline(never)]
    fn take_interruption(&self) -> Result<()> {
        self.disturbed.set(Disturbance::None);
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

/// A cancellation on its way through the tasks that wait for one another, depth first.
///
/// They may be many, one behind the other, so they are walked, not recursed into. They may also
/// lead in a circle; then the last before the circle closes is interrupted. All are kept alive:
/// each of the last may take its time.
struct Walk(Vec<Step>);

enum Step {
    Visit(Rc<dyn Runnable>),
    /// Everything behind this task has been visited.
    Leave(Rc<dyn Runnable>),
}

impl Walk {
    fn from(task: &Header) -> Self {
        Self(vec![Step::Visit(task.event_loop.task(task.key))])
    }

    fn run(mut self, cancelled: &Cancelled) {
        while let Some(step) = self.0.pop() {
            match step {
                Step::Visit(task) => self.visit(task, cancelled),
                Step::Leave(task) => task.header().being_cancelled.set(false),
            }
        }
    }

    fn visit(&mut self, task: Rc<dyn Runnable>, cancelled: &Cancelled) {
        task.header().being_cancelled.set(true);
        self.0.push(Step::Leave(Rc::clone(&task)));
        let next = self.0.len();
        if let Some(awaited) = task.header().awaited() {
            awaited.each(|task| {
                task.header().note_request();
                self.0.push(Step::Visit(task));
            });
        }
        if self.0.len() == next {
            task.header().deliver(cancelled);
        } else {
            self.0[next..].reverse();
        }
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        // Nothing is left, unless something panicked.
        for step in &self.0 {
            if let Step::Leave(task) = step {
                task.header().being_cancelled.set(false);
            }
        }
    }
}

/// Keeps a parked task parked as long as this lives. If it is leaked, so is the task.
pub(super) struct Held<'a>(&'a Header);

impl<'a> Held<'a> {
    pub(super) fn hold(task: &'a Header) -> Self {
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
            _ => {
                self.0.state.set(State::Parked);
                // That came meanwhile.
                if self.0.is_disturbed() && !thread::panicking() {
                    self.0.deliver_pending();
                }
            }
        }
    }
}
