//! Results of results, made one layer, up to the first error within.

use corio_futures::{Error, Result};

/// The items of a source of results, until the first error. Made by
/// [`until_error`](super::IteratorExt::until_error) and by the `try_` forms.
///
/// An error of the wait itself (the consumer was cancelled, an item is late) ends nothing.
#[derive(Debug)]
#[must_use = "iterators are lazy: nothing happens before the first `next`"]
pub struct UntilError<I> {
    items: Option<I>,
}

impl<I> UntilError<I> {
    pub(super) fn new(items: I) -> Self {
        Self { items: Some(items) }
    }
}

impl<I, T, E> Iterator for UntilError<I>
where
    I: Iterator<Item = Result<Result<T, E>>>,
    E: Into<Error>,
{
    type Item = Result<T>;

    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        match self.items.as_mut()?.next()? {
            Ok(Ok(item)) => Some(Ok(item)),
            Ok(Err(error)) => {
                self.items = None;
                Some(Err(error.into()))
            }
            Err(error) => Some(Err(error)),
        }
    }
}
