//! A result that somebody will provide, and the right to provide it.
//!
//! asyncio's `Future` is one object that anybody may complete or await. Here it has two ends: the
//! [`Promise`] completes, the [`Future`] waits. A promise that is dropped completes its future
//! with an error, so that nobody waits for ever for what nobody can do any more.
//!
//! One future is for one task to wait for, and gives the value away; [`Future::shared`] makes a
//! handle that any number of tasks may hold, each of which gets a clone.

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::completion::{AnyCompletion, CallbackKey, Completion, Waitable};
use crate::contract::{Wait, current_loop};
use crate::{BrokenPromise, Cancelled, Error, InvalidState, NoRunningLoop, Result};

/// A future and the promise that completes it. asyncio's `loop.create_future()`.
///
/// # Examples
///
/// ```
/// let (promise, future) = corio_futures::create_future();
/// assert!(!future.done());
/// promise.set_result(42)?;
/// assert_eq!(future.wait()?, 42);
/// # Ok::<(), corio_futures::Error>(())
/// ```
#[inline]
pub fn create_future<T>() -> (Promise<T>, Future<T>) {
    let state = State::pending();
    (Promise { state: Rc::clone(&state) }, Future { state })
}

/// What is behind the handles.
struct State<T> {
    completion: Completion<T>,
}

impl<T> State<T> {
    /// Built where it will be: copying it there costs as much as the allocation.
    #[inline]
    fn pending() -> Rc<Self> {
        let mut state = Rc::new_uninit();
        let place = Rc::get_mut(&mut state).expect("it was just made");
        place.write(Self { completion: Completion::new() });
        // SAFETY: it was just written.
        unsafe { state.assume_init() }
    }

    /// Cancels at once: asyncio's `Future.cancel`.
    fn cancel(&self, cancelled: &Cancelled) -> bool {
        self.completion.complete(Err(cancelled.clone().into())).is_ok()
    }

    #[inline(always)]
    fn wait(&self, wait: &Wait<'_>) -> Result<()> {
        self.completion.wait(wait)
    }

    /// Whether the outcome can be taken; if not, has the waker woken when it can.
    fn poll_done(&self, context: &Context<'_>) -> Poll<()> {
        if self.completion.can_be_taken() {
            return Poll::Ready(());
        }
        self.completion.wake_when_done(context.waker());
        Poll::Pending
    }
}

impl<T> Drop for State<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(error) = self.completion.unretrieved()
            && let Some(event_loop) = current_loop()
        {
            event_loop.report("a future failed and nobody asked why", error);
        }
    }
}

/// A result that will be there one day. asyncio's `Future`.
///
/// Made by [`create_future`].
#[must_use = "a future does nothing unless somebody waits for it"]
pub struct Future<T> {
    state: Rc<State<T>>,
}

impl<T> Future<T> {
    /// Waits for the result. Returns at once, without yielding, if it is there.
    ///
    /// # Cancellation
    ///
    /// Cancels the future, as in asyncio: its promise finds it done.
    ///
    /// # Errors
    ///
    /// What the promise was completed with; [`Cancelled`] if the future or this task was
    /// cancelled; [`BrokenPromise`] if the promise was dropped.
    #[inline(always)]
    #[track_caller]
    pub fn wait(self) -> Result<T> {
        let pass_on = |cancelled: &Cancelled| self.state.cancel(cancelled);
        self.state.wait(&Wait::new("a future").on_cancel(&pass_on))?;
        self.into_outcome()
    }

    /// Waits as [`wait`](Self::wait) does, but a cancellation of this task leaves the future alone.
    ///
    /// # Cancellation
    ///
    /// Ends the wait. The future stays pending.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait).
    #[inline(always)]
    #[track_caller]
    pub fn wait_shielded(self) -> Result<T> {
        self.state.wait(&Wait::new("a shielded future"))?;
        self.into_outcome()
    }

    /// The outcome, which is there unless it was taken before.
    fn into_outcome(mut self) -> Result<T> {
        self.take()
    }

    /// Takes the outcome, which is there unless it was taken before.
    fn take(&mut self) -> Result<T> {
        // SAFETY: references come from this handle, which is exclusively ours and lends none now,
        // or from callbacks, for which the completion waits. The promise gives none out.
        let outcome = unsafe { self.state.completion.take() };
        outcome.unwrap_or_else(|| Err(InvalidState::Taken.into()))
    }

    /// A handle for any number of tasks, each of which gets a clone of the result.
    pub fn shared(self) -> SharedFuture<T> {
        SharedFuture { state: self.state }
    }
}

/// The future, to the async world: `future.await` in an `async` block. Dropping it leaves the
/// promise nobody to complete it for.
///
/// The outcome is given away once.
impl<T> std::future::Future for Future<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        match self.state.poll_done(context) {
            Poll::Ready(()) => Poll::Ready(self.take()),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// A [`Future`] that any number of tasks may wait for. Made by [`Future::shared`].
#[must_use = "a future does nothing unless somebody waits for it"]
pub struct SharedFuture<T> {
    state: Rc<State<T>>,
}

impl<T> SharedFuture<T> {
    /// Waits for the result. Returns at once, without yielding, if it is there.
    ///
    /// # Cancellation
    ///
    /// Cancels the future, as in asyncio, for everybody who waits for it.
    ///
    /// # Errors
    ///
    /// As [`Future::wait`].
    #[inline(always)]
    #[track_caller]
    pub fn wait(&self) -> Result<T>
    where
        T: Clone,
    {
        let pass_on = |cancelled: &Cancelled| self.state.cancel(cancelled);
        self.state.wait(&Wait::new("a future").on_cancel(&pass_on))?;
        self.state.completion.result().cloned()
    }

    /// Waits as [`wait`](Self::wait) does, but a cancellation of this task leaves the future alone.
    ///
    /// # Cancellation
    ///
    /// Ends the wait. The future stays pending.
    ///
    /// # Errors
    ///
    /// As [`Future::wait`].
    #[inline(always)]
    #[track_caller]
    pub fn wait_shielded(&self) -> Result<T>
    where
        T: Clone,
    {
        self.state.wait(&Wait::new("a shielded future"))?;
        self.state.completion.result().cloned()
    }
}

/// The future, to the async world: `(&shared).await` in an `async` block.
impl<T: Clone> std::future::Future for &SharedFuture<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        match self.state.poll_done(context) {
            Poll::Ready(()) => Poll::Ready(self.state.completion.result().cloned()),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> Clone for SharedFuture<T> {
    fn clone(&self) -> Self {
        Self { state: Rc::clone(&self.state) }
    }
}

/// What both kinds of handle can do without waiting.
macro_rules! observe {
    ($handle:ident) => {
        impl<T> $handle<T> {
            /// Whether there is a result, or an error, or it was cancelled.
            pub fn done(&self) -> bool {
                self.state.completion.is_done()
            }

            /// Whether it was cancelled.
            pub fn cancelled(&self) -> bool {
                self.state.completion.is_cancelled()
            }

            /// The value, by reference.
            ///
            /// # Errors
            ///
            /// [`InvalidState::Pending`] before it is done; the error that it ended with.
            pub fn result(&self) -> Result<&T> {
                self.state.completion.result()
            }

            /// The error that it ended with, if it did.
            ///
            /// # Errors
            ///
            /// [`InvalidState::Pending`] before it is done; [`Cancelled`] if it was cancelled.
            pub fn exception(&self) -> Result<Option<&Error>> {
                self.state.completion.exception()
            }

            /// Cancels the future at once. Says whether it was pending.
            pub fn cancel(&self) -> bool {
                self.state.cancel(&Cancelled::new())
            }

            /// Has the loop call `callback` with the outcome once it is there: in a later step,
            /// never inline, in the order of adding.
            ///
            /// # Errors
            ///
            /// [`NoRunningLoop`] if there is no loop to call it.
            pub fn add_done_callback(
                &self,
                callback: impl FnOnce(Result<&T, &Error>) + 'static,
            ) -> Result<CallbackKey, NoRunningLoop>
            where
                T: 'static,
            {
                self.state.completion.add_callback(|| {
                    let ending = Ending(Rc::clone(&self.state));
                    Box::new(move || {
                        if let Some(outcome) = ending.0.completion.peek() {
                            ending.0.completion.mark_retrieved();
                            callback(outcome.as_ref());
                        }
                    })
                })
            }

            /// Takes a done-callback back. Says whether it had not been handed to the loop yet.
            pub fn remove_done_callback(&self, key: CallbackKey) -> bool {
                self.state.completion.remove_callback(key)
            }
        }

        impl<T> Waitable for $handle<T> {
            fn completion(&self) -> &dyn AnyCompletion {
                &self.state.completion
            }
        }

        impl<T> fmt::Debug for $handle<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($handle), " ({:?})"), self.state.completion)
            }
        }
    };
}

observe!(Future);
observe!(SharedFuture);

/// Tells the completion that a callback has ended, however it did.
struct Ending<T>(Rc<State<T>>);

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        self.0.completion.callback_ended();
    }
}

/// The right to complete a [`Future`]. Dropped unused, it completes it with [`BrokenPromise`].
///
/// Made by [`create_future`].
pub struct Promise<T> {
    state: Rc<State<T>>,
}

impl<T> Promise<T> {
    /// Completes the future with a value.
    ///
    /// # Errors
    ///
    /// [`InvalidState::Done`] if it is done: completed before, or cancelled by who waited.
    #[inline]
    pub fn set_result(&self, value: T) -> Result<(), InvalidState> {
        self.state.completion.complete(Ok(value))
    }

    /// Completes the future with an error. asyncio's `set_exception`.
    ///
    /// # Errors
    ///
    /// [`InvalidState::Done`] if it is done: completed before, or cancelled by who waited.
    #[inline]
    pub fn set_exception(&self, error: impl Into<Error>) -> Result<(), InvalidState> {
        self.state.completion.complete(Err(error.into()))
    }

    /// Whether the future is done; if so, there is nothing left to do.
    pub fn done(&self) -> bool {
        self.state.completion.is_done()
    }

    /// Whether the future was cancelled, so that nobody wants the result any more.
    pub fn cancelled(&self) -> bool {
        self.state.completion.is_cancelled()
    }

    #[cold]
    fn break_it(&self) {
        let broken = self.set_exception(BrokenPromise);
        debug_assert!(broken.is_ok(), "it was not done");
        if Rc::strong_count(&self.state) == 1 {
            // Nobody waits any more, so nobody misses the result.
            self.state.completion.mark_retrieved();
        }
    }
}

impl<T> Drop for Promise<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.done() {
            self.break_it();
        }
    }
}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Promise ({:?})", self.state.completion)
    }
}
