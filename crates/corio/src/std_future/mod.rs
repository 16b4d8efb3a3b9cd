//! The bridge to `std::future`: awaiting a future of the async world, on the loop.
//!
//! * this file: [`AwaitableFuture`], which gives `.wait()` to every future;
//! * [`signal`]: the waker that such a future is polled with.
//!
//! The other direction needs nothing here: a [`Task`](crate::Task) and a
//! [`Future`](crate::Future) are `std` futures, and so are references to those that are shared.
//!
//! # What happens
//!
//! The task polls the future in its own frame, and parks when it is pending. Whoever wakes the
//! waker, on whatever thread, makes the task ready, and it polls again. The future lives in the
//! frame of `wait`, so it goes when that is left: when the task is cancelled, a pending future is
//! dropped, which is how futures are cancelled.
//!
//! A future that a library wants to run under its own executor (tokio's sockets and timers) needs
//! that executor; one that is woken by other threads or by other tasks (channels, locks, thread
//! pools) needs none.

mod signal;

use std::pin::pin;
use std::task::{Context, Poll};

use corio_futures::Result;
use corio_futures::contract::{self, Wait};

use crate::event_loop::EventLoop;

use signal::Signal;

/// `.wait()` for every [`std::future::Future`], and whatever can be made into one.
///
/// What `.await` is in a block of `async` code. For what corio itself can wait for, see
/// [`Awaitable`](crate::Awaitable).
pub trait AwaitableFuture: IntoFuture + Sized {
    /// Waits until the future is ready, and returns its output.
    ///
    /// It runs in the current task and on its stack. What it waits for may be completed by another
    /// task or another thread; as the loop cannot see by whom, it reports no
    /// [`Deadlock`](crate::Deadlock) while anybody holds the future's waker.
    ///
    /// # Cancellation
    ///
    /// Drops the future.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled); [`NoRunningLoop`](crate::NoRunningLoop) off the loop.
    ///
    /// # Panics
    ///
    /// If the future does.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::AwaitableFuture;
    ///
    /// async fn double(n: u32) -> u32 {
    ///     2 * n
    /// }
    ///
    /// corio::run(|| {
    ///     assert_eq!(double(21).wait()?, 42);
    ///
    ///     let task = corio::create_task(|| Ok(20)); // which an async block can await
    ///     let sum = async { task.await.map(|n| n + 1) };
    ///     assert_eq!(sum.wait()??, 21);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    fn wait(self) -> Result<Self::Output> {
        poll_until_ready(self.into_future(), &Wait::new("a std future"))
    }
}

impl<F: IntoFuture> AwaitableFuture for F {}

fn poll_until_ready<F: Future>(future: F, wait: &Wait<'_>) -> Result<F::Output> {
    let mut future = pin!(future);
    let event_loop = EventLoop::current(wait.what())?;
    let task = event_loop.current_task(wait.what())?;
    let signal = Signal::new(task.header());
    let waker = signal.waker();
    loop {
        contract::charge()?;
        signal.reset();
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Ok(output);
        }
        if signal.is_set() {
            // It asks to be polled again, but not at once: that would let nobody else run.
            task.header().yield_now()?;
            continue;
        }
        while !signal.is_set() {
            if signal.can_be_set(&waker) {
                event_loop.while_waiting_for_io(|| task.header().park(wait))?;
            } else {
                task.header().park(wait)?;
            }
        }
    }
}
