//! A context manager around every call of a function.

use corio_futures::Result;

use super::{ContextManager, with};

/// A function that runs `function` inside a manager that `make` makes anew for each call. A context
/// manager as a decorator in Python.
///
/// Calls may nest, as in a recursive function: each has a manager of its own.
///
/// # Examples
///
/// ```
/// use corio::{contextmanager, decorate};
///
/// let traced = || {
///     contextmanager(|co| {
///         println!("enter");
///         let outcome = co.yield_(());
///         println!("exit");
///         outcome
///     })
/// };
/// let double = decorate(traced, |n: u32| Ok(2 * n));
/// assert_eq!((double(4)?, double(5)?), (8, 10));
/// # Ok::<(), corio::Error>(())
/// ```
pub fn decorate<M, A, T>(
    make: impl Fn() -> M,
    function: impl Fn(A) -> Result<T>,
) -> impl Fn(A) -> Result<T>
where
    M: ContextManager,
{
    move |argument| with(make(), |_| function(argument))
}
