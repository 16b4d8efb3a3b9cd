//! Waiting for one thing: not for ever, or without taking it along when cancelled.

use std::time::Duration;

use corio_futures::{Future, Result, SharedFuture};

use crate::task::{SharedTask, Task};
use crate::threads::Job;
use crate::timeout::timeout;

/// Something that can be waited for. Python's `__await__`.
///
/// Implement it for what is to be given to [`wait_for`]; waiting is ordinary code. For the futures of
/// `std`, see [`AwaitableFuture`](crate::AwaitableFuture).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio::{Awaitable, Result, sleep, wait_for};
///
/// struct Kettle {
///     litres: u64,
/// }
///
/// impl Awaitable for Kettle {
///     type Output = &'static str;
///
///     fn wait(self) -> Result<&'static str> {
///         sleep(Duration::from_millis(self.litres))?;
///         Ok("boiling")
///     }
/// }
///
/// corio::run(|| {
///     assert_eq!(Kettle { litres: 1 }.wait()?, "boiling");
///     assert!(wait_for(Kettle { litres: 60_000 }, Duration::from_millis(1)).is_err());
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub trait Awaitable {
    /// What it comes to.
    type Output;

    /// Waits for it. A cancellation is passed on to it.
    ///
    /// # Errors
    ///
    /// What it failed with; [`Cancelled`](corio_futures::Cancelled).
    fn wait(self) -> Result<Self::Output>;
}

/// Something that goes on when who waits for it is cancelled.
pub trait Shieldable: Awaitable {
    /// Waits for it. A cancellation leaves it alone.
    ///
    /// # Errors
    ///
    /// As [`wait`](Awaitable::wait).
    fn wait_shielded(self) -> Result<Self::Output>;
}

macro_rules! awaitable {
    ([$($generics:tt)*] $handle:ty, $inherent:ty) => {
        impl<$($generics)*> Awaitable for $handle {
            type Output = T;

            #[track_caller]
            fn wait(self) -> Result<T> {
                <$inherent>::wait(self)
            }
        }

        impl<$($generics)*> Shieldable for $handle {
            #[track_caller]
            fn wait_shielded(self) -> Result<T> {
                <$inherent>::wait_shielded(self)
            }
        }
    };
}

awaitable!([T] Task<'_, T>, Task<'_, T>);
awaitable!([T] Future<T>, Future<T>);
awaitable!([T] Job<T>, Job<T>);
awaitable!([T: Clone] &SharedTask<'_, T>, SharedTask<'_, T>);
awaitable!([T: Clone] &SharedFuture<T>, SharedFuture<T>);

/// Waits for `awaitable`, but no longer than `limit`. asyncio's `wait_for`.
///
/// When time is up it is cancelled, and `wait_for` waits until it has really ended. If it swallows
/// the cancellation and returns a value, that is what `wait_for` returns. To limit a piece of code
/// instead, use [`timeout`].
///
/// # Cancellation
///
/// Is passed on.
///
/// # Errors
///
/// What it failed with; [`TimedOut`](corio_futures::TimedOut).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// corio::run(|| {
///     let endless = corio::create_task(|| corio::sleep(Duration::MAX));
///     let error = corio::wait_for(endless, Duration::from_millis(1)).unwrap_err();
///     assert!(error.is_timeout());
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn wait_for<A: Awaitable>(awaitable: A, limit: Duration) -> Result<A::Output> {
    timeout(limit, || awaitable.wait())
}

/// Waits for `awaitable`, and leaves it alone when the waiting task is cancelled. asyncio's
/// `shield`.
///
/// # Cancellation
///
/// Ends the wait. What was waited for goes on; if nobody else holds it and it fails, that is
/// reported.
///
/// # Errors
///
/// What it failed with; [`Cancelled`](corio_futures::Cancelled).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio::{create_task, shield, sleep, timeout};
///
/// corio::run(|| {
///     let saving = create_task(|| {
///         sleep(Duration::from_millis(4))?;
///         Ok("saved")
///     })
///     .shared();
///     assert!(timeout(Duration::from_millis(1), || shield(&saving)).is_err());
///     assert_eq!(saving.wait()?, "saved");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn shield<A: Shieldable>(awaitable: A) -> Result<A::Output> {
    awaitable.wait_shielded()
}
