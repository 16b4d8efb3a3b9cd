//! Iterators that wait, and what is done with them on the loop.
//!
//! **Any [`Iterator`] whose `next` waits is an async iterator**: a function can wait wherever it is
//! called, so the trait needs no second form. `for` is `async for`, std's adaptors work as they
//! are, and a comprehension is a chain of them:
//!
//! ```
//! use std::time::Duration;
//!
//! # let mut runner = corio::Runner::with_virtual_clock()?;
//! # runner.run(|| {
//! struct Countdown(u32);
//!
//! impl Iterator for Countdown {
//!     type Item = corio::Result<u32>;
//!
//!     fn next(&mut self) -> Option<Self::Item> {
//!         self.0 = self.0.checked_sub(1)?;
//!         Some(corio::sleep(Duration::from_secs(1)).map(|()| self.0))
//!     }
//! }
//!
//! for number in Countdown(3) {
//!     println!("{}", number?); // a second after the one before
//! }
//! let even: corio::Result<Vec<u32>> =
//!     Countdown(10).filter(|n| !matches!(n, Ok(n) if n % 2 == 1)).collect();
//! assert_eq!(even?, [8, 6, 4, 2, 0]);
//! # Ok(())
//! # })?;
//! # Ok::<(), corio::Error>(())
//! ```
//!
//! This module has what std's adaptors lack because it needs the loop: time, and tasks.
//!
//! | | |
//! |---|---|
//! | [`buffered`](IteratorExt::buffered) | loads the next items in the background |
//! | [`map_concurrent`](IteratorExt::map_concurrent), [`…_unordered`](IteratorExt::map_concurrent_unordered) | works on several items at once |
//! | [`merge`](merge()) | the items of several sources, as they arrive |
//! | [`zip_latest`](IteratorExt::zip_latest) | the latest items of two sources, whenever one has a new one |
//! | [`chunks_timeout`](IteratorExt::chunks_timeout) | items by the dozen, or what has come in a second |
//! | [`timeout`](IteratorExt::timeout) | says when an item is late |
//! | [`throttle`](IteratorExt::throttle) | gives items out no faster than that |
//! | [`interval`](interval()) | a tick every second |
//! | [`from_queue`] | the items of a queue, owned |
//! | [`comprehension!`](crate::comprehension) | Python's comprehensions |
//!
//! # From Python
//!
//! | Python | Rust, on corio |
//! |---|---|
//! | `async for x in xs: …` | `for x in xs { … }` |
//! | `aiter(xs)` | `xs.into_iter()` |
//! | `await anext(it)` | `it.next()`, with `None` for `StopAsyncIteration` |
//! | `await anext(it, default)` | `it.next().unwrap_or(default)` |
//! | `__aiter__`, `__anext__` | `impl Iterator`, whose `next` may wait |
//! | `break`, and the generator goes on | `for x in it.by_ref() { … }` |
//! | `async with aclosing(it)` | `for x in it { … }`: what is left of it is dropped, and that closes it |
//! | `[f(x) async for x in xs if p(x)]` | `comprehension![f(x); for x in xs; if p(x)]`, or a chain and `collect` |
//! | `{…}`, `{k: v …}` | the same, into a `HashSet`, a `HashMap` |
//! | `(f(x) async for x in xs if p(x))` | `xs.filter(p).map(f)`: lazy |
//! | a queue, a task that fills it, a sentinel | `xs.buffered(10)` |
//! | a semaphore around each of many `gather`ed calls | `xs.map_concurrent(10, f)` |
//!
//! # Errors
//!
//! What waits may be cancelled, so all of these give `Result` items, as a queue and
//! [`as_completed`](crate::as_completed) do. **An error is an item and ends nothing**: who swallows
//! it may go on, and no other item is lost. `?` in the loop's body is what most loops want.
//!
//! Where the items of the source are results themselves, that makes results of results. The `try_`
//! forms have one layer, and stop at the first error of the source: the rest is cancelled and
//! waited for, then comes the error, then the end. ([`until_error`](IteratorExt::until_error) makes
//! them of the others.)
//!
//! # Tasks
//!
//! Most of these load items in tasks of their own, from the first `next` on. **None is left
//! behind**: when the iterator is dropped, half-way or not, they are cancelled and waited for.
//! (Where nothing can wait, as in a panic, they are cancelled and the loop ends them.) So
//! cancelling whoever consumes an iterator stops those who produce for it. A panic in a source
//! resurfaces in the consumer.
//!
//! A task outlives the call that made it, so sources and closures own what they use. Those that
//! borrow take their tasks from a [`task_group`](crate::task_group), by
//! [`within`](IteratorExt::within):
//!
//! ```
//! use corio::iter::IteratorExt;
//!
//! # let mut runner = corio::Runner::with_virtual_clock()?;
//! # runner.run(|| {
//! let words = ["concurrent".to_owned(), "and".to_owned(), "borrowed".to_owned()];
//! let letters = corio::task_group(|group| {
//!     let lengths = words.iter().within(group).map_concurrent(2, |word| Ok(word.len()));
//!     lengths.sum::<corio::Result<usize>>()
//! })?;
//! assert_eq!(letters, 21);
//! # Ok(())
//! # })?;
//! # Ok::<(), corio::Error>(())
//! ```
//!
//! Deliberately absent: a trait of async iterators; adaptors that std has; anything that loads
//! without a bound.

mod background;
mod chunks;
mod comprehension;
mod ext;
mod interval;
mod item_timeout;
mod map_concurrent;
mod merge;
mod queue;
mod throttle;
mod until_error;
mod within;
mod zip_latest;

pub use background::Background;
pub use chunks::ChunksTimeout;
pub use ext::IteratorExt;
pub use interval::{Interval, MissedTicks, interval, interval_at};
pub use item_timeout::ItemTimeout;
pub use map_concurrent::MapConcurrent;
pub use merge::{merge, merge_within};
pub use queue::{FromQueue, from_queue};
pub use throttle::Throttle;
pub use until_error::UntilError;
pub use within::Within;
pub use zip_latest::ZipLatest;
