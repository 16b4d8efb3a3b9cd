//! Several errors at once.

use std::fmt;

use crate::Error;

/// The errors of things that ran side by side. asyncio's `ExceptionGroup`.
///
/// Keeps its tree: a group that failed inside a group is one member of it. [`leaves`] walks the
/// errors themselves.
///
/// [`leaves`]: ErrorGroup::leaves
///
/// # Examples
///
/// ```
/// use corio_futures::{Error, ErrorGroup};
///
/// let inner = ErrorGroup::new("inner", vec![Error::msg("b"), Error::msg("c")]);
/// let outer = ErrorGroup::new("outer", vec![Error::msg("a"), Error::from(inner)]);
/// assert_eq!(outer.errors().len(), 2);
/// let leaves: Vec<_> = outer.leaves().map(ToString::to_string).collect();
/// assert_eq!(leaves, ["a", "b", "c"]);
/// ```
#[derive(Clone)]
pub struct ErrorGroup {
    message: String,
    errors: Vec<Error>,
}

impl ErrorGroup {
    /// A group of `errors` under a message that says what they have in common.
    pub fn new(message: impl Into<String>, errors: Vec<Error>) -> Self {
        Self { message: message.into(), errors }
    }

    /// The members, in the order in which they happened.
    pub fn errors(&self) -> &[Error] {
        &self.errors
    }

    /// What the members have in common.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The errors that are no groups, depth first.
    pub fn leaves(&self) -> impl Iterator<Item = &Error> {
        let mut stack: Vec<&Error> = self.errors.iter().rev().collect();
        std::iter::from_fn(move || {
            loop {
                let error = stack.pop()?;
                match error.group() {
                    Some(group) => stack.extend(group.errors.iter().rev()),
                    None => return Some(error),
                }
            }
        })
    }

    fn write_tree(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        for error in &self.errors {
            write!(f, "\n{:1$}- {error}", "", 2 * depth)?;
            if let Some(group) = error.group() {
                group.write_tree(f, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// One line: the message and how many.
impl fmt::Display for ErrorGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = if self.errors.len() == 1 { "error" } else { "errors" };
        write!(f, "{} ({} {errors}", self.message, self.errors.len())?;
        match self.leaves().next() {
            Some(first) => write!(f, ", first: {first})"),
            None => f.write_str(")"),
        }
    }
}

/// The whole tree, a line each.
impl fmt::Debug for ErrorGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.errors.len())?;
        self.write_tree(f, 1)
    }
}

impl std::error::Error for ErrorGroup {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_first_error_and_the_tree() {
        let inner = ErrorGroup::new("inner", vec![Error::msg("b")]);
        let outer = ErrorGroup::new("outer", vec![Error::from(inner), Error::msg("a")]);
        assert_eq!(outer.to_string(), "outer (2 errors, first: b)");
        assert_eq!(
            format!("{outer:?}"),
            "outer (2)\n  - inner (1 error, first: b)\n    - b\n  - a"
        );
    }
}
