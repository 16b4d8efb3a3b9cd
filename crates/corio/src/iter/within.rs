//! The same, with the tasks in a group.

use std::time::Duration;

use corio_futures::{Error, Result};

use super::map_concurrent::{self, Order};
use super::merge::merge_two;
use super::{Background, ChunksTimeout, ItemTimeout, MapConcurrent, UntilError, ZipLatest};
use crate::scope::TaskGroup;

/// An iterator that tasks of a group are to work on. Made by
/// [`within`](super::IteratorExt::within).
///
/// Has the methods of [`IteratorExt`](super::IteratorExt) that need tasks, for sources and
/// closures that borrow.
#[derive(Debug)]
#[must_use = "this is not an iterator yet: call one of its methods"]
pub struct Within<'scope, 'env, I> {
    group: &'scope TaskGroup<'scope, 'env>,
    source: I,
}

impl<'scope, 'env, I: Iterator + 'scope> Within<'scope, 'env, I> {
    pub(super) fn new(group: &'scope TaskGroup<'scope, 'env>, source: I) -> Self {
        Self { group, source }
    }

    /// See [`IteratorExt::buffered`](super::IteratorExt::buffered).
    pub fn buffered(self, n: usize) -> Background<'scope, I::Item> {
        let Self { group, source } = self;
        Background::new(1, n, move |start| start.send_all(group, 0, source))
    }

    /// See [`IteratorExt::map_concurrent`](super::IteratorExt::map_concurrent).
    pub fn map_concurrent<U, F>(self, n: usize, function: F) -> MapConcurrent<'scope, U>
    where
        F: Fn(I::Item) -> Result<U> + 'scope,
        U: 'scope,
    {
        MapConcurrent::new(self.results(n, Order::OfItems, function))
    }

    /// See
    /// [`IteratorExt::map_concurrent_unordered`](super::IteratorExt::map_concurrent_unordered).
    pub fn map_concurrent_unordered<U, F>(self, n: usize, function: F) -> MapConcurrent<'scope, U>
    where
        F: Fn(I::Item) -> Result<U> + 'scope,
        U: 'scope,
    {
        MapConcurrent::new(self.results(n, Order::OfCompletion, function))
    }

    /// See [`IteratorExt::merge`](super::IteratorExt::merge).
    pub fn merge<J>(self, other: J) -> Background<'scope, I::Item>
    where
        J: IntoIterator<Item = I::Item, IntoIter: 'scope>,
    {
        merge_two(self.group, self.source, other.into_iter())
    }

    /// See [`IteratorExt::zip_latest`](super::IteratorExt::zip_latest).
    pub fn zip_latest<J>(self, other: J) -> ZipLatest<'scope, I::Item, J::Item>
    where
        I::Item: Clone,
        J: IntoIterator<Item: Clone + 'scope, IntoIter: 'scope>,
    {
        ZipLatest::new(self.group, self.source, other.into_iter())
    }

    /// See [`IteratorExt::chunks_timeout`](super::IteratorExt::chunks_timeout).
    pub fn chunks_timeout(self, max: usize, limit: Duration) -> ChunksTimeout<'scope, I::Item> {
        ChunksTimeout::new(self.buffered(max), max, limit, Ok)
    }

    /// See [`IteratorExt::timeout`](super::IteratorExt::timeout).
    pub fn timeout(self, limit: Duration) -> ItemTimeout<'scope, I::Item> {
        ItemTimeout::new(self.buffered(1), limit)
    }

    fn results<U: 'scope>(
        self,
        n: usize,
        order: Order,
        function: impl Fn(I::Item) -> Result<U> + 'scope,
    ) -> Background<'scope, Result<U>> {
        map_concurrent::results(self.group, self.source, n, order, function)
    }
}

impl<'scope, I, T, E> Within<'scope, '_, I>
where
    I: Iterator<Item = Result<T, E>> + 'scope,
    E: Into<Error> + 'scope,
{
    /// See [`IteratorExt::try_buffered`](super::IteratorExt::try_buffered).
    pub fn try_buffered(self, n: usize) -> UntilError<Background<'scope, I::Item>> {
        UntilError::new(self.buffered(n))
    }

    /// See [`IteratorExt::try_map_concurrent`](super::IteratorExt::try_map_concurrent).
    pub fn try_map_concurrent<U, F>(
        self,
        n: usize,
        function: F,
    ) -> UntilError<Background<'scope, Result<U>>>
    where
        F: Fn(T) -> Result<U> + 'scope,
        U: 'scope,
    {
        let function = move |item: I::Item| function(item.map_err(E::into)?);
        UntilError::new(self.results(n, Order::OfItems, function))
    }

    /// See [`IteratorExt::try_map_concurrent_unordered`](super::IteratorExt::try_map_concurrent_unordered).
    pub fn try_map_concurrent_unordered<U, F>(
        self,
        n: usize,
        function: F,
    ) -> UntilError<Background<'scope, Result<U>>>
    where
        F: Fn(T) -> Result<U> + 'scope,
        U: 'scope,
    {
        let function = move |item: I::Item| function(item.map_err(E::into)?);
        UntilError::new(self.results(n, Order::OfCompletion, function))
    }

    /// See [`IteratorExt::try_merge`](super::IteratorExt::try_merge).
    pub fn try_merge<J>(self, other: J) -> UntilError<Background<'scope, I::Item>>
    where
        J: IntoIterator<Item = I::Item, IntoIter: 'scope>,
    {
        UntilError::new(self.merge(other))
    }

    /// See [`IteratorExt::try_zip_latest`](super::IteratorExt::try_zip_latest).
    pub fn try_zip_latest<J, B>(self, other: J) -> ZipLatest<'scope, T, B>
    where
        T: Clone + 'scope,
        B: Clone + 'scope,
        J: IntoIterator<Item = Result<B, E>, IntoIter: 'scope>,
    {
        ZipLatest::new_try(self.group, self.source, other.into_iter())
    }

    /// See [`IteratorExt::try_chunks_timeout`](super::IteratorExt::try_chunks_timeout).
    pub fn try_chunks_timeout(
        self,
        max: usize,
        limit: Duration,
    ) -> ChunksTimeout<'scope, I::Item, T> {
        ChunksTimeout::new(self.buffered(max), max, limit, |item| item.map_err(E::into))
    }

    /// See [`IteratorExt::try_timeout`](super::IteratorExt::try_timeout).
    pub fn try_timeout(self, limit: Duration) -> UntilError<ItemTimeout<'scope, I::Item>> {
        UntilError::new(self.timeout(limit))
    }
}
