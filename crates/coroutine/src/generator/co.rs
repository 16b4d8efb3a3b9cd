//! The inside end of a generator.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::panic;
use std::ptr;
use std::thread;

use super::Generator;
use super::error::{Interrupted, Thrown};
use super::mailbox::{self, Interrupt, Outcome, Request};
use super::running::Rest;
use super::slot::Slot;
use crate::ending;
use crate::stack::Header;
use crate::yielder::{Yielder, outside};

/// The inside end of a [`Generator`]: what its body yields through.
///
/// A reference to it may be handed to any function that the body calls, however deep, and to coroutines that it resumes.
/// It cannot leave the body:
///
/// ```compile_fail,E0521
/// use corio_coroutine::{Co, scope};
/// let mut kept: Option<&Co<u8>> = None;
/// scope(|s| s.generator(|co| kept = Some(co)).next());
/// # let _ = kept;
/// ```
#[repr(transparent)]
pub struct Co<T, S = ()> {
    yielder: Yielder<MaybeUninit<S>, Slot<T>>,
    /// Sends nowhere, shares with nobody.
    _own: PhantomData<*mut (T, S)>,
}

/// What the stack of a closed generator unwinds with; names the generator, so that no other takes it for its own.
#[derive(PartialEq)]
pub(super) struct Exit(pub(super) usize);

impl Exit {
    /// Whether `payload` is this.
    pub(super) fn is_of(&self, payload: &(dyn Any + Send)) -> bool {
        payload.downcast_ref() == Some(self)
    }
}

impl<T, S> Co<T, S> {
    /// The inside end of the generator whose coroutine yields through `yielder`.
    #[inline]
    pub(super) fn of(yielder: &Yielder<MaybeUninit<S>, Slot<T>>) -> &Self {
        // SAFETY: `Self` is a transparent wrapper around exactly this type.
        unsafe { &*ptr::from_ref(yielder).cast::<Self>() }
    }

    /// Hands `value` to the caller and stops here; returns what the caller sends when it wants more.
    ///
    /// If the caller has no more use for the generator, or throws an error in, this unwinds the stack, quietly,
    /// so that all that is on it is dropped. [`try_yield`](Self::try_yield) returns an error instead.
    ///
    /// # Panics
    ///
    /// - If the caller does not run inside the generator, but as another task, or on a stack that the generator did not
    ///   resume; see [`Yielder::yield_`](crate::Yielder::yield_).
    /// - In a destructor that runs because the body's stack is being unwound: there is nobody to yield to. Rust
    ///   then ends the process, as it does with every panic in a destructor during cleanup. The same goes for a body
    ///   that was closed by a panicking thread at a `yield_`, catches the unwinding, and yields again: the two cannot
    ///   be told apart.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::Generator;
    ///
    /// let squares = Generator::new(|co| (1..).for_each(|n| co.yield_(n * n)));
    /// assert_eq!(squares.take(3).collect::<Vec<_>>(), [1, 4, 9]);
    /// ```
    #[inline]
    #[track_caller]
    pub fn yield_(&self, value: T) -> S {
        if !self.yielder.runs_here() {
            outside("yield_", self.header());
        }
        if thread::panicking() && self.is_unwinding() {
            self.unwind(Interrupted::Unwinding);
        }
        // SAFETY: just checked.
        let sent = unsafe { self.yielder.yield_unchecked(Slot::new(value)) };
        if mailbox::is_interrupted(self.header()) {
            self.unwind_interrupted();
        }
        // SAFETY: no interrupt was left, so a value was sent.
        unsafe { sent.assume_init() }
    }

    /// As [`yield_`](Self::yield_), but returns an error when no value comes back.
    ///
    /// A body that ends by returning can clean up as ordinary code: without unwinding, it may wait, yield to other
    /// coroutines, and work where `panic = "abort"`.
    ///
    /// # Errors
    ///
    /// - [`Interrupted::Closed`] if the generator was closed or dropped. A body that yields again after that is
    ///   reported to the caller as [`IgnoredClose`](super::GeneratorError::IgnoredClose).
    /// - [`Interrupted::Thrown`] if the caller [threw](Generator::throw) an error in.
    /// - [`Interrupted::Unwinding`] in a destructor that runs because the body's stack is being unwound.
    /// - [`Interrupted::Outside`] if the caller does not run inside the generator, which knows nothing of the attempt.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::Generator;
    ///
    /// let numbers = Generator::<u32, (), &str>::new(|co| {
    ///     for number in 0.. {
    ///         if co.try_yield(number).is_err() {
    ///             break;
    ///         }
    ///     }
    ///     "cleaned up"
    /// });
    /// numbers.start()?;
    /// assert_eq!(numbers.close()?, Some("cleaned up"));
    /// # Ok::<(), corio_coroutine::GeneratorError>(())
    /// ```
    #[inline]
    pub fn try_yield(&self, value: T) -> Result<S, Interrupted> {
        if !self.yielder.runs_here() {
            return Err(Interrupted::Outside);
        }
        if thread::panicking() && self.is_unwinding() {
            return Err(Interrupted::Unwinding);
        }
        // SAFETY: just checked.
        let sent = unsafe { self.yielder.yield_unchecked(Slot::new(value)) };
        if mailbox::is_interrupted(self.header()) {
            return Err(self.interrupted());
        }
        // SAFETY: no interrupt was left, so a value was sent.
        Ok(unsafe { sent.assume_init() })
    }

    /// Yields everything that `generator` yields, and returns what it returns; `None` if it had finished before.
    ///
    /// The caller talks to `generator` directly: what it sends and throws arrives there. The cost of a value
    /// does not grow with the number of generators that delegate to one another. An error or panic that leaves
    /// `generator` goes on here.
    ///
    /// # Panics
    ///
    /// As [`yield_`](Self::yield_), and with whatever `generator` panics with.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::Generator;
    ///
    /// fn countdown(from: u32) -> Generator<u32, (), u32> {
    ///     Generator::new(move |co| {
    ///         co.yield_(from);
    ///         match from {
    ///             0 => 1,
    ///             _ => 1 + co.yield_from(countdown(from - 1)).unwrap(),
    ///         }
    ///     })
    /// }
    /// let mut count = countdown(3);
    /// assert_eq!(count.by_ref().collect::<Vec<_>>(), [3, 2, 1, 0]);
    /// assert_eq!(count.take_return_value(), Some(4));
    /// ```
    #[track_caller]
    pub fn yield_from<R>(&self, generator: Generator<T, S, R>) -> Option<R>
    where
        S: Default,
    {
        match self.try_yield_from(generator) {
            Ok(returned) => returned,
            Err(Interrupted::Outside) => outside("yield_from", self.header()),
            Err(interrupted) => self.unwind(interrupted),
        }
    }

    /// As [`yield_from`](Self::yield_from), but returns an error when it is interrupted.
    ///
    /// # Errors
    ///
    /// As [`try_yield`](Self::try_yield): `generator` has been interrupted first, and has ended.
    /// If nothing can be yielded from here, it is dropped instead.
    ///
    /// # Panics
    ///
    /// If `generator` panics, with the same payload, and if it is running.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::{Generator, Interrupted};
    ///
    /// let outer = Generator::<u32, (), bool>::new(|co| {
    ///     let endless = Generator::<u32>::new(|co| (0..).for_each(|n| co.yield_(n)));
    ///     matches!(co.try_yield_from(endless), Err(Interrupted::Closed))
    /// });
    /// outer.start()?;
    /// assert_eq!(outer.close()?, Some(true));
    /// # Ok::<(), corio_coroutine::GeneratorError>(())
    /// ```
    pub fn try_yield_from<R>(&self, generator: Generator<T, S, R>) -> Result<Option<R>, Interrupted>
    where
        S: Default,
    {
        // Before anything is left for the driver, who would find it later.
        if !self.yielder.runs_here() {
            return Err(Interrupted::Outside);
        }
        if thread::panicking() && self.is_unwinding() {
            return Err(Interrupted::Unwinding);
        }
        // First, as it runs foreign code.
        let first = generator.waits_for_value().then(S::default);
        let mut request = match generator.into_rest() {
            Rest::Open(request) => Some(Request { first, ..request }),
            Rest::Over(returned) => return Ok(returned),
        };
        // SAFETY: the request stays in this frame, which is stopped until the driver has taken it.
        unsafe { mailbox::leave_request(self.header(), &mut request) };
        // SAFETY: checked above.
        unsafe { self.yielder.yield_unchecked(Slot::empty()) };
        // SAFETY: just resumed, and drivers resume a body that delegates with nothing but an interrupt.
        match unsafe { mailbox::take_interrupt(self.header()) } {
            Some(Interrupt::Delegated(Outcome::Returned(value))) => {
                // SAFETY: the outermost coroutine of the chain is that of `Generator<T, S, R>`, which returns an `R`.
                Ok(Some(unsafe { value.into::<R>() }))
            }
            Some(Interrupt::Delegated(Outcome::Unwound(payload))) => {
                match payload.downcast::<Thrown>() {
                    Ok(thrown) => Err(Interrupted::Thrown(thrown.0)),
                    Err(payload) => panic::resume_unwind(payload),
                }
            }
            Some(Interrupt::Throw(error)) => Err(Interrupted::Thrown(error)),
            Some(Interrupt::Close) | None => Err(Interrupted::Closed),
        }
    }

    /// Yields every item of `items`.
    ///
    /// For iterators of any kind. A [`Generator`] is better given to [`yield_from`](Self::yield_from), which
    /// costs the same however deep generators delegate, and passes on what the caller sends.
    ///
    /// # Panics
    ///
    /// As [`yield_`](Self::yield_).
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::Generator;
    ///
    /// let twice = Generator::new(|co| {
    ///     co.yield_all(1..=2);
    ///     co.yield_all([1, 2]);
    /// });
    /// assert_eq!(twice.collect::<Vec<i32>>(), [1, 2, 1, 2]);
    /// ```
    #[track_caller]
    pub fn yield_all(&self, items: impl IntoIterator<Item = T>) {
        for item in items {
            self.yield_(item);
        }
    }

    #[inline(always)]
    fn header(&self) -> &Header {
        // SAFETY: the yielder is borrowed, so its stack is in use.
        unsafe { self.yielder.header().as_ref() }
    }

    /// In a panicking thread: whether it is this body that unwinds, and not somebody who resumed it meanwhile.
    #[cold]
    fn is_unwinding(&self) -> bool {
        !mailbox::was_panicking(self.header())
    }

    /// What woke the body instead of a value.
    #[cold]
    fn interrupted(&self) -> Interrupted {
        // SAFETY: called by a body that was just resumed, and saw that there is one.
        match unsafe { mailbox::take_interrupt(self.header()) } {
            Some(Interrupt::Throw(error)) => Interrupted::Thrown(error),
            Some(Interrupt::Close | Interrupt::Delegated(_)) | None => Interrupted::Closed,
        }
    }

    /// Ends the body from where it is, with what woke it instead of a value.
    #[cold]
    fn unwind_interrupted(&self) -> ! {
        self.unwind(self.interrupted())
    }

    /// Ends the body from where it is.
    #[cold]
    fn unwind(&self, interrupted: Interrupted) -> ! {
        match interrupted {
            Interrupted::Unwinding => panic!(
                "a generator yielded in a destructor while its stack was being unwound, or after it was closed by a \
                 panicking thread: use try_yield() in code that runs on drop"
            ),
            Interrupted::Closed => {
                // Destructors on the stack are to know that they cannot yield.
                mailbox::clear(self.header());
                self.exit()
            }
            Interrupted::Thrown(error) => panic::resume_unwind(Box::new(Thrown(error))),
            Interrupted::Outside => outside("yield_", self.header()),
        }
    }

    /// Ends a closed body: its stack is unwound, or, where that cannot be done, it stops here for ever.
    fn exit(&self) -> ! {
        ending::stop_for_good(Exit(self.yielder.header().addr().get()), || {
            mailbox::leave_stuck(self.header());
            // SAFETY: this code has come back from a yield, so it runs inside.
            unsafe { self.yielder.yield_unchecked(Slot::empty()) };
        })
    }
}

impl<T, S> fmt::Debug for Co<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Co").finish_non_exhaustive()
    }
}
