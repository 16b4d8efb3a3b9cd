//! Property tests of generators: random callers, random bodies, and a model.
//!
//! Two things are here. [`actions`] makes random callers for a generator of *yours*: perform them on it and on
//! a simpler model of it, and compare the [`Outcome`]s. And [`scripts`] makes whole programs, body and caller,
//! with nested and delegated generators, panics and destructors, also such as panic or use generators while the thread
//! panics; [`Script::run`] runs one on real stacks, [`Script::predict`] says what should happen. This crate tests itself
//! with the latter; both shrink to small counterexamples.
//!
//! Left out is what ends the process, which no script survives: a panic, or a `yield_`, that leaves a destructor while
//! the same stack unwinds.
//!
//! # Examples
//!
//! A generator of one's own, against the iterator that it should equal:
//!
//! ```
//! use corio_coroutine::Generator;
//! use corio_coroutine::script::{Action, Outcome, actions, perform};
//! use proptest::prelude::*;
//!
//! fn evens() -> Generator<u32> {
//!     Generator::new(|co| (0..5).filter(|n| n % 2 == 0).for_each(|n| co.yield_(n)))
//! }
//!
//! proptest!(|(actions in actions(Just(()), 10))| {
//!     let (real, mut model) = (evens(), Some([0, 2, 4].into_iter()));
//!     for action in actions {
//!         let expected = match action {
//!             Action::Next => match model.as_mut().map(Iterator::next) {
//!                 Some(Some(value)) => Outcome::Yielded(value),
//!                 Some(None) => {
//!                     model = None;
//!                     Outcome::Returned(())
//!                 }
//!                 None => Outcome::Over,
//!             },
//!             Action::Close => {
//!                 model = None;
//!                 Outcome::Over
//!             }
//!             // For this generator, the model leaves these out.
//!             Action::Send(()) | Action::Throw(_) => continue,
//!         };
//!         prop_assert_eq!(perform(&real, action), expected);
//!     }
//! });
//! ```

mod model;
mod run;

use std::fmt;

use proptest::collection::vec;
use proptest::prelude::*;

pub use self::run::perform;

/// Something that a caller does to a generator.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "what a caller can do is what `Generator` offers")]
pub enum Action<S> {
    /// [`Generator::try_next`](crate::Generator::try_next)
    Next,
    /// [`Generator::send`](crate::Generator::send)
    Send(S),
    /// [`Generator::throw`](crate::Generator::throw), of a [`Mark`]
    Throw(u8),
    /// [`Generator::close`](crate::Generator::close)
    Close,
}

/// What comes of an [`Action`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "what can come of it is what `Generator` offers")]
pub enum Outcome<T, R> {
    /// It yielded.
    Yielded(T),
    /// It returned.
    Returned(R),
    /// It had ended, or ended without a value.
    Over,
    /// It refused: it had not started, or it had finished, or it runs.
    Refused,
    /// It yielded although it was closed.
    IgnoredClose,
    /// It let out the [`Mark`] that was thrown in, or another error.
    Threw(Option<u8>),
    /// It panicked with a [`Mark`], or with something else.
    Panicked(Option<u8>),
}

/// An error and a panic payload with a number to know it by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a number is all there is to it")]
pub struct Mark(pub u8);

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mark {}", self.0)
    }
}

impl std::error::Error for Mark {}

/// Callers of up to `len` actions, that send values from `send`.
pub fn actions<V: Strategy>(send: V, len: usize) -> impl Strategy<Value = Vec<Action<V::Value>>>
where
    V::Value: Clone,
{
    let action = prop_oneof![
        8 => Just(Action::Next),
        4 => send.prop_map(Action::Send),
        2 => (0_u8..10).prop_map(Action::Throw),
        1 => Just(Action::Close),
    ];
    vec(action, 0..=len)
}

/// What a yield or a delegation does when it is interrupted instead of answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a script language is fixed")]
pub enum Manner {
    /// `yield_`, `yield_from`: unwind.
    Unwind,
    /// `try_yield`, `try_yield_from`: go on when thrown at, return when closed.
    Return,
    /// `try_yield`, `try_yield_from`: go on whatever happens.
    Ignore,
}

/// Something that a body does.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a script language is fixed")]
pub enum Step {
    /// Yield a value.
    Yield(u8, Manner),
    /// Yield what another body yields.
    Delegate(Vec<Step>, Manner),
    /// Make another generator, do something with it, and drop it.
    Nest(Vec<Step>, Vec<Action<u8>>),
    /// Do the same inside a coroutine on top, so that yields leave from its stack.
    Within(Vec<Step>),
    /// Do the same, and catch what it unwinds with.
    Catch(Vec<Step>),
    /// Put something with a destructor on the stack.
    Hold(u8),
    /// Put something on the stack whose destructor panics with a [`Mark`], unless the thread is panicking.
    Trap(u8),
    /// Put something on the stack whose destructor makes another generator, does something with it, and drops it.
    Defer(Vec<Step>, Vec<Action<u8>>),
    /// Return from the body.
    Return(u8),
    /// Panic with a [`Mark`].
    Panic(u8),
}

/// What can be seen of a script.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "a script language is fixed")]
pub enum Event {
    /// A yield was answered.
    Got(u8),
    /// A yield or a delegation was closed.
    Closed,
    /// A yield or a delegation had this thrown at it.
    Thrown(u8),
    /// A delegation ended with this value.
    Delegated(Option<u8>),
    /// A [`Step::Catch`] caught a [`Mark`], thrown or panicked, or something else.
    Caught(Option<u8>),
    /// A [`Step::Hold`] or [`Step::Trap`] was dropped.
    Dropped(u8),
    /// A caller saw this.
    Saw(Outcome<u8, u8>),
    /// A caller dropped a generator, which panicked if there is a value.
    Gone(Option<Option<u8>>),
}

/// A body and a caller.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Script {
    /// What the generator does.
    pub body: Vec<Step>,
    /// What its caller does, before it drops the generator.
    pub actions: Vec<Action<u8>>,
}

impl Script {
    /// A script.
    #[must_use]
    pub fn new(body: Vec<Step>, actions: Vec<Action<u8>>) -> Self {
        Self { body, actions }
    }

    /// What happens on real stacks.
    #[must_use]
    pub fn run(&self) -> Vec<Event> {
        run::run(self)
    }

    /// What should happen, found without any coroutine.
    #[must_use]
    pub fn predict(&self) -> Vec<Event> {
        model::predict(self)
    }
}

/// Random scripts.
///
/// # Examples
///
/// ```
/// use proptest::prelude::*;
/// use corio_coroutine::script::scripts;
///
/// proptest!(ProptestConfig::with_cases(16), |(script in scripts())| {
///     prop_assert_eq!(script.run(), script.predict());
/// });
/// ```
pub fn scripts() -> impl Strategy<Value = Script> {
    (bodies(), actions(any::<u8>(), 8)).prop_map(|(body, actions)| Script { body, actions })
}

fn manners() -> impl Strategy<Value = Manner> {
    prop_oneof![3 => Just(Manner::Unwind), 2 => Just(Manner::Return), 1 => Just(Manner::Ignore)]
}

/// Random bodies.
fn bodies() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![
        8 => (any::<u8>(), manners()).prop_map(|(value, manner)| Step::Yield(value, manner)),
        3 => any::<u8>().prop_map(Step::Hold),
        1 => any::<u8>().prop_map(Step::Return),
        1 => (0_u8..10).prop_map(Step::Panic),
        1 => any::<u8>().prop_map(Step::Trap),
    ];
    let step = leaf.prop_recursive(3, 24, 5, |inner| {
        let body = || vec(inner.clone(), 0..5);
        prop_oneof![
            4 => inner.clone(),
            3 => (body(), manners()).prop_map(|(body, manner)| Step::Delegate(body, manner)),
            1 => (body(), actions(any::<u8>(), 4)).prop_map(|(body, actions)| Step::Nest(body, actions)),
            1 => (body(), actions(any::<u8>(), 4)).prop_map(|(body, actions)| Step::Defer(body, actions)),
            1 => body().prop_map(Step::Within),
            1 => body().prop_map(Step::Catch),
        ]
    });
    vec(step, 0..6)
}
