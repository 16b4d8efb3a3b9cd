//! What a loop promises to code that waits, and the one primitive that such code is made of.
//!
//! Everything that waits is plain code over [`park`]: it leaves word with whoever will wake it,
//! parks, and takes the word back on the way out, whatever the reason for leaving. How a task is
//! suspended, a loop says by implementing two traits:
//!
//! * [`EventLoop`] for the loop of a thread, made known with [`enter`];
//! * [`Parker`] for each of its tasks, made known with [`run_as`] whenever it runs.
//!
//! The rules, for both sides:
//!
//! 1. A park may end without cause. Who parks looks for what it waited for, and parks again.
//! 2. A park ends with an error when the task is cancelled, even if it was woken as well. Who was
//!    woken *and* gave up passes the wake-up on ([`WaitList`](crate::WaitList) says which it was).
//! 3. Waking is not running: [`Parker::unpark`] makes a task ready and returns.
//! 4. Nothing is borrowed across a park but what the waiting code's own frame owns: no `RefCell`
//!    guard of shared state, no `LocalKey::with`.
//!
//! # The exit
//!
//! [`Parker::park`] suspends the task behind a call through a table. That is all a loop has to
//! offer, and it costs: the processor predicts where a `ret` goes from the `call`s that it has seen,
//! and a call on whose other side the stack is switched misleads it, once on the way out and once on
//! the way back. So a loop of coroutines may hand out an [`Exit`] instead, and the switch is inlined
//! in the function that waits (a future handed over: 30 ns instead of 47).
//!
//! # The budget
//!
//! A wait that finds what it wants does not yield: a free lock, a queue with an item, an event that
//! is set. That is asyncio's rule, and by it a task that always finds something starves all others.
//! So each such wait is charged, by [`charge`], *before* it takes what it finds; who has had
//! [`BUDGET`] of them in one step lets the others run first. What never waits (`try_lock`,
//! `put_nowait`, …) is not charged.
//!
//! Deliberately absent: `std::task::Waker`. It must be `Send`, so each wake-up would cost an
//! atomic; a loop that wants to await `std` futures builds one on top.
//!
//! Architecture Invariant: this module is the only one in the crate that knows of the thread's
//! loop; locks and futures see tasks only through [`Parker`].

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::ops::Deref;
use std::panic::Location;
use std::ptr::NonNull;
use std::rc::Rc;

use crate::{Cancelled, CannotWait, Error, NoRunningLoop, Result};

/// The loop that runs on a thread, as waiting code sees it.
pub trait EventLoop {
    /// The task that runs now, for those who keep it; `None` in a callback.
    fn current(&self) -> Option<Rc<dyn Parker>>;

    /// Runs `callback` in a later step, after everything that is ready already.
    fn call_soon(&self, callback: Box<dyn FnOnce()>);

    /// A callback that will run as if it ran here, with whatever the loop keeps for the code that
    /// runs now: asyncio's context variables.
    fn bind(&self, callback: Box<dyn FnOnce()>) -> Box<dyn FnOnce()> {
        callback
    }

    /// Takes note of a failure that nobody will ask for.
    fn report(&self, message: &str, error: &Error);
}

/// A task, as those see it who suspend it and who wake it.
pub trait Parker {
    /// Suspends this task, which must be the current one, until it is woken or interrupted.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when the task is, [`CannotWait`] when it cannot be suspended here, and
    /// whatever else the loop interrupts a task for.
    fn park(&self, wait: &Wait<'_>) -> Result<()>;

    /// The first half of [`park`](Self::park), up to the switch: makes this task, which must be the
    /// current one, parked, and shows the way out. `None`, which is what it says unless it is
    /// overridden, asks for the whole `park` instead; the task is not parked then.
    ///
    /// For [`park`](fn@park) and the waits of this crate: nobody else can use an exit. A parker that
    /// wraps another may pass both halves on.
    ///
    /// # Safety
    ///
    /// If there is an exit, the caller must leave by it at once, from the frame that it calls this
    /// from, and call [`end_park`](Self::end_park) when it comes back. `wait` must live until then,
    /// or until the frame is unwound, if that is how the task ends.
    ///
    /// # Errors
    ///
    /// As [`park`](Self::park); the task is not parked then.
    unsafe fn begin_park(&self, wait: &Wait<'_>) -> Result<Option<Exit>> {
        let _ = wait;
        Ok(None)
    }

    /// The second half of [`park`](Self::park), behind the switch.
    ///
    /// # Safety
    ///
    /// To be called once for each [`begin_park`](Self::begin_park) with an exit, on the way back.
    ///
    /// # Errors
    ///
    /// As [`park`](Self::park).
    unsafe fn end_park(&self) -> Result<()> {
        unreachable!("who shows an exit takes back those who left by it")
    }

    /// Makes this task ready if it is parked; does nothing otherwise.
    fn unpark(&self);

    /// Lets everything run that is ready before this task, which must be the current one, goes on.
    /// Returns at once where it cannot be suspended.
    ///
    /// # Errors
    ///
    /// [`Cancelled`] when the task is, and whatever else the loop interrupts a task for.
    fn yield_now(&self) -> Result<()>;
}

/// The way out of a task that is one of corosensei's coroutines, for one time; see [the module](self).
#[derive(Debug)]
pub struct Exit(NonNull<corosensei::Yielder<(), ()>>);

impl Exit {
    /// The exit by `yielder`.
    ///
    /// # Safety
    ///
    /// When the exit is used, `yielder` must be there, and whoever uses it must run on the stack of
    /// that yielder's coroutine, or on one nested in it which may be suspended with it. An exit that
    /// [`begin_park`](Parker::begin_park) returns is used at once, by the caller.
    pub unsafe fn by(yielder: &corosensei::Yielder<(), ()>) -> Self {
        Self(NonNull::from(yielder))
    }

    /// Suspends the task, until somebody resumes it.
    #[inline(always)]
    fn leave(self) {
        // SAFETY: who made it has promised that the yielder is there, and that it may be used here.
        unsafe { self.0.as_ref() }.suspend(());
    }
}

/// What a task waits for: for reports, and for those who cancel the task.
#[derive(Clone, Copy)]
pub struct Wait<'a> {
    what: &'static str,
    which: Option<&'a dyn fmt::Display>,
    location: &'static Location<'static>,
    on_cancel: Option<&'a dyn Fn(&Cancelled) -> bool>,
}

impl<'a> Wait<'a> {
    /// A wait for `what`, such as `"a lock"`, at the caller's place in the source.
    #[track_caller]
    pub fn new(what: &'static str) -> Self {
        Self { what, which: None, location: Location::caller(), on_cancel: None }
    }

    /// Says which one it is, for reports.
    #[must_use]
    pub fn which(mut self, which: &'a dyn fmt::Display) -> Self {
        self.which = Some(which);
        self
    }

    /// Passes a cancellation on to what is waited for instead of interrupting the wait.
    ///
    /// asyncio's rule: cancelling a task cancels what it awaits, and the task goes on when *that*
    /// has ended. `pass_on` answers whether it took the cancellation; the task is interrupted if
    /// it did not. It is called on the canceller's stack, possibly in a callback of the loop, so it
    /// had better not wait: the task does not go on before it returns. Nor panic: the canceller has
    /// no part in that, so a loop reports it and interrupts the wait.
    #[must_use]
    pub fn on_cancel(mut self, pass_on: &'a dyn Fn(&Cancelled) -> bool) -> Self {
        self.on_cancel = Some(pass_on);
        self
    }

    /// What is waited for.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// Where in the source the wait was begun.
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// Whether what is waited for is to be offered cancellations, by [`pass_on`](Self::pass_on).
    #[inline]
    pub fn has_say_in_cancellation(&self) -> bool {
        self.on_cancel.is_some()
    }

    /// Offers a cancellation to what is waited for; says whether it was taken.
    pub fn pass_on(&self, cancelled: &Cancelled) -> bool {
        self.on_cancel.is_some_and(|pass_on| pass_on(cancelled))
    }
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        if let Some(which) = self.which {
            write!(f, " {which}")?;
        }
        write!(f, " ({})", self.location)
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<dyn EventLoop>>> = const { RefCell::new(None) };
}

/// Makes `event_loop` the loop of this thread until the guard is dropped.
///
/// # Errors
///
/// Gives `event_loop` back if the thread has a loop already, or is ending.
pub fn enter(event_loop: Rc<dyn EventLoop>) -> Result<Entered, Rc<dyn EventLoop>> {
    let mut entering = Some(event_loop);
    // A thread whose thread-locals are being destroyed takes no loop any more.
    let _ = CURRENT.try_with(|current| {
        let mut current = current.borrow_mut();
        if current.is_none() {
            *current = entering.take();
        }
    });
    match entering {
        None => Ok(Entered { not_send: PhantomData }),
        Some(event_loop) => Err(event_loop),
    }
}

/// The loop is this thread's as long as this lives. See [`enter`].
#[derive(Debug)]
#[must_use = "the loop is left when this is dropped"]
pub struct Entered {
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        // What the loop owns may look for the loop while it goes, so it goes outside the borrow.
        let left = CURRENT.try_with(RefCell::take);
        drop(left);
    }
}

/// The loop of this thread.
// A coroutine never changes its thread, so the address of the thread-local stays what it was when
// a function looked it up; kept out of line, so that no optimizer has to know.
#[inline(never)]
pub fn current_loop() -> Option<Rc<dyn EventLoop>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// How many waits a task may find fulfilled, in one step, before it must yield: what tokio
/// allows, <https://docs.rs/tokio/latest/tokio/task/coop>.
pub const BUDGET: u32 = 128;

thread_local! {
    static RUNNING: Cell<Option<NonNull<dyn Parker>>> = const { Cell::new(None) };
    /// What is left of the budget of the task that runs.
    static LEFT: Cell<u32> = const { Cell::new(BUDGET) };
}

/// The task that runs now, as long as a frame of it needs it: no more than a pointer.
#[derive(Clone, Copy)]
pub(crate) struct Running(NonNull<dyn Parker>);

impl Running {
    /// The task on whose stack the caller runs.
    ///
    /// To be kept by frames of that stack alone, and by others only until such a frame is left.
    pub(crate) fn current(what: &'static str) -> Result<Self> {
        running().map(Self).ok_or_else(|| no_task(what))
    }

    /// As [`Parker::park`], by the task's exit if it has one.
    #[inline(always)]
    pub(crate) fn park(&self, wait: &Wait<'_>) -> Result<()> {
        // SAFETY: what follows is what is asked for. `wait` is borrowed for all of it.
        match unsafe { self.begin_park(wait)? } {
            Some(exit) => {
                exit.leave();
                // SAFETY: this is the way back.
                unsafe { self.end_park() }
            }
            None => (**self).park(wait),
        }
    }
}

impl Deref for Running {
    type Target = dyn Parker;

    #[inline]
    fn deref(&self) -> &Self::Target {
        // SAFETY: whoever called `run_as` keeps the task alive while a frame of it is there, and
        // this belongs to one.
        unsafe { self.0.as_ref() }
    }
}

// Out of line for the reason given at `current_loop`.
#[inline(never)]
fn running() -> Option<NonNull<dyn Parker>> {
    RUNNING.get()
}

#[cold]
#[inline(never)]
fn no_task(what: &'static str) -> Error {
    match current_loop() {
        Some(_) => CannotWait::InCallback(what).into(),
        None => NoRunningLoop { what }.into(),
    }
}

/// Runs one step of `task`, with a fresh budget: whatever waits in `step` parks `task`. A step that
/// is run inside another shares the budget of that one, whose task is the current one again
/// afterwards.
///
/// # Safety
///
/// `task` must stay alive, where it is, as long as there is a frame that was entered in a step of
/// it and has been neither returned from nor unwound; and during calls of its methods. Waits leave
/// pointers to it with those who will wake it, and take them back when their frame is left.
#[inline]
pub unsafe fn run_as<R>(task: &dyn Parker, step: impl FnOnce() -> R) -> R {
    struct Restore(Option<NonNull<dyn Parker>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            RUNNING.set(self.0);
        }
    }
    let task = NonNull::from(task);
    // SAFETY: only the lifetime changes; the caller answers for it.
    let task = unsafe { mem::transmute::<NonNull<dyn Parker + '_>, NonNull<dyn Parker>>(task) };
    let outer = RUNNING.replace(Some(task));
    let _restore = Restore(outer);
    if outer.is_none() {
        LEFT.set(BUDGET);
    }
    step()
}

/// Charges the current task for a wait that may find what it wants; lets others run first if it has
/// had its share. Costs next to nothing otherwise, and never fails where nothing can wait.
///
/// To be called *before* the operation: the yield may end by a cancellation, and what the
/// operation did would be lost.
///
/// # Cancellation
///
/// Is delivered here if the task has to yield.
///
/// # Errors
///
/// As [`Parker::yield_now`].
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use corio_futures::{Result, WaitList, contract::{Wait, charge}};
///
/// struct Tickets {
///     left: Cell<u32>,
///     waiters: WaitList,
/// }
///
/// impl Tickets {
///     fn take(&self) -> Result<()> {
///         charge()?;
///         while self.left.get() == 0 {
///             self.waiters.wait(&Wait::new("a ticket"))?;
///         }
///         self.left.set(self.left.get() - 1);
///         Ok(())
///     }
/// }
///
/// let tickets = Tickets { left: Cell::new(1), waiters: WaitList::new() };
/// tickets.take()?; // there is one, so there is nothing to wait for
/// # Ok::<(), corio_futures::Error>(())
/// ```
// No accessor out of line here: a count that were read from another thread would be wrong, no more.
#[inline(always)]
pub fn charge() -> Result<()> {
    match LEFT.get().checked_sub(1) {
        Some(left) => {
            LEFT.set(left);
            Ok(())
        }
        None => let_others_run(),
    }
}

#[cold]
#[inline(never)]
fn let_others_run() -> Result<()> {
    // Where it cannot yield, it has its share again all the same.
    LEFT.set(BUDGET);
    let yielded = running().map_or(Ok(()), |task| Running(task).yield_now());
    LEFT.set(LEFT.get() - 1);
    yielded
}

/// The task that runs now, to keep it: for what wakes it later, from anywhere.
///
/// # Errors
///
/// [`NoRunningLoop`] off the loop, [`CannotWait`] in a callback of the loop.
pub fn current_parker(what: &'static str) -> Result<Rc<dyn Parker>> {
    let event_loop = current_loop().ok_or(NoRunningLoop { what })?;
    Ok(event_loop.current().ok_or(CannotWait::InCallback(what))?)
}

/// Suspends the current task until it is woken or interrupted.
///
/// # Cancellation
///
/// Ends the park with [`Cancelled`], unless `wait` passes the cancellation on.
///
/// # Errors
///
/// As [`current_parker`] and [`Parker::park`].
///
/// # Examples
///
/// Off the loop nothing can wait, and says so:
///
/// ```
/// use corio_futures::contract::{park, Wait};
///
/// let error = park(&Wait::new("the postman")).unwrap_err();
/// assert!(error.to_string().starts_with("no running event loop: waiting for the postman"));
/// ```
#[inline]
pub fn park(wait: &Wait<'_>) -> Result<()> {
    Running::current(wait.what)?.park(wait)
}
