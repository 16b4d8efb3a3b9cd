//! The latest of each of two sources.

use std::fmt;
use std::iter;

use corio_futures::{Error, Result};

use super::UntilError;
use super::background::Home;
use super::merge::merge_two;

/// Pairs of the latest items of two sources. Made by
/// [`zip_latest`](super::IteratorExt::zip_latest).
#[must_use = "iterators are lazy: nothing is loaded before the first `next`"]
pub struct ZipLatest<'scope, A, B> {
    /// `None` when there can be no pair any more.
    events: Option<Events<'scope, A, B>>,
    latest: (Option<A>, Option<B>),
}

/// Boxed, for the `try_` form has others.
type Events<'scope, A, B> = Box<dyn Iterator<Item = Result<Event<A, B>>> + 'scope>;

/// What happens in one of the sources.
enum Event<A, B> {
    First(A),
    FirstEnded,
    Second(B),
    SecondEnded,
}

impl<'scope, A: 'scope, B: 'scope> ZipLatest<'scope, A, B> {
    pub(super) fn new(
        home: impl Home<'scope>,
        first: impl Iterator<Item = A> + 'scope,
        second: impl Iterator<Item = B> + 'scope,
    ) -> Self {
        let first = first.map(Event::First).chain(iter::once_with(|| Event::FirstEnded));
        let second = second.map(Event::Second).chain(iter::once_with(|| Event::SecondEnded));
        Self::of(merge_two(home, first, second))
    }

    pub(super) fn new_try<E: Into<Error> + 'scope>(
        home: impl Home<'scope>,
        first: impl Iterator<Item = Result<A, E>> + 'scope,
        second: impl Iterator<Item = Result<B, E>> + 'scope,
    ) -> Self {
        let first = first
            .map(|item| item.map(Event::First))
            .chain(iter::once_with(|| Ok(Event::FirstEnded)));
        let second = second
            .map(|item| item.map(Event::Second))
            .chain(iter::once_with(|| Ok(Event::SecondEnded)));
        Self::of(UntilError::new(merge_two(home, first, second)))
    }

    fn of(events: impl Iterator<Item = Result<Event<A, B>>> + 'scope) -> Self {
        Self { events: Some(Box::new(events)), latest: (None, None) }
    }
}

impl<A: Clone, B: Clone> Iterator for ZipLatest<'_, A, B> {
    type Item = Result<(A, B)>;

    /// Waits until one of the sources has a new item, and both have had one.
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.events.as_mut()?.next()? {
                Ok(Event::First(item)) => self.latest.0 = Some(item),
                Ok(Event::Second(item)) => self.latest.1 = Some(item),
                Ok(Event::FirstEnded) if self.latest.0.is_none() => self.events = None,
                Ok(Event::SecondEnded) if self.latest.1.is_none() => self.events = None,
                Ok(Event::FirstEnded | Event::SecondEnded) => continue,
                Err(error) => return Some(Err(error)),
            }
            if let (Some(first), Some(second)) = &self.latest {
                return Some(Ok((first.clone(), second.clone())));
            }
        }
    }
}

impl<A, B> fmt::Debug for ZipLatest<'_, A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZipLatest").finish_non_exhaustive()
    }
}
