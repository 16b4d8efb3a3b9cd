//! Several sources at once.

use super::Background;
use super::background::{Home, TheLoop};
use crate::scope::TaskGroup;

/// The items of several sources, in the order in which they arrive.
///
/// Each source is asked by a task of its own, for one item at a time: for the next when that one
/// has been given out. So the items of one source keep their order, and a busy source does not
/// keep the others out. Ends when all sources have.
///
/// For two sources of different types, see [`IteratorExt::merge`](super::IteratorExt::merge); for
/// sources that borrow, [`merge_within`].
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio::iter::{interval, merge};
///
/// # let mut runner = corio::Runner::with_virtual_clock()?;
/// # runner.run(|| {
/// let clock = |name: &'static str, seconds| {
///     interval(Duration::from_secs(seconds)).skip(1).map(move |_| name)
/// };
/// let mut heard = Vec::new();
/// for sound in merge([clock("tick", 2), clock("cuckoo", 5)]).take(5) {
///     heard.push(sound?);
/// }
/// assert_eq!(heard, ["tick", "tick", "cuckoo", "tick", "tick"]);
/// # Ok(())
/// # })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub fn merge<I>(sources: impl IntoIterator<Item = I>) -> Background<'static, I::Item>
where
    I: Iterator + 'static,
{
    merge_in(TheLoop, sources)
}

/// As [`merge`](merge()), with the tasks in a group: the sources may borrow what the children of
/// the group may.
pub fn merge_within<'scope, I>(
    group: &'scope TaskGroup<'scope, '_>,
    sources: impl IntoIterator<Item = I>,
) -> Background<'scope, I::Item>
where
    I: Iterator + 'scope,
{
    merge_in(group, sources)
}

fn merge_in<'a, I: Iterator + 'a>(
    home: impl Home<'a>,
    sources: impl IntoIterator<Item = I>,
) -> Background<'a, I::Item> {
    let sources: Vec<_> = sources.into_iter().collect();
    Background::new(sources.len(), 1, move |start| {
        for (number, source) in sources.into_iter().enumerate() {
            start.send_all(home, number, source);
        }
    })
}

/// The items of two sources.
pub(super) fn merge_two<'a, T: 'a>(
    home: impl Home<'a>,
    one: impl Iterator<Item = T> + 'a,
    other: impl Iterator<Item = T> + 'a,
) -> Background<'a, T> {
    Background::new(2, 1, move |start| {
        start.send_all(home, 0, one);
        start.send_all(home, 1, other);
    })
}
