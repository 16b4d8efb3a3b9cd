//! What every iterator can do on the loop.

use std::time::Duration;

use corio_futures::{Error, Result};

use super::background::TheLoop;
use super::map_concurrent::{self, Order};
use super::merge::merge_two;
use super::{
    Background, ChunksTimeout, ItemTimeout, MapConcurrent, Throttle, UntilError, Within, ZipLatest,
};
use crate::scope::TaskGroup;

/// What every iterator can do on the loop: loading ahead, working on several items at once, taking
/// time into account.
///
/// The [module](super) says what all of these have in common. Those that make tasks ask for sources
/// and closures that own what they use (`'static`); [`within`](Self::within) gives tasks of a group
/// to others.
pub trait IteratorExt: Iterator {
    /// Loads up to `n` items ahead, in the background, and waits only when none is ready.
    ///
    /// The items and their order are those of the source. `n` of 0 counts as 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use corio::{iter::IteratorExt, sleep};
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let second = Duration::from_secs(1);
    /// let pages = (1..=5).map(move |number| sleep(second).map(|()| number));
    ///
    /// let event_loop = corio::get_running_loop()?;
    /// let began = event_loop.time();
    /// for page in pages.try_buffered(2) {
    ///     page?;
    ///     sleep(second)?; // meanwhile the next page is loaded
    /// }
    /// assert_eq!(event_loop.time() - began, 6 * second);
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn buffered(self, n: usize) -> Background<'static, Self::Item>
    where
        Self: Sized + 'static,
    {
        Background::new(1, n, |start| start.send_all(TheLoop, 0, self))
    }

    /// As [`buffered`](Self::buffered), up to the first error of the source.
    fn try_buffered<T, E>(self, n: usize) -> UntilError<Background<'static, Self::Item>>
    where
        Self: Iterator<Item = Result<T, E>> + Sized + 'static,
        E: Into<Error>,
    {
        UntilError::new(self.buffered(n))
    }

    /// Calls `function` with several items at once, and gives its results in the order of the
    /// items.
    ///
    /// Each call is a task. At most `n` items (0 counts as 1) are taken from the source and not
    /// given out: so at most `n` calls run at once, and none runs far ahead of a consumer that
    /// takes its time. It also means that a call which takes long holds up those behind it, once
    /// there are `n`; see [`map_concurrent_unordered`](Self::map_concurrent_unordered).
    ///
    /// An error of `function` is an item, in its place; the others go on. `?` in a loop's body
    /// cancels them and waits for them, as it drops the iterator. So does collecting into a
    /// `Result`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use corio::{iter::IteratorExt, sleep};
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let event_loop = corio::get_running_loop()?;
    /// let began = event_loop.time();
    /// let squares = (0..10_000_u64).map_concurrent(100, |n| {
    ///     sleep(Duration::from_secs(1))?;
    ///     Ok(n * n)
    /// });
    /// let squares: Vec<_> = squares.collect::<corio::Result<_>>()?;
    /// assert_eq!(squares[9_999], 99_980_001);
    /// assert_eq!(event_loop.time() - began, Duration::from_secs(100));
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn map_concurrent<U, F>(self, n: usize, function: F) -> MapConcurrent<'static, U>
    where
        Self: Sized + 'static,
        F: Fn(Self::Item) -> Result<U> + 'static,
        U: 'static,
    {
        let order = Order::OfItems;
        MapConcurrent::new(map_concurrent::results(TheLoop, self, n, order, function))
    }

    /// As [`map_concurrent`](Self::map_concurrent), with the results in the order in which they
    /// come.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use corio::{iter::IteratorExt, sleep};
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let sorted = [3, 1, 2].into_iter().map_concurrent_unordered(3, |n| {
    ///     sleep(Duration::from_secs(n))?;
    ///     Ok(n)
    /// });
    /// assert_eq!(sorted.collect::<corio::Result<Vec<_>>>()?, [1, 2, 3]);
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn map_concurrent_unordered<U, F>(self, n: usize, function: F) -> MapConcurrent<'static, U>
    where
        Self: Sized + 'static,
        F: Fn(Self::Item) -> Result<U> + 'static,
        U: 'static,
    {
        let order = Order::OfCompletion;
        MapConcurrent::new(map_concurrent::results(TheLoop, self, n, order, function))
    }

    /// As [`map_concurrent`](Self::map_concurrent) over the values of a source of results, up to
    /// the first error, be it the source's or the function's.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::iter::IteratorExt;
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let numbers = ["1", "2", "three", "4"].into_iter().map(str::parse::<u32>);
    /// let mut doubled = numbers.try_map_concurrent(2, |n| Ok(2 * n));
    /// assert_eq!(doubled.next().transpose()?, Some(2));
    /// assert_eq!(doubled.next().transpose()?, Some(4));
    /// assert_eq!(doubled.next().unwrap().unwrap_err().to_string(), "invalid digit found in string");
    /// assert!(doubled.next().is_none());
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn try_map_concurrent<T, E, U, F>(
        self,
        n: usize,
        function: F,
    ) -> UntilError<Background<'static, Result<U>>>
    where
        Self: Iterator<Item = Result<T, E>> + Sized + 'static,
        F: Fn(T) -> Result<U> + 'static,
        U: 'static,
        E: Into<Error>,
    {
        let function = move |item: Result<T, E>| function(item.map_err(E::into)?);
        UntilError::new(map_concurrent::results(TheLoop, self, n, Order::OfItems, function))
    }

    /// As [`try_map_concurrent`](Self::try_map_concurrent), with the results in the order in which
    /// they come.
    fn try_map_concurrent_unordered<T, E, U, F>(
        self,
        n: usize,
        function: F,
    ) -> UntilError<Background<'static, Result<U>>>
    where
        Self: Iterator<Item = Result<T, E>> + Sized + 'static,
        F: Fn(T) -> Result<U> + 'static,
        U: 'static,
        E: Into<Error>,
    {
        let function = move |item: Result<T, E>| function(item.map_err(E::into)?);
        UntilError::new(map_concurrent::results(TheLoop, self, n, Order::OfCompletion, function))
    }

    /// The items of this source and of another, in the order in which they arrive.
    ///
    /// As the function [`merge`](super::merge()), for two sources whose types may differ.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{rc::Rc, time::Duration};
    /// use corio::{Queue, iter::{IteratorExt, from_queue, interval}};
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let mail = Rc::new(Queue::unbounded());
    /// mail.put("a letter")?;
    ///
    /// let bell = interval(Duration::from_secs(1)).skip(1).map(|tick| tick.map(|_| "the bell"));
    /// let mut events = from_queue(mail).try_merge(bell);
    /// assert_eq!(events.next().transpose()?, Some("a letter"));
    /// assert_eq!(events.next().transpose()?, Some("the bell"));
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn merge<J>(self, other: J) -> Background<'static, Self::Item>
    where
        Self: Sized + 'static,
        J: IntoIterator<Item = Self::Item, IntoIter: 'static>,
    {
        merge_two(TheLoop, self, other.into_iter())
    }

    /// As [`merge`](Self::merge), up to the first error of one of the sources.
    fn try_merge<J, T, E>(self, other: J) -> UntilError<Background<'static, Self::Item>>
    where
        Self: Iterator<Item = Result<T, E>> + Sized + 'static,
        J: IntoIterator<Item = Self::Item, IntoIter: 'static>,
        E: Into<Error>,
    {
        UntilError::new(self.merge(other))
    }

    /// The latest item of this source and the latest of another, whenever one of them has a new
    /// one.
    ///
    /// The first pair comes when both have had an item. Ends when both have ended, or one has
    /// without an item.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use corio::iter::{IteratorExt, interval};
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let every = |seconds| interval(Duration::from_secs(seconds)).zip(1..).map(|(_, n)| n);
    /// let pairs = every(2).take(3).zip_latest(every(3).take(2));
    /// let pairs: Vec<(u32, u32)> = pairs.collect::<corio::Result<_>>()?;
    /// assert_eq!(pairs, [(1, 1), (2, 1), (2, 2), (3, 2)]);
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn zip_latest<J>(self, other: J) -> ZipLatest<'static, Self::Item, J::Item>
    where
        Self: Iterator<Item: Clone> + Sized + 'static,
        J: IntoIterator<Item: Clone + 'static, IntoIter: 'static>,
    {
        ZipLatest::new(TheLoop, self, other.into_iter())
    }

    /// As [`zip_latest`](Self::zip_latest), up to the first error of one of the sources.
    fn try_zip_latest<J, A, B, E>(self, other: J) -> ZipLatest<'static, A, B>
    where
        Self: Iterator<Item = Result<A, E>> + Sized + 'static,
        J: IntoIterator<Item = Result<B, E>, IntoIter: 'static>,
        A: Clone + 'static,
        B: Clone + 'static,
        E: Into<Error> + 'static,
    {
        ZipLatest::new_try(TheLoop, self, other.into_iter())
    }

    /// Several items at a time: `max` of them (0 counts as 1), or what has come within `limit` of
    /// the first.
    ///
    /// No chunk is empty. Up to `max` items are loaded while the consumer is busy with a chunk.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use corio::{iter::IteratorExt, sleep};
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let second = Duration::from_secs(1);
    /// let lines = [0, 0, 0, 0, 0, 9, 0].into_iter().map(move |seconds| {
    ///     sleep(seconds * second).map(|()| seconds)
    /// });
    /// let chunks = lines.try_chunks_timeout(3, second).collect::<corio::Result<Vec<_>>>()?;
    /// assert_eq!(chunks, [vec![0, 0, 0], vec![0, 0], vec![9, 0]]);
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn chunks_timeout(self, max: usize, limit: Duration) -> ChunksTimeout<'static, Self::Item>
    where
        Self: Sized + 'static,
    {
        ChunksTimeout::new(self.buffered(max), max, limit, Ok)
    }

    /// As [`chunks_timeout`](Self::chunks_timeout), up to the first error of the source. What came
    /// before the error comes before it, in a chunk.
    fn try_chunks_timeout<T, E>(
        self,
        max: usize,
        limit: Duration,
    ) -> ChunksTimeout<'static, Self::Item, T>
    where
        Self: Iterator<Item = Result<T, E>> + Sized + 'static,
        E: Into<Error>,
    {
        ChunksTimeout::new(self.buffered(max), max, limit, |item| item.map_err(E::into))
    }

    /// Says so when an item does not come within `limit` of being asked for, with a
    /// [`TimedOut`](corio_futures::TimedOut).
    ///
    /// Nothing is cancelled by that: the item comes when it is asked for again. To interrupt the
    /// source instead, ask it for an item in a [`timeout`](crate::timeout()).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use corio::{iter::IteratorExt, sleep};
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let second = Duration::from_secs(1);
    /// let slow = [1, 5].into_iter().map(move |n| sleep(n * second).map(|()| n));
    /// let mut items = slow.try_timeout(3 * second);
    /// assert_eq!(items.next().transpose()?, Some(1));
    /// assert!(items.next().unwrap().unwrap_err().is_timeout());
    /// assert_eq!(items.next().transpose()?, Some(5));
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn timeout(self, limit: Duration) -> ItemTimeout<'static, Self::Item>
    where
        Self: Sized + 'static,
    {
        ItemTimeout::new(self.buffered(1), limit)
    }

    /// As [`timeout`](Self::timeout), up to the first error of the source. A late item is not one.
    fn try_timeout<T, E>(self, limit: Duration) -> UntilError<ItemTimeout<'static, Self::Item>>
    where
        Self: Iterator<Item = Result<T, E>> + Sized + 'static,
        E: Into<Error>,
    {
        UntilError::new(self.timeout(limit))
    }

    /// Gives items out no faster than one in `period`.
    ///
    /// An item that comes later than that is given out at once. Nothing is loaded ahead, and no
    /// task is made, so the source may borrow.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use corio::iter::IteratorExt;
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let event_loop = corio::get_running_loop()?;
    /// let began = event_loop.time();
    /// for request in ["one", "two", "three"].iter().throttle(Duration::from_secs(1)) {
    ///     request?;
    /// }
    /// assert_eq!(event_loop.time() - began, Duration::from_secs(2));
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn throttle(self, period: Duration) -> Throttle<Self>
    where
        Self: Sized,
    {
        Throttle::new(self, period)
    }

    /// As [`throttle`](Self::throttle), up to the first error of the source.
    fn try_throttle<T, E>(self, period: Duration) -> UntilError<Throttle<Self>>
    where
        Self: Iterator<Item = Result<T, E>> + Sized,
        E: Into<Error>,
    {
        UntilError::new(self.throttle(period))
    }

    /// Makes one layer of results of results, up to the first error of the inner ones.
    ///
    /// This is what the `try_` forms are made of: `try_buffered(3)` is `buffered(3).until_error()`.
    /// At that error the rest is dropped, and so cancelled and waited for; then the error is given
    /// out; then comes the end. An outer error, of the wait, ends nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::iter::{IteratorExt, merge};
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let pages = ["1 2 3", "4 5 6"].map(|page| page.split(' ').map(str::parse::<u32>));
    /// let numbers: corio::Result<Vec<u32>> = merge(pages).until_error().collect();
    /// assert_eq!(numbers?, [1, 4, 2, 5, 3, 6]);
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn until_error<T, E>(self) -> UntilError<Self>
    where
        Self: Iterator<Item = Result<Result<T, E>>> + Sized,
        E: Into<Error>,
    {
        UntilError::new(self)
    }

    /// This iterator, to be worked on by tasks of `group`. It and the closures that it is given may
    /// borrow what the children of the group may.
    ///
    /// The tasks never fail, so the group hears of no error but by what its body makes of the
    /// items.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::iter::IteratorExt;
    ///
    /// # let mut runner = corio::Runner::with_virtual_clock()?;
    /// # runner.run(|| {
    /// let text = String::from("to be or not to be");
    /// corio::task_group(|group| {
    ///     for word in text.split(' ').within(group).buffered(3) {
    ///         assert!(text.contains(word?));
    ///     }
    ///     Ok(())
    /// })?;
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    fn within<'scope, 'env>(
        self,
        group: &'scope TaskGroup<'scope, 'env>,
    ) -> Within<'scope, 'env, Self>
    where
        Self: Sized + 'scope,
    {
        Within::new(group, self)
    }
}

impl<I: Iterator + ?Sized> IteratorExt for I {}
