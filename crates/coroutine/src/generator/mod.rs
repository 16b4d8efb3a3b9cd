//! Generators: coroutines that are iterators.
//!
//! | file | what |
//! |---|---|
//! | this one | [`Generator`], the outside end |
//! | `co` | [`Co`], the inside end |
//! | `steps` | what a caller does with it: start, send, throw, close, next |
//! | `running` | entering a generator and leaving it |
//! | `driver` | what runs a generator and those it delegates to |
//! | `mailbox` | what the two ends tell each other besides values |
//! | `slot` | a yielded value on its way out |
//! | `erased` | a return value whose type only its receiver knows |
//! | `error` | what can go wrong |
//!
//! The states of a generator, and what moves it from one to another:
//!
//! ```text
//!           start, next           yield
//!  Fresh ───────────────► Running ─────► Suspended
//!    │                     │   ▲             │
//!    │ close, throw, drop  │   └─────────────┤ next, send, throw, close, drop
//!    │                     │ return, unwind  │
//!    └────────► Done ◄─────┘                 └── Delegating: the same, while another generator yields in its place
//! ```
//!
//! All methods take `&self`, so that a generator can be shared. The body may then call its own generator, and
//! where tasks wait inside generators another task may: every method looks at the state first, and `Running` is
//! an error.

mod co;
mod driver;
mod erased;
mod error;
mod mailbox;
mod running;
mod slot;
mod steps;

use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

pub use self::co::Co;
use self::driver::Driver;
use self::erased::Erased;
pub use self::error::{GeneratorError, Interrupted, Thrown};
use self::mailbox::Raw;
use self::running::State;
use crate::coroutine::{Coroutine, no_stack};
use crate::quiet;
use crate::stack::{Stack, StackError};
use crate::yielder::Yielder;

/// An iterator over what a function yields.
///
/// The body yields values of type `T` through its [`Co`], from wherever it is: from functions it calls,
/// recursive ones too, from closures and callbacks. It runs only when a value is asked for. It may be sent
/// values of type `S`, and returns an `R`.
///
/// # Dropping
///
/// Dropping a generator closes it, like [`close`](Self::close), and unwinds what goes on regardless. So does
/// the end of a `for` loop that owns it.
///
/// # Panicking threads
///
/// A destructor that runs because the thread panics may use generators like any other code. What it resumes sees
/// [`std::thread::panicking`] too, though it is not what unwinds: in a body, that says nothing of the body. A mutex that
/// is locked and unlocked meanwhile is not poisoned, for the same reason. A panic that leaves a body then leaves the
/// destructor, too, unless that catches it, and Rust ends the process.
///
/// # Sharing
///
/// All methods take `&self`, and `&Generator` is an iterator too. A generator that is asked to go on while it
/// runs refuses, with [`GeneratorError::Running`].
///
/// # Threads
///
/// A generator stays on its thread:
///
/// ```compile_fail,E0277
/// let numbers = corio_coroutine::Generator::new(|co| co.yield_(1));
/// std::thread::spawn(move || numbers.count());
/// ```
///
/// # Examples
///
/// ```
/// use corio_coroutine::Generator;
///
/// let fibonacci = Generator::new(|co| {
///     let (mut a, mut b) = (0_u64, 1);
///     loop {
///         co.yield_(a);
///         (a, b) = (b, a + b);
///     }
/// });
/// assert_eq!(fibonacci.take_while(|n| *n < 20).collect::<Vec<_>>(), [0, 1, 1, 2, 3, 5, 8, 13]);
/// ```
///
/// Yielding from a callback that somebody else calls:
///
/// ```
/// use corio_coroutine::Generator;
///
/// let comparisons = Generator::new(|co| {
///     [3, 1, 2].sort_by(|a, b| {
///         co.yield_((*a, *b));
///         a.cmp(b)
///     });
/// });
/// assert!(comparisons.count() >= 2);
/// ```
#[must_use = "a generator does nothing until it is asked for a value"]
pub struct Generator<T, S = (), R = ()> {
    state: Cell<State>,
    driver: UnsafeCell<Driver<T, S>>,
    returned: Cell<Option<R>>,
    /// Makes the borrows of the body, which may be in any of these, part of the type.
    _body: PhantomData<fn(S) -> (T, R)>,
}

impl<T: 'static, R: 'static> Generator<T, (), R> {
    /// A generator that is sent nothing, on a stack of [`Stack::DEFAULT_SIZE`] with the place of this call as
    /// its label.
    ///
    /// # Panics
    ///
    /// If no stack can be had; [`try_new`](Self::try_new) returns an error instead.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::Generator;
    /// let mut pair = Generator::new(|co| {
    ///     co.yield_('a');
    ///     co.yield_('b');
    /// });
    /// assert_eq!((pair.next(), pair.next(), pair.next()), (Some('a'), Some('b'), None));
    /// ```
    #[inline]
    #[track_caller]
    pub fn new<F>(body: F) -> Self
    where
        F: FnOnce(&Co<T>) -> R + 'static,
    {
        Self::two_way(body)
    }

    /// As [`new`](Self::new), but with an error when there is no stack.
    ///
    /// # Errors
    ///
    /// [`StackError`], which says what to change.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{Generator, StackError};
    /// let one = Generator::try_new(|co| co.yield_(1))?;
    /// assert_eq!(one.sum::<i32>(), 1);
    /// # Ok::<(), StackError>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_new<F>(body: F) -> Result<Self, StackError>
    where
        F: FnOnce(&Co<T>) -> R + 'static,
    {
        Ok(Self::with_stack(Stack::for_caller()?, body))
    }
}

impl<T: 'static, S: 'static, R: 'static> Generator<T, S, R> {
    /// A generator that is sent values of type `S`, on a stack of [`Stack::DEFAULT_SIZE`] with the place of
    /// this call as its label.
    ///
    /// # Panics
    ///
    /// If no stack can be had; [`with_stack`](Self::with_stack) with a stack of one's own lets one see why.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::{CoroutineState::Yielded, Generator};
    ///
    /// let average = Generator::<f64, f64>::two_way(|co| {
    ///     let (mut sum, mut count) = (0.0, 0.0);
    ///     loop {
    ///         sum += co.yield_(if count == 0.0 { 0.0 } else { sum / count });
    ///         count += 1.0;
    ///     }
    /// });
    /// average.start()?;
    /// assert_eq!(average.send(10.0)?, Yielded(10.0));
    /// assert_eq!(average.send(20.0)?, Yielded(15.0));
    /// # Ok::<(), corio_coroutine::GeneratorError>(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn two_way<F>(body: F) -> Self
    where
        F: FnOnce(&Co<T, S>) -> R + 'static,
    {
        match Stack::for_caller() {
            Ok(stack) => Self::with_stack(stack, body),
            Err(error) => no_stack(&error),
        }
    }

    /// A generator that runs `body` on `stack`.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_coroutine::{Generator, Stack};
    ///
    /// let deep = Generator::<u64>::with_stack(Stack::new(8 << 20)?, |co| {
    ///     fn descend(depth: u64, yield_: &mut dyn FnMut(u64)) {
    ///         if depth > 0 {
    ///             descend(depth - 1, yield_);
    ///         }
    ///         yield_(depth);
    ///     }
    ///     descend(10_000, &mut |depth| co.yield_(depth));
    /// });
    /// assert_eq!(deep.last(), Some(10_000));
    /// # Ok::<(), corio_coroutine::StackError>(())
    /// ```
    #[inline]
    pub fn with_stack<F>(stack: Stack, body: F) -> Self
    where
        F: FnOnce(&Co<T, S>) -> R + 'static,
    {
        // SAFETY: everything is `'static`, so it may outlive any forgotten generator.
        let raw = unsafe { raw(stack, body) };
        raw.own_all();
        Self::from_raw(raw)
    }
}

impl<T, S, R> Generator<T, S, R> {
    /// As [`with_stack`](Self::with_stack), for a body that may borrow.
    ///
    /// # Safety
    ///
    /// As [`Coroutine::with_stack_unchecked`]; and the generator must not be given to [`Co::yield_from`].
    pub(crate) unsafe fn with_stack_unchecked<F>(stack: Stack, body: F) -> Self
    where
        F: FnOnce(&Co<T, S>) -> R,
    {
        // SAFETY: passed on from the caller.
        Self::from_raw(unsafe { raw(stack, body) })
    }

    #[inline]
    fn from_raw(raw: Raw<T, S>) -> Self {
        Self {
            state: Cell::new(State::Fresh),
            driver: UnsafeCell::new(Driver::new(raw)),
            returned: Cell::new(None),
            _body: PhantomData,
        }
    }

    /// What the body returned when it was iterated to its end. The first call takes it away.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::Generator;
    /// let mut words = Generator::new(|co| {
    ///     co.yield_("to be");
    ///     co.yield_("or not");
    ///     2
    /// });
    /// assert_eq!(words.by_ref().count(), 2);
    /// assert_eq!(words.take_return_value(), Some(2));
    /// assert_eq!(words.take_return_value(), None);
    /// ```
    #[must_use]
    pub fn take_return_value(&self) -> Option<R> {
        self.returned.take()
    }

    /// Whether the body has begun to run.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.state.get() != State::Fresh
    }

    /// Whether the body is in the middle of running, or of waiting for something other than its caller.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state.get() == State::Running
    }

    /// Whether the body has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state.get() == State::Done
    }
}

impl<T, S, R> Drop for Generator<T, S, R> {
    #[inline]
    fn drop(&mut self) {
        if self.state.get() != State::Done
            && let Some(payload) = self.finish()
        {
            quiet::resume(payload);
        }
    }
}

impl<T, S: Default, R> Iterator for Generator<T, S, R> {
    type Item = T;

    /// # Panics
    ///
    /// If the body panics, with its payload; and if it is running, which [`try_next`](Generator::try_next)
    /// reports as an error.
    #[inline]
    #[track_caller]
    fn next(&mut self) -> Option<T> {
        next(self)
    }
}

impl<T, S: Default, R> Iterator for &Generator<T, S, R> {
    type Item = T;

    /// # Panics
    ///
    /// As for [`Generator`].
    #[inline]
    #[track_caller]
    fn next(&mut self) -> Option<T> {
        next(self)
    }
}

impl<T, S: Default, R> FusedIterator for Generator<T, S, R> {}
impl<T, S: Default, R> FusedIterator for &Generator<T, S, R> {}

impl<T, S, R> fmt::Debug for Generator<T, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator").field("state", &self.state.get()).finish_non_exhaustive()
    }
}

#[inline(always)]
#[track_caller]
fn next<T, S: Default, R>(generator: &Generator<T, S, R>) -> Option<T> {
    match generator.try_next() {
        Ok(item) => item,
        Err(error) => cannot_go_on(&error),
    }
}

/// The coroutine of a generator.
///
/// # Safety
///
/// As [`Coroutine::with_stack_unchecked`].
#[inline]
unsafe fn raw<T, S, R, F>(stack: Stack, body: F) -> Raw<T, S>
where
    F: FnOnce(&Co<T, S>) -> R,
{
    mailbox::clear(stack.header());
    let body = move |yielder: &Yielder<_, _>, _| Erased::new(body(Co::of(yielder)));
    // SAFETY: passed on from the caller.
    unsafe { Coroutine::with_stack_unchecked(stack, body) }
}

#[cold]
#[inline(never)]
#[track_caller]
fn cannot_go_on(error: &GeneratorError) -> ! {
    panic!("cannot ask the generator for a value: {error}");
}
