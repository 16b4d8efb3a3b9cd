//! Which task runs now.
//!
//! Every wait begins with this question, so the answer is one thread-local pointer, not a count
//! that goes up and down. It is set around each step.

use std::cell::Cell;
use std::ops::Deref;
use std::ptr::NonNull;

use corio_futures::{CannotWait, Error, Result, contract};

use super::EventLoop;
use crate::task::Header;

thread_local! {
    static CURRENT: Cell<Option<NonNull<Header>>> = const { Cell::new(None) };
}

/// The task on whose stack the caller runs.
///
/// For code that runs *on* that stack, to be used and forgotten there: whatever stores it elsewhere
/// takes it back before the frame that asked is left.
#[derive(Clone, Copy)]
pub(crate) struct CurrentTask(NonNull<Header>);

impl Deref for CurrentTask {
    type Target = Header;

    #[inline]
    fn deref(&self) -> &Header {
        // SAFETY: the loop keeps a task in its table until the task's coroutine has returned, and
        // this belongs to a frame of that coroutine (or of one nested in it), which has not.
        unsafe { self.0.as_ref() }
    }
}

impl CurrentTask {
    /// The task that runs now.
    ///
    /// # Errors
    ///
    /// Says that there is none to wait for `what`: off the loop, and in a callback.
    #[inline]
    pub(crate) fn find(what: &'static str) -> Result<Self> {
        #[cold]
        fn none(what: &'static str) -> Error {
            match EventLoop::current(what) {
                Ok(_) => CannotWait::InCallback(what).into(),
                Err(error) => error.into(),
            }
        }
        current_header().ok_or_else(|| none(what))
    }
}

/// The task that runs now; `None` off the loop and in a callback.
// Out of line for the reason given at `contract::current_loop`.
#[inline(never)]
pub(crate) fn current_header() -> Option<CurrentTask> {
    CURRENT.get().map(CurrentTask)
}

/// Whether the caller runs in a task that can be suspended here.
pub(crate) fn can_wait() -> bool {
    current_header().is_some_and(|task| task.check_can_suspend("").is_ok())
}

/// Runs `step`, with `task` as the current task. Whoever was that before is so again afterwards:
/// the task that made this one, if it begins eagerly.
#[inline]
pub(super) fn with_current<R>(task: &Header, step: impl FnOnce() -> R) -> R {
    struct Restore(Option<NonNull<Header>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _restore = Restore(CURRENT.replace(Some(NonNull::from(task))));
    // SAFETY: the header is in the cell of its task, which the task's stack owns a share of until
    // the body has returned (see `TaskCell::start`), so it outlives every frame in which the body
    // waits.
    unsafe { contract::run_as(task, step) }
}
