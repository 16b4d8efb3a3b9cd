//! What every task has, whatever it runs: states and suspension.
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
//! (A task is Watched instead of Running if its loop is in debug mode, and Held instead of Parked
//! while foreign code looks at what it waits for.)
//!
//! A task in the states Created and Ready stands in the loop's queue exactly once.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::ptr::NonNull;
use std::rc::Rc;

use corio_coroutine::{Coroutine, CoroutineState, StackLabel, Yielder};
use corio_futures::contract::{Exit, Parker, Wait};
use corio_futures::{Cancelled, CannotWait, Error, Result};

use super::TaskOptions;
use super::cancel::{Awaited, Disturbance, Held};
use crate::context::{Inherited, Slot};
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
    pub(super) state: Cell<State>,
    /// Why the task must not go on as if nothing had happened, if so.
    pub(super) disturbed: Cell<Disturbance>,
    /// What the task is parked for has a say in its cancellation.
    pub(super) offers: Cell<bool>,
    /// A timer is set that will wake the task: see `sleep`.
    pub(crate) alarm_set: Cell<bool>,
    /// Nobody holds a [`Task`](super::Task) any more.
    pub(crate) detached: Cell<bool>,
    /// A nursery is to be told when the task has ended.
    pub(crate) is_child: bool,
    /// The task is in a first step that runs inside the call that made it.
    pub(crate) begins_eagerly: Cell<bool>,
    /// Timeouts and nurseries that the task has opened and not left.
    pub(super) open_scopes: Cell<u32>,
    pub(super) yielder: Cell<Option<NonNull<Yielder<(), ()>>>>,
    /// Borrowed while the task runs.
    coroutine: RefCell<Option<Coroutine>>,
    pub(crate) event_loop: Rc<EventLoop>,
    /// What the task waits for. Some exactly while it is parked; it is on the task's own stack.
    pub(super) waiting: Cell<Option<NonNull<Wait<'static>>>>,
    /// The task that waits for this one by its [`Task`](super::Task). Some only while it is parked
    /// in [`join`](Self::join).
    joiner: Cell<Option<CurrentTask>>,
    /// What this task waits for and passes a cancellation on to, in the frame that waits. Some only
    /// while it is parked for that.
    pub(super) awaits: Cell<Option<NonNull<Awaited<'static>>>>,
    /// A cancellation is on its way through this task.
    pub(super) being_cancelled: Cell<bool>,
    /// The task's place in the loop's table.
    pub(crate) key: usize,
    number: u64,
    pub(crate) stack_size: usize,
    /// Cancellations asked for and not withdrawn.
    pub(super) requests: Cell<usize>,
    /// As many scopes were open when the generator that the task runs now was stepped.
    pub(super) scopes_outside: Cell<u32>,
    context: Slot,
    /// Boxed, since most tasks never need it.
    rare: RefCell<Option<Box<Rare>>>,
}

#[derive(Default)]
pub(super) struct Rare {
    name: Option<Rc<str>>,
    /// Where the task was made, if its loop is in debug mode.
    created: Option<&'static Location<'static>>,
    /// Why the wait that the task resumes from has failed.
    pub(super) interrupt: Option<Error>,
    /// A cancellation that is not delivered yet.
    pub(super) pending: Option<Cancelled>,
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
            disturbed: Cell::new(Disturbance::None),
            offers: Cell::new(false),
            alarm_set: Cell::new(false),
            detached: Cell::new(false),
            is_child,
            begins_eagerly: Cell::new(false),
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
            context: Inherited::here().into_slot(),
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

    /// Where the task's context is.
    #[inline]
    pub(crate) fn context(&self) -> &Slot {
        &self.context
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

    /// Runs the task until it suspends or ends. For the loop alone, and for eager first steps. Says
    /// whether it has ended.
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
        self.begin_park(wait)?;
        self.suspend();
        self.end_park()
    }

    #[inline(always)]
    fn begin_park(&self, wait: &Wait<'_>) -> Result<()> {
        self.check_can_suspend(wait.what())?;
        self.offers.set(wait.has_say_in_cancellation());
        self.waiting.set(Some(NonNull::from(wait).cast()));
        self.state.set(State::Parked);
        Ok(())
    }

    #[inline(always)]
    fn end_park(&self) -> Result<()> {
        self.waiting.set(None);
        self.interruption()
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
        joiner.while_awaiting(&Awaited::Task(self), || {
            while !ready() {
                joiner.park(wait)?;
            }
            Ok(())
        })
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

    /// What the task waits for, in words, if it is parked.
    pub(crate) fn waits_for(&self) -> Option<String> {
        let in_words = |wait: &Wait<'_>| {
            // Which one it is, others say.
            let words = catch_unwind(AssertUnwindSafe(|| format!("{wait:?}")));
            words.unwrap_or_else(|_| format!("{} ({})", wait.what(), wait.location()))
        };
        (self.state() == State::Parked).then(|| self.with_wait(in_words))
    }

    /// What the task is parked for, or was until it became ready, and where.
    pub(crate) fn parked_for(&self) -> Option<(&'static str, &'static Location<'static>)> {
        let wait = self.waiting.get()?;
        // SAFETY: `park` stores a reference to what its caller holds, and takes it out before it
        // returns. A task's stack is never freed, or unwound by force, while it is suspended.
        let wait = unsafe { wait.as_ref() };
        Some((wait.what(), wait.location()))
    }

    pub(super) fn with_rare<R>(&self, change: impl FnOnce(&mut Rare) -> R) -> R {
        change(self.rare.borrow_mut().get_or_insert_default())
    }

    /// Shows `look`, which may call the code of others, what the task is parked on.
    pub(super) fn with_wait<R>(&self, look: impl FnOnce(&Wait<'_>) -> R) -> R {
        let wait = self.waiting.get().expect("a parked task waits for something");
        // What the wait lends is in the parked task's frame, so the task must not go on meanwhile
        // and leave that frame: however long this takes, it is held.
        let _held = Held::hold(self);
        // SAFETY: `park` stores a reference to what its caller holds across the suspension, and
        // takes it out when it resumes. As the task was parked and is held, `park` does not resume,
        // and a task's stack is never freed while it is suspended.
        look(unsafe { wait.as_ref() })
    }

    #[inline]
    pub(super) fn make_ready(&self) {
        self.state.set(State::Ready);
        self.push_ready();
    }

    /// Puts the task at the end of the loop's queue, for a step or, when it has ended, to be
    /// reported.
    #[inline]
    pub(crate) fn push_ready(&self) {
        self.event_loop.push_ready(self);
    }

    #[inline]
    pub(crate) fn check_can_suspend(&self, what: &'static str) -> Result<()> {
        // A task is `Running` only around its `resume`. Several are when one makes another that
        // begins eagerly; only the innermost runs here, as the stack of each is a boundary.
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
        // SAFETY: as in `yielder`.
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
    pub(super) fn yielder(&self) -> &Yielder<(), ()> {
        let yielder = self.yielder.get().expect("a running task has a yielder");
        // SAFETY: the yielder is on the stack of this task's coroutine, which is suspended or
        // running as long as `yielder` is set.
        unsafe { yielder.as_ref() }
    }

    #[inline(always)]
    pub(super) fn suspend(&self) {
        let yielder = self.yielder();
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

    unsafe fn begin_park(&self, wait: &Wait<'_>) -> Result<Option<Exit>> {
        self.begin_park(wait)?;
        // SAFETY: the exit alone suspends by it.
        let yielder = unsafe { self.yielder().raw() };
        // SAFETY: only the caller uses it, at once, and it was checked that the caller runs on this
        // task's stack or on that of a generator that it resumes: the task is suspended with both.
        // A yielder is there as long as its coroutine is suspended or running.
        Ok(Some(unsafe { Exit::by(yielder) }))
    }

    unsafe fn end_park(&self) -> Result<()> {
        self.end_park()
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
