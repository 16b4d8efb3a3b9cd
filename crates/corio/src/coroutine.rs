//! Coroutine objects: asyncio's `async def` before its `await`.

use std::fmt;

use corio_futures::Result;

use crate::task::create_task;
use crate::waiting::{Awaitable, Shieldable};

/// A piece of code that runs when it is awaited. asyncio's coroutine object.
///
/// Any function can wait, so calling one is awaiting it, and this is seldom needed: to hand code to
/// what takes an [`Awaitable`], and to keep apart making it and running it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio::{coroutine, create_task, gather, sleep, wait_for};
///
/// corio::run(|| {
///     let double = |n: u32| {
///         coroutine(move || {
///             sleep(Duration::from_millis(1))?;
///             Ok(2 * n)
///         })
///     };
///     let lazy = double(1); // nothing runs yet
///     assert_eq!(lazy.wait()?, 2); // in this task, on its stack
///     assert_eq!(create_task(double(2).into_fn()).wait()?, 4); // beside this task
///     assert_eq!(gather([double(3), double(4)])?, [6, 8]);
///     assert_eq!(wait_for(double(5), Duration::from_secs(1))?, 10);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
///
/// It is awaited once:
///
/// ```compile_fail,E0382
/// let once = corio::coroutine(|| Ok(1));
/// once.wait();
/// once.wait();
/// ```
pub fn coroutine<T, F: FnOnce() -> Result<T>>(body: F) -> Coroutine<F> {
    Coroutine { body }
}

/// Code that runs when it is awaited. Made by [`coroutine`].
#[must_use = "a coroutine does nothing unless it is awaited or made a task"]
pub struct Coroutine<F> {
    body: F,
}

impl<T, F: FnOnce() -> Result<T>> Coroutine<F> {
    /// Runs it, in the current task and on its stack. Python's `await coroutine`.
    ///
    /// # Errors
    ///
    /// What the body returns.
    pub fn wait(self) -> Result<T> {
        (self.body)()
    }

    /// The body, to make a task of it.
    pub fn into_fn(self) -> F {
        self.body
    }
}

impl<T, F: FnOnce() -> Result<T>> Awaitable for Coroutine<F> {
    type Output = T;

    fn wait(self) -> Result<T> {
        self.wait()
    }
}

/// As a task, which alone can go on without who waits for it.
impl<T: 'static, F: FnOnce() -> Result<T> + 'static> Shieldable for Coroutine<F> {
    #[track_caller]
    fn wait_shielded(self) -> Result<T> {
        create_task(self.body).wait_shielded()
    }
}

impl<F> fmt::Debug for Coroutine<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coroutine").finish_non_exhaustive()
    }
}
