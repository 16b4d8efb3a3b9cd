//! What every task has, whatever it runs: states, suspension, cancellation.
//!
//! ```text
//!                 ┌──────────────── yield_now ───────────────┐
//!                 ▼                                          │
//!   Created ──▶ Ready ──── the loop steps it ────▶ Running ──┴── park ──▶ Parked
//!      │          ▲                                   │                     │
//!      │          └───────── unpark, cancel ──────────┼─────────────────────┘
//!      │                                              ▼
//!      └── cancelled before its first step ────────▶ Done
//! ```
//!
//! (A task is Watched instead of Running if its loop is in debug mode. A task is Held instead of Parked while foreign code looks at what it waits for.)
//!
//! A task in the states Created and Ready stands in the loop's queue exactly once.
//!
//! A cancellation that finds the task parked is offered to what the task waits for; if that does
//! not take it, the wait ends with an error. One that finds it elsewhere is kept in `pending` and
//! delivered where the task waits next, or where it was to resume: it wins over the value.
//! [`uncancel`](Header::uncancel) to zero withdraws a pending one, not one that was passed on.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::rc::Rc;

use corio_coroutine::{Coroutine, CoroutineState, StackLabel, Yielder};
use corio_futures::contract::{Parker, Wait};
use corio_futures::{Cancelled, CannotWait, Error, Result};

use super::{Runnable, TaskOptions};
use crate::event_loop::{CurrentTask, EventLoop};

/// See the module's diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Created,
    Ready,
    Running,
    /// Running, in a loop in debug mode.
    Watched,
    Parked,
    /// Parked, and kept so, while foreign code looks at what the task waits for.
    Held,
    /// Held, woken, and in the loop's queue.
    HeldWoken,
    /// Held, woken, and its turn has come and gone: to be made ready when that is over.
    HeldLate,
    Done,
}

/// Laid out as written: what a step touches comes first, in as few cache lines as can be.
#[repr(C)]
pub(crate) struct Header {
    state: Cell<State>,
    /// Whether `interrupt` or `pending` is there to be looked at.
    disturbed: Cell<bool>,
    /// Nobody holds a [`Task`](super::Task) any more.
    pub(crate) detached: Cell<bool>,
    /// A nursery is to be told when the task has ended.
    pub(crate) is_child: bool,
    /// Timeouts and nurseries that the task has opened and not left.
    open_scopes: Cell<u32>,
    yielder: Cell<Option<NonNull<Yielder<(), ()>>>>,
    /// Borrowed while the task runs.
    coroutine: RefCell<Option<Coroutine>>,
    pub(crate) event_loop: Rc<EventLoop>,
    /// What the task waits for. Some exactly while it is parked; it is on the task's own stack.
    waiting: Cell<Option<NonNull<Wait<'static>>>>,
    /// The task that waits for this one by its [`Task`](super::Task). Some only while it is parked
    /// in [`join`](Self::join).
    joiner: Cell<Option<CurrentTask>>,
    /// The task that this one waits for and passes a cancellation on to. Some only while it is
    /// parked for that.
    awaits: Cell<Option<NonNull<Header>>>,
    /// A cancellation is on its way through this task.
    being_cancelled: Cell<bool>,
    /// The task's place in the loop's table.
    pub(crate) key: usize,
    number: u64,
    pub(crate) stack_size: usize,
    /// Cancellations asked for and not withdrawn.
    requests: Cell<usize>,
    /// As many scopes were open when the generator that the task runs now was stepped.
    scopes_outside: Cell<u32>,
    /// Boxed, since most tasks never need it.
    rare: RefCell<Option<Box<Rare>>>,
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

#[derive(Default)]
struct Rare {
    name: Option<Rc<str>>,
    /// Where the task was made, if its loop is in debug mode.
    created: Option<&'static Location<'static>>,
    /// Why the wait that the task resumes from has failed.
    interrupt: Option<Error>,
    /// A cancellation that is not delivered yet.
    pending: Option<Cancelled>,
}

impl Rare {
    #[cold]
    fn named(name: String) -> Box<Self> {
        Box::new(Self { name: Some(name.into()), ..Self::default() })
    }
}

impl Header {
    // Inlined, so that it is built where it will be.
    #[inline(always)]
    pub(crate) fn new(
        event_loop: Rc<EventLoop>,
        key: usize,
        is_child: bool,
        options: TaskOptions,
    ) -> Self {
        Self {
            state: Cell::new(State::Created),
            disturbed: Cell::new(false),
            detached: Cell::new(false),
            is_child,
            open_scopes: Cell::new(0),
            yielder: Cell::new(None),
            coroutine: RefCell::new(None),
            waiting: Cell::new(None),
            joiner: Cell::new(None),
            awaits: Cell::new(None),
            being_cancelled: Cell::new(false),
            key,
            number: event_loop.next_task_number(),
            event_loop,
            stack_size: options.stack_size,
            requests: Cell::new(0),
            scopes_outside: Cell::new(0),
            rare: RefCell::new(options.name.map(Rare::named)),
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn name(&self) -> Rc<str> {
        self.given_name().unwrap_or_else(|| format!("Task-{}", self.number).into())
    }

    /// The name as reports have it, with where the task was made if that is known.
    pub(crate) fn description(&self) -> String {
        match self.created() {
            Some(created) => format!("task '{}' (created at {created})", self.name()),
            None => format!("task '{}'", self.name()),
        }
    }

    /// Where the task was made, if its loop was in debug mode then.
    pub(crate) fn created(&self) -> Option<&'static Location<'static>> {
        self.rare.borrow().as_ref()?.created
    }

    /// Notes where the task was made, in debug mode.
    #[inline]
    pub(crate) fn note_creation(&self, created: &'static Location<'static>) {
        #[cold]
        fn note(task: &Header, created: &'static Location<'static>) {
            task.with_rare(|rare| rare.created = Some(created));
        }
        if self.event_loop.debug().is_on() {
            note(self, created);
        }
    }

    fn given_name(&self) -> Option<Rc<str>> {
        self.rare.borrow().as_ref()?.name.clone()
    }

    pub(crate) fn set_name(&self, name: Rc<str>) {
        self.with_rare(|rare| rare.name = Some(name));
        if let Ok(coroutine) = self.coroutine.try_borrow()
            && let Some(coroutine) = &*coroutine
        {
            coroutine.stack().set_label(self.label());
        }
    }

    /// The name, as the report of a stack overflow has it.
    pub(crate) fn label(&self) -> StackLabel {
        match self.given_name() {
            Some(name) => StackLabel::Named(name),
            None => StackLabel::Numbered("Task-", self.number),
        }
    }

    pub(crate) fn state(&self) -> State {
        self.state.get()
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state() == State::Done
    }

    pub(crate) fn set_done(&self) {
        self.state.set(State::Done);
    }

    /// Gives the task the coroutine that runs its body.
    pub(crate) fn set_coroutine(&self, coroutine: Coroutine) {
        *self.coroutine.borrow_mut() = Some(coroutine);
    }

    /// To be called first thing on the task's own stack.
    pub(crate) fn set_yielder(&self, yielder: &Yielder<(), ()>) {
        self.yielder.set(Some(NonNull::from(yielder)));
    }

    /// Gives up a turn if the task is held; says whether it is.
    #[cold]
    #[inline(never)]
    pub(crate) fn misses_turn(&self) -> bool {
        let held = self.state() == State::HeldWoken;
        if held {
            self.state.set(State::HeldLate);
        }
        held
    }

    /// Runs the task until it suspends or ends. For the loop alone. Says whether it has ended.
    #[inline(always)]
    pub(crate) fn step(&self) -> bool {
        self.run(State::Running)
    }

    /// As [`step`](Self::step), in debug mode.
    #[cold]
    pub(crate) fn watched_step(&self) -> bool {
        self.run(State::Watched)
    }

    #[inline(always)]
    fn run(&self, state: State) -> bool {
        self.state.set(state);
        let mut coroutine = self.coroutine.borrow_mut();
        let state = coroutine.as_mut().map(|coroutine| coroutine.resume(()));
        match state {
            Some(CoroutineState::Yielded(())) => false,
            Some(CoroutineState::Complete(())) | None => {
                self.yielder.set(None);
                *coroutine = None; // the stack goes back to the pool
                true
            }
        }
    }

    /// Goes to the end of the queue, behind everything that is ready now.
    // Inlined: see `sleep`.
    #[inline(always)]
    pub(crate) fn yield_now(&self) -> Result<()> {
        self.check_can_suspend("its turn")?;
        self.make_ready();
        self.suspend();
        self.interruption()
    }

    /// Suspends until [`unpark`](Self::unpark) or an interruption.
    // Inlined: see `sleep`.
    #[inline(always)]
    pub(crate) fn park(&self, wait: &Wait<'_>) -> Result<()> {
        self.check_can_suspend(wait.what())?;
        let pending = self.take_pending();
        self.waiting.set(Some(NonNull::from(wait).cast()));
        self.state.set(State::Parked);
        match pending {
            None => self.suspend(),
            Some(cancelled) => self.suspend_cancelled(&cancelled),
        }
        self.waiting.set(None);
        self.interruption()
    }

    /// Suspends the current task, which has just parked and was cancelled before. As in asyncio,
    /// it goes on a step later at the earliest.
    #[cold]
    #[inline(never)]
    fn suspend_cancelled(&self, cancelled: &Cancelled) {
        let delivered = catch_unwind(AssertUnwindSafe(|| self.deliver_or_pass_on(cancelled)));
        if delivered.is_err() && self.state() == State::Parked {
            self.make_ready();
        }
        self.suspend();
        if let Err(payload) = delivered {
            resume_unwind(payload);
        }
    }

    /// Parks `joiner`, the current task, until this task has ended and `ready` says so too.
    ///
    /// There is at most one joiner, as a task has but one handle and waiting consumes it. So this
    /// takes a pointer where others take a place in a wait list.
    // Inlined: see `sleep`.
    #[inline(always)]
    pub(crate) fn join(
        &self,
        joiner: CurrentTask,
        wait: &Wait<'_>,
        ready: impl Fn() -> bool,
    ) -> Result<()> {
        struct Joining<'a>(&'a Header);
        impl Drop for Joining<'_> {
            fn drop(&mut self) {
                self.0.joiner.set(None);
            }
        }
        self.joiner.set(Some(joiner));
        let _joining = Joining(self);
        joiner.while_awaiting(self, || {
            while !ready() {
                joiner.park(wait)?;
            }
            Ok(())
        })
    }

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

    /// Wakes the task that waits in [`join`](Self::join), if there is one.
    #[inline]
    pub(crate) fn wake_joiner(&self) {
        if let Some(joiner) = self.joiner.get() {
            joiner.unpark();
        }
    }

    #[inline]
    pub(crate) fn unpark(&self) {
        match self.state() {
            State::Parked => self.make_ready(),
            State::Held => {
                self.make_ready();
                self.state.set(State::HeldWoken);
            }
            _ => {}
        }
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
        self.note_request();
        self.deliver_or_pass_on(cancelled);
        true
    }

    fn deliver_or_pass_on(&self, cancelled: &Cancelled) {
        let _first = Passing::through(self);
        match self.awaited() {
            Some(next) => self.cancel_chain(next, cancelled),
            None => self.deliver(cancelled),
        }
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

    /// The key of the task that this one is parked for.
    pub(crate) fn awaited_key(&self) -> Option<usize> {
        self.awaited().map(|awaited| awaited.key)
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

    /// Counts a timeout or a nursery that may cancel the task until it is left.
    pub(crate) fn enter_scope(&self) {
        self.open_scopes.set(self.open_scopes.get() + 1);
    }

    pub(crate) fn leave_scope(&self) {
        self.open_scopes.set(self.open_scopes.get() - 1);
    }

    /// The scopes that are open now are not those of the generator that is about to run. Returns
    /// what to [leave](Self::leave_generator) with.
    #[inline]
    pub(crate) fn enter_generator(&self) -> u32 {
        self.scopes_outside.replace(self.open_scopes.get())
    }

    #[inline]
    pub(crate) fn leave_generator(&self, outside: u32) {
        self.scopes_outside.set(outside);
    }

    /// Whether the generator that the task runs now has opened a scope and not left it.
    #[inline]
    pub(crate) fn has_scopes_of_generator(&self) -> bool {
        self.open_scopes.get() > self.scopes_outside.get()
    }

    /// A cancellation that was not delivered, if there is one.
    #[inline]
    pub(crate) fn take_pending(&self) -> Option<Cancelled> {
        if self.disturbed.get() { self.with_rare(|rare| rare.pending.take()) } else { None }
    }

    /// What the task waits for, in words, if it is parked.
    pub(crate) fn waits_for(&self) -> Option<String> {
        (self.state() == State::Parked).then(|| self.with_wait(|wait| format!("{wait:?}")))
    }

    /// What the task is parked for, or was until it became ready, and where.
    pub(crate) fn parked_for(&self) -> Option<(&'static str, &'static Location<'static>)> {
        let wait = self.waiting.get()?;
        // SAFETY: `park` stores a reference to what its caller holds, and takes it out before it
        // returns. A task's stack is never freed, or unwound by force, while it is suspended.
        let wait = unsafe { wait.as_ref() };
        Some((wait.what(), wait.location()))
    }

    fn with_rare<R>(&self, change: impl FnOnce(&mut Rare) -> R) -> R {
        change(self.rare.borrow_mut().get_or_insert_default())
    }

    /// Shows `look` what the task is parked on.
    fn with_wait<R>(&self, look: impl FnOnce(&Wait<'_>) -> R) -> R {
        let wait = self.waiting.get().expect("a parked task waits for something");
        // SAFETY: `park` stores a reference to what its caller holds across the suspension, and
        // takes it out when it resumes. As the task is parked, `park` has not resumed, and a
        // task's stack is never freed while it is suspended. It stays parked during `look`, which
        // is ours and only formats, or runs while the task is held.
        look(unsafe { wait.as_ref() })
    }

    #[inline]
    fn make_ready(&self) {
        self.state.set(State::Ready);
        self.push_ready();
    }

    /// Puts the task at the end of the loop's queue, for a step or, when it has ended, to be
    /// reported.
    #[inline]
    pub(crate) fn push_ready(&self) {
        self.event_loop.push_ready(self);
    }

    /// Why the task must not go on as if nothing had happened, if so.
    #[inline]
    fn interruption(&self) -> Result<()> {
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

    #[inline]
    pub(crate) fn check_can_suspend(&self, what: &'static str) -> Result<()> {
        // Only the loop makes a task `Running`, only one at a time, and only around its `resume`.
        if self.state() == State::Running && self.runs_here() && !std::thread::panicking() {
            Ok(())
        } else {
            self.cannot_suspend(what)
        }
    }

    /// Whether the caller runs on this task's stack, or on that of a generator which it resumes.
    ///
    /// Not so if a coroutine in which [`run`](crate::run) was called has been yielded out of: then
    /// the loop's task is current, and the caller somewhere else.
    #[inline]
    fn runs_here(&self) -> bool {
        // SAFETY: as in `suspend`.
        self.yielder.get().is_some_and(|yielder| unsafe { yielder.as_ref() }.runs_here())
    }

    #[cold]
    #[inline(never)]
    fn cannot_suspend(&self, what: &'static str) -> Result<()> {
        let cannot = match self.state() {
            State::Running | State::Watched if !self.runs_here() => CannotWait::Elsewhere,
            State::Watched if !std::thread::panicking() => {
                self.event_loop.debug().note_stack();
                return Ok(());
            }
            State::Running | State::Watched => CannotWait::Unwinding,
            _ => CannotWait::NotCurrent,
        };
        Err(cannot(what).into())
    }

    #[inline(always)]
    fn suspend(&self) {
        let yielder = self.yielder.get().expect("a running task has a yielder");
        // SAFETY: the yielder is on the stack of this task's coroutine, which is suspended or
        // running as long as `yielder` is set.
        let yielder = unsafe { yielder.as_ref() };
        // SAFETY: the callers have checked that the task runs, and here: on its own stack, or on
        // that of a generator that it resumes. Switching out of that one suspends the task.
        unsafe { yielder.yield_unchecked(()) };
    }
}

/// The task, as those see it whom it waits with.
impl Parker for Header {
    fn park(&self, wait: &Wait<'_>) -> Result<()> {
        self.park(wait)
    }

    fn unpark(&self) {
        self.unpark();
    }

    fn yield_now(&self) -> Result<()> {
        if self.check_can_suspend("its turn").is_ok() { self.yield_now() } else { Ok(()) }
    }
}

impl std::fmt::Debug for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} ({:?})", self.name(), self.state())
    }
}
