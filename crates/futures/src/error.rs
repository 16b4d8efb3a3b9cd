//! The error of everything that waits.
//!
//! One opaque type, cheap to clone, that any `std::error::Error` converts into with `?`, so that
//! closures infer and no caller has to name a union of what can go wrong. What went wrong is asked
//! with predicates and [`Error::downcast_ref`].
//!
//! Like `anyhow::Error` it does not implement `std::error::Error` itself: only so can the
//! conversion be blanket. [`Error::as_error`] gives the standard view.

use std::any::Any;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::{Cancelled, ErrorGroup, TimedOut};

/// What went wrong while a task ran or waited.
///
/// Cloning copies a pointer. An `Error` is `Send` and `Sync`, so it may leave the loop's thread.
///
/// # Examples
///
/// ```
/// use corio_futures::{Cancelled, Error, Result};
///
/// fn parse(text: &str) -> Result<u32> {
///     Ok(text.parse::<u32>()?)
/// }
///
/// let error = parse("four").unwrap_err();
/// assert_eq!(error.to_string(), "invalid digit found in string");
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// assert!(Error::from(Cancelled::new()).is_cancelled());
/// ```
#[derive(Clone)]
pub struct Error(Repr);

#[derive(Clone)]
enum Repr {
    /// Apart from the rest, so that cancelling a task allocates nothing.
    Cancelled(Cancelled),
    Other(Arc<dyn StdError + Send + Sync>),
}

/// A [`std::result::Result`] whose error is corio's [`Error`] unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error that consists of a message alone.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = corio_futures::Error::msg("the kettle is empty");
    /// assert_eq!(error.to_string(), "the kettle is empty");
    /// ```
    pub fn msg(message: impl Into<String>) -> Self {
        Self::from(Message(message.into()))
    }

    /// Whether this says that the task was cancelled.
    ///
    /// Looks through [`source`](StdError::source) and through [`io::Error`], so that a library
    /// which wraps the error of a cancelled read does not hide what it was.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled().is_some()
    }

    /// The [`Cancelled`] within, where [`is_cancelled`](Self::is_cancelled) says that there is one.
    pub fn cancelled(&self) -> Option<&Cancelled> {
        match &self.0 {
            Repr::Cancelled(cancelled) => Some(cancelled),
            Repr::Other(error) => find(&**error, |e| e.downcast_ref()),
        }
    }

    /// Whether this says that time ran out: [`TimedOut`], or an [`io::Error`] of kind
    /// [`TimedOut`](io::ErrorKind::TimedOut).
    pub fn is_timeout(&self) -> bool {
        let io_timeout = |e: &io::Error| e.kind() == io::ErrorKind::TimedOut;
        self.downcast_ref::<TimedOut>().is_some()
            || self.downcast_ref::<io::Error>().is_some_and(io_timeout)
    }

    /// The group that this error is, if it is one.
    pub fn group(&self) -> Option<&ErrorGroup> {
        self.downcast_ref()
    }

    /// The error as the type `E`: itself, one of its sources, or what an [`io::Error`] wraps.
    ///
    /// Does not look into the members of a group: they happened beside one another, not because
    /// of one another.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        find(self.as_error(), |e| e.downcast_ref())
    }

    /// This error as the standard library's trait, for code that asks for it.
    pub fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        match &self.0 {
            Repr::Cancelled(cancelled) => cancelled,
            Repr::Other(error) => &**error,
        }
    }
}

/// Walks from `error` through its sources to the first for which `pick` has an answer.
fn find<'e, T>(
    error: &'e (dyn StdError + 'static),
    pick: impl Fn(&'e (dyn StdError + 'static)) -> Option<T>,
) -> Option<T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = pick(error) {
            return Some(found);
        }
        next = inner(error);
    }
    None
}

/// The error below `error`. An `io::Error` names as its source the source of what it wraps, so
/// the wrapped error itself would be passed over.
fn inner<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|wrapped| wrapped as &(dyn StdError + 'static)),
        None => error.source(),
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let any: &dyn Any = &error;
        if let Some(cancelled) = any.downcast_ref::<Cancelled>() {
            return Self(Repr::Cancelled(cancelled.clone()));
        }
        // What came out of an `Error` as `io::Error` goes back in as it was.
        if let Some(Wrapped(original)) =
            any.downcast_ref::<io::Error>().and_then(|e| e.get_ref()?.downcast_ref())
        {
            return original.clone();
        }
        Self(Repr::Other(Arc::new(error)))
    }
}

/// For code that must answer with an [`io::Error`], such as implementations of [`io::Read`].
///
/// The kind is kept where there is one. A cancelled wait becomes [`io::ErrorKind::Other`], never
/// [`Interrupted`](io::ErrorKind::Interrupted), which the standard library would retry for ever.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.downcast_ref::<io::Error>() {
            Some(io) => io.kind(),
            None if error.is_timeout() => io::ErrorKind::TimedOut,
            None => io::ErrorKind::Other,
        };
        io::Error::new(kind, Wrapped(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_error(), f)
    }
}

/// The message and its causes, or the tree of a group, a line each: what `main` prints when it returns an `Error`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = self.group() {
            return fmt::Debug::fmt(group, f);
        }
        let mut shown = self.to_string();
        f.write_str(&shown)?;
        let mut cause = self.as_error().source();
        while let Some(error) = cause {
            // Some errors lend their text to those that wrap them.
            let text = error.to_string();
            if text != shown {
                write!(f, "\n  caused by: {text}")?;
                shown = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

/// The error of [`Error::msg`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Message(String);

/// An [`Error`] inside an [`io::Error`].
#[derive(Debug)]
struct Wrapped(Error);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Wrapped {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.0.as_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the library failed")]
    struct Library(#[source] io::Error);

    #[test]
    fn cancellation_is_seen_through_what_wraps_it() {
        let io = io::Error::from(Error::from(Cancelled::new()));
        assert_ne!(io.kind(), io::ErrorKind::Interrupted);
        assert!(Error::from(Library(io)).is_cancelled());
        assert!(!Error::msg("no").is_cancelled());
    }

    #[test]
    fn a_round_trip_through_io_error_is_the_identity() {
        let original = Error::msg("full");
        let back = Error::from(io::Error::from(original.clone()));
        assert!(std::ptr::eq(original.as_error(), back.as_error()));
    }

    #[test]
    fn an_io_error_keeps_its_kind() {
        let error = Error::from(io::Error::from(io::ErrorKind::ConnectionReset));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(io::Error::from(Error::from(TimedOut)).kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn timeouts_of_both_kinds_are_timeouts() {
        assert!(Error::from(TimedOut).is_timeout());
        assert!(Error::from(io::Error::from(io::ErrorKind::TimedOut)).is_timeout());
        assert!(!Error::from(TimedOut).is_cancelled());
    }

    #[test]
    fn debug_lists_the_causes() {
        let error = Error::from(Library(io::Error::other("disk on fire")));
        assert_eq!(format!("{error:?}"), "the library failed\n  caused by: disk on fire");
    }

    #[test]
    fn an_error_is_small_and_crosses_threads() {
        fn crosses<T: Send + Sync + Clone>() {}
        crosses::<Error>();
        assert!(size_of::<Error>() <= 2 * size_of::<usize>());
    }
}
