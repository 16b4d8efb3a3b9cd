//! Running code inside context managers.

use corio_futures::Result;

use super::ContextManager;
use super::outcome::{Outcome, Suppressed};

/// Enters a context manager, runs `body` with what it gives, and leaves it again, whatever `body`
/// comes to. Python's `with` and `async with`, which are one here.
///
/// Takes a [`ContextManager`], or a tuple of them: they are entered from the first to the last and
/// left from the last to the first, as if nested.
///
/// # Cancellation
///
/// Is the body's: the managers see it as the body's error, and may wait.
///
/// # Errors
///
/// What a manager makes of the outcome, as a rule what `body` fails with. If entering fails, that;
/// if leaving fails after the body has, an [`ExitFailed`](crate::ExitFailed) that has both. If a
/// manager swallows the error of the body there is no value, so that is [`Suppressed`]; use
/// [`with_suppressing`] for such managers.
///
/// # Panics
///
/// If `body` or a manager does, when the managers have been left.
///
/// # Examples
///
/// ```
/// use corio::{Co, ContextManager, contextmanager, with};
///
/// fn tag(name: &'static str) -> impl ContextManager<Value = &'static str> {
///     contextmanager(move |co| {
///         println!("<{name}>");
///         let outcome = co.yield_(name);
///         println!("</{name}>");
///         outcome
///     })
/// }
///
/// let names = with((tag("ul"), tag("li")), |(outer, inner)| Ok(format!("{outer} {inner}")))?;
/// assert_eq!(names, "ul li");
/// # Ok::<(), corio::Error>(())
/// ```
pub fn with<M, T>(managers: M, body: impl FnOnce(M::Values) -> Result<T>) -> Result<T>
where
    M: Managers,
{
    Ok(managers.run(body)??)
}

/// As [`with`], for managers that may swallow the error of `body`: there is no value then.
///
/// # Errors
///
/// As [`with`], without [`Suppressed`].
///
/// # Panics
///
/// As [`with`].
///
/// # Examples
///
/// ```
/// use corio::{Error, contextmanager, with_suppressing};
///
/// let swallowing = contextmanager(|co| Ok(drop(co.yield_(()))));
/// let value = with_suppressing(swallowing, |()| Err::<u8, _>(Error::msg("never mind")))?;
/// assert_eq!(value, None);
/// # Ok::<(), corio::Error>(())
/// ```
pub fn with_suppressing<M, T>(
    managers: M,
    body: impl FnOnce(M::Values) -> Result<T>,
) -> Result<Option<T>>
where
    M: Managers,
{
    Ok(managers.run(body)?.ok())
}

/// What [`with`] takes: a [`ContextManager`] or a tuple of them.
pub trait Managers {
    /// What they give to the body, in the same shape.
    type Values;

    #[doc(hidden)]
    fn run<T>(self, body: impl FnOnce(Self::Values) -> Result<T>) -> Result<Result<T, Suppressed>>;
}

impl<M: ContextManager> Managers for M {
    type Values = M::Value;

    fn run<T>(mut self, body: impl FnOnce(M::Value) -> Result<T>) -> Result<Result<T, Suppressed>> {
        let value = self.enter()?;
        let (value, mut outcome) = Outcome::of(|| body(value));
        outcome.leave(|result| self.exit(result));
        outcome.finish(value)
    }
}

/// Enters the managers one after the other, runs the body, and leaves those that were entered.
macro_rules! enter_all {
    ($body:ident; $($value:ident)*;) => {
        Outcome::of(|| $body(($($value,)*)))
    };
    ($body:ident; $($value:ident)*; $manager:ident $($rest:ident)*) => {{
        match Outcome::entering(|| $manager.enter()) {
            Ok(entered) => {
                let (value, mut outcome) = enter_all!($body; $($value)* entered; $($rest)*);
                outcome.leave(|result| $manager.exit(result));
                (value, outcome)
            }
            Err(outcome) => {
                $(drop($value);)*
                (None, outcome)
            }
        }
    }};
}

macro_rules! managers_tuple {
    ($($manager:ident)+) => {
        impl<$($manager: ContextManager),+> Managers for ($($manager,)+) {
            type Values = ($($manager::Value,)+);

            #[expect(non_snake_case, reason = "the type's name serves as the variable's")]
            fn run<T>(
                self,
                body: impl FnOnce(Self::Values) -> Result<T>,
            ) -> Result<Result<T, Suppressed>> {
                let ($(mut $manager,)+) = self;
                let (value, outcome) = enter_all!(body;; $($manager)+);
                outcome.finish(value)
            }
        }
    };
}

managers_tuple!(A);
managers_tuple!(A B);
managers_tuple!(A B C);
managers_tuple!(A B C D);
managers_tuple!(A B C D E);
managers_tuple!(A B C D E F);
