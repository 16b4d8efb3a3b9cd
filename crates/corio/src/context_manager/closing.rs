//! Context managers for what only has to be closed, and for what has not.

use corio_futures::{Error, Result};

use super::ContextManager;
use crate::generator::Generator;

/// Something that ends by being closed, which may wait and may fail.
pub trait Close {
    /// Closes it.
    ///
    /// # Errors
    ///
    /// Those of closing.
    fn close(&self) -> Result<()>;
}

impl<T, S, R> Close for Generator<T, S, R> {
    fn close(&self) -> Result<()> {
        self.close().map(drop)
    }
}

/// A context manager that gives `resource` to the body and closes it afterwards. Python's
/// `aclosing`.
///
/// A generator is closed when it is dropped, too; but then an error of its cleanup is only reported.
///
/// # Examples
///
/// ```
/// use corio::{closing, generator, with};
///
/// let numbers = generator(|co| co.yield_all(1..));
/// let sum = with(closing(&numbers), |numbers| {
///     let mut sum = 0;
///     for number in numbers {
///         sum += number?;
///         if sum > 10 {
///             break;
///         }
///     }
///     Ok(sum)
/// })?;
/// assert_eq!(sum, 15);
/// assert!(numbers.is_done());
/// # Ok::<(), corio::Error>(())
/// ```
pub const fn closing<C: Close>(resource: &C) -> Closing<'_, C> {
    Closing { resource }
}

/// A context manager made by [`closing`].
#[derive(Debug)]
#[must_use = "a context manager does nothing until it is entered by `with`"]
pub struct Closing<'c, C> {
    resource: &'c C,
}

impl<'c, C: Close> ContextManager for Closing<'c, C> {
    type Value = &'c C;

    fn enter(&mut self) -> Result<&'c C> {
        Ok(self.resource)
    }

    fn exit(self, outcome: Result<()>) -> Result<()> {
        self.resource.close()?;
        outcome
    }
}

/// A context manager that gives `value` to the body and does nothing else. Python's `nullcontext`.
///
/// # Examples
///
/// ```
/// use corio::{nullcontext, with};
///
/// let length = with(nullcontext("four"), |text| Ok(text.len()))?;
/// assert_eq!(length, 4);
/// # Ok::<(), corio::Error>(())
/// ```
pub const fn nullcontext<T>(value: T) -> NullContext<T> {
    NullContext { value: Some(value) }
}

/// A context manager made by [`nullcontext`].
#[derive(Debug)]
#[must_use = "a context manager does nothing until it is entered by `with`"]
pub struct NullContext<T> {
    /// Until it is entered.
    value: Option<T>,
}

impl<T> ContextManager for NullContext<T> {
    type Value = T;

    fn enter(&mut self) -> Result<T> {
        self.value.take().ok_or_else(|| Error::msg("this context was entered before"))
    }

    fn exit(self, outcome: Result<()>) -> Result<()> {
        outcome
    }
}
