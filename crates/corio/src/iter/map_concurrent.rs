//! A function applied to several items at once.
//!
//! One task asks the source for items and makes a task for each. What is asked for and not yet
//! given out is never more than `n`: that bounds the work in progress, and what lies ready.
//!
//! Deliberately not so: a fixed crew of workers that share the source. It would save making tasks,
//! which is cheap, and share between items what belongs to a task, its cancellation above all.

use std::fmt;
use std::rc::Rc;

use corio_futures::Result;

use super::Background;
use super::background::Home;

/// What a function makes of the items of a source. Made by
/// [`map_concurrent`](super::IteratorExt::map_concurrent).
#[must_use = "iterators are lazy: nothing is worked on before the first `next`"]
pub struct MapConcurrent<'scope, U> {
    results: Background<'scope, Result<U>>,
}

impl<'scope, U> MapConcurrent<'scope, U> {
    pub(super) fn new(results: Background<'scope, Result<U>>) -> Self {
        Self { results }
    }
}

impl<U> Iterator for MapConcurrent<'_, U> {
    type Item = Result<U>;

    /// Waits for the next result. An error is an item, and ends nothing.
    ///
    /// # Panics
    ///
    /// If the source or the function did, when all tasks have ended.
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        Some(self.results.next()?.and_then(|result| result))
    }
}

impl<U> fmt::Debug for MapConcurrent<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MapConcurrent").field(&self.results).finish()
    }
}

/// In which order results are given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    OfItems,
    OfCompletion,
}

pub(super) fn results<'a, I, U>(
    home: impl Home<'a>,
    source: I,
    n: usize,
    order: Order,
    function: impl Fn(I::Item) -> Result<U> + 'a,
) -> Background<'a, Result<U>>
where
    I: Iterator + 'a,
    U: 'a,
{
    Background::new(1, n, move |start| {
        let (sender, crew) = (start.sender(0), Rc::clone(start.crew));
        let function = Rc::new(function);
        start.crew.spawn(home, move || {
            sender.run(|sender| {
                sender.send_each(source, |item| {
                    let reserved = sender.reserve(order == Order::OfItems);
                    let function = Rc::clone(&function);
                    crew.spawn(home, move || reserved.send(|| function(item)));
                })
            });
        });
    })
}
