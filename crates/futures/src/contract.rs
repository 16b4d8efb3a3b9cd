//! What a loop promises to code that waits, and the one primitive that such code is made of.
//!
//! Everything that waits is plain code over [`park`]: it leaves word with whoever will wake it,
//! parks, and takes the word back on the way out, whatever the reason for leaving. Nothing here
//! knows how a task is suspended; a loop says so by implementing two traits:
//!
//! * [`EventLoop`] for the loop of a thread, made known with [`enter`];
//! * [`Parker`] for each of its tasks.
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
//! Deliberately absent: `std::task::Waker`. It must be `Send`, so each wake-up would cost an
//! atomic; a loop that wants to await `std` futures builds one on top.
//!
//! Architecture Invariant: this module is the only one in the crate that knows of the thread's
//! loop; locks and futures see tasks only through [`Parker`].

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;

use crate::{Cancelled, CannotWait, Error, NoRunningLoop, Result};

/// The loop that runs on a thread, as waiting code sees it.
pub trait EventLoop {
    /// The task that runs now; `None` in a callback.
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

    /// Makes this task ready if it is parked; does nothing otherwise.
    fn unpark(&self);
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
    /// had better not wait: the task does not go on before it returns.
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

/// The task that runs now, to park it or to have others wake it.
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
pub fn park(wait: &Wait<'_>) -> Result<()> {
    current_parker(wait.what)?.park(wait)
}
