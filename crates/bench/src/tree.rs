//! `tree`: walking a tree in order by a generator that calls itself for each subtree.
//!
//! The textbook use of generators, and where nesting usually costs: an item found at depth d is handed through d
//! generators, so that a walk of n items costs n × d. The figure is nanoseconds for each item of a whole walk, the
//! making and dropping of all its generators included.
//! - `tree/balanced`: 2¹⁶ nodes, 16 deep;
//! - `tree/list`: a tree that degenerated to a list of 10,000, each node the right child of the one before;
//! - `tree/depth-N`: an item that comes from so many generators deep, without the making of them. If the cost is flat
//!   in the depth, these are alike. (The list also pays for 10,000 stacks, none of which is in a cache.)
//!
//! How each is written:
//! - corio: `yield_from` of a generator for the subtree;
//! - genawaiter, async-stream: a boxed generator for each subtree, its items yielded again one by one (`for … yield`), as
//!   neither has another way. Their polls and drops recurse, at 10,000 deep beyond the usual 8 MiB of a main
//!   thread, so the whole bench runs on a thread with a much larger stack;
//! - `corio-calls`, `corosensei-calls`: an ordinary recursive function which hands the yielder down, all on one stack that
//!   must be made large enough beforehand. Not a generator for each subtree, but the shortest way that stackful code has;
//! - `by-hand`: an iterator with an explicit stack, the floor.

use std::{hint::black_box, pin::Pin, thread, time::Duration};

use corio_coroutine::{Co, Generator, Stack};
use corosensei::{Coroutine, CoroutineResult, Yielder, stack::DefaultStack};
use futures_lite::{Stream, StreamExt, future::block_on};

use crate::harness::{Bench, Comparison, Result, Session, time};

pub(crate) const BENCH: Bench = Bench {
    name: "tree",
    about: "in-order walk by a recursive generator: a balanced tree, a list; items from great depth",
    run,
    child: None,
};

/// Enough for anyone's recursion over the list. Only touched pages are used.
const THREAD_STACK: usize = 1 << 30;

/// Enough for all the calls of a walk that is one function.
const ONE_STACK: usize = 8 << 20;

fn run(session: &Session) -> Result<()> {
    let benches = || {
        let depth = session.size(16, 10);
        let about = format!("a balanced tree of 2^{depth} nodes, each item");
        compare(session, "tree/balanced", about, Node::balanced(0, 1 << depth));
        let length = session.size(10_000, 1_000);
        let about = format!("a list {length} deep, each item");
        compare(session, "tree/list", about, Node::list(length));
        for depth in session.size([1, 100, 10_000], [1, 10, 100]) {
            compare_depth(session, depth);
        }
    };
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(THREAD_STACK);
        let thread = thread.spawn_scoped(scope, benches)?;
        thread.join().map_err(|_| "a walk panicked".into())
    })
}

fn compare(session: &Session, name: &str, about: String, tree: Option<Tree>) {
    let tree = tree.expect("it has nodes");
    let count = by_hand(tree).count();
    Comparison::new(name, about)
        .operations(count as u64)
        .reference("by-hand")
        .case("corio", |n| walks(n, || corio(tree)))
        .case("corio-calls", |n| walks(n, || corio_calls(tree)))
        .case("genawaiter", |n| walks(n, || genawaiter(tree)))
        .case("async-stream", |n| stream_walks(n, tree))
        .case("corosensei-calls", |n| walks(n, || corosensei_calls(tree)))
        .case("by-hand", |n| walks(n, || by_hand(tree)))
        .run(session);
}

fn compare_depth(session: &Session, depth: usize) {
    let about = format!("an item from {depth} generators deep");
    Comparison::new(format!("tree/depth-{depth}"), about)
        .case("corio", |n| items(n, corio_chain(depth)))
        .case("genawaiter", |n| items(n, genawaiter_chain(depth)))
        .case("async-stream", |n| items(n, block_on_each(async_stream_chain(depth))))
        .run(session);
}

/// A node that lives as long as the program, so that every implementation can borrow it for as long as it likes.
type Tree = &'static Node;

struct Node {
    left: Option<Tree>,
    value: u64,
    right: Option<Tree>,
}

impl Node {
    fn leak(left: Option<Tree>, value: u64, right: Option<Tree>) -> Tree {
        Box::leak(Box::new(Self { left, value, right }))
    }

    fn balanced(from: u64, to: u64) -> Option<Tree> {
        if from == to {
            return None;
        }
        let middle = u64::midpoint(from, to);
        let left = Self::balanced(from, middle);
        Some(Self::leak(left, middle, Self::balanced(middle + 1, to)))
    }

    fn list(length: u64) -> Option<Tree> {
        (0..length).rev().fold(None, |rest, value| Some(Self::leak(None, value, rest)))
    }
}

/// Walks the tree so many times. The items are the numbers from 0, in order.
fn walks<I: Iterator<Item = u64>>(times: u64, walk: impl Fn() -> I) -> Duration {
    time(|| {
        for _ in 0..times {
            let mut expected = 0;
            for item in walk() {
                assert_eq!(item, expected, "the walk is in order");
                expected += 1;
            }
            black_box(expected);
        }
    })
}

/// Takes so many items. The first is left out: it starts all the generators.
fn items(count: u64, mut items: impl Iterator<Item = u64>) -> Duration {
    items.next();
    time(|| {
        for _ in 0..count {
            black_box(items.next());
        }
    })
}

fn block_on_each(mut stream: BoxedStream) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || block_on(stream.next()))
}

fn stream_walks(times: u64, tree: Tree) -> Duration {
    time(|| {
        for _ in 0..times {
            block_on(async {
                let mut expected = 0;
                let mut items = async_stream(tree);
                while let Some(item) = items.next().await {
                    assert_eq!(item, expected, "the walk is in order");
                    expected += 1;
                }
                black_box(expected);
            });
        }
    })
}

fn corio(tree: Tree) -> Generator<u64> {
    Generator::new(move |co| {
        if let Some(left) = tree.left {
            co.yield_from(corio(left));
        }
        co.yield_(tree.value);
        if let Some(right) = tree.right {
            co.yield_from(corio(right));
        }
    })
}

/// A generator that delegates to one that delegates … to one that counts.
fn corio_chain(depth: usize) -> Generator<u64> {
    Generator::new(move |co| {
        if depth == 1 {
            for item in 0.. {
                co.yield_(item);
            }
        } else {
            co.yield_from(corio_chain(depth - 1));
        }
    })
}

fn corio_calls(tree: Tree) -> Generator<u64> {
    fn walk(tree: Tree, co: &Co<u64>) {
        if let Some(left) = tree.left {
            walk(left, co);
        }
        co.yield_(tree.value);
        if let Some(right) = tree.right {
            walk(right, co);
        }
    }
    let stack = Stack::new(ONE_STACK).expect("8 MiB can be mapped");
    Generator::with_stack(stack, move |co| walk(tree, co))
}

fn genawaiter(tree: Tree) -> Box<dyn Iterator<Item = u64>> {
    let items = genawaiter::rc::Gen::new(|co| async move {
        if let Some(left) = tree.left {
            for item in genawaiter(left) {
                co.yield_(item).await;
            }
        }
        co.yield_(tree.value).await;
        if let Some(right) = tree.right {
            for item in genawaiter(right) {
                co.yield_(item).await;
            }
        }
    });
    Box::new(items.into_iter())
}

fn genawaiter_chain(depth: usize) -> Box<dyn Iterator<Item = u64>> {
    let items = genawaiter::rc::Gen::new(move |co| async move {
        if depth == 1 {
            for item in 0.. {
                co.yield_(item).await;
            }
        } else {
            for item in genawaiter_chain(depth - 1) {
                co.yield_(item).await;
            }
        }
    });
    Box::new(items.into_iter())
}

type BoxedStream = Pin<Box<dyn Stream<Item = u64>>>;

fn async_stream(tree: Tree) -> BoxedStream {
    Box::pin(async_stream::stream! {
        if let Some(left) = tree.left {
            for await item in async_stream(left) {
                yield item;
            }
        }
        yield tree.value;
        if let Some(right) = tree.right {
            for await item in async_stream(right) {
                yield item;
            }
        }
    })
}

fn async_stream_chain(depth: usize) -> BoxedStream {
    Box::pin(async_stream::stream! {
        if depth == 1 {
            for item in 0.. {
                yield item;
            }
        } else {
            for await item in async_stream_chain(depth - 1) {
                yield item;
            }
        }
    })
}

fn corosensei_calls(tree: Tree) -> impl Iterator<Item = u64> {
    fn walk(tree: Tree, yielder: &Yielder<(), u64>) {
        if let Some(left) = tree.left {
            walk(left, yielder);
        }
        yielder.suspend(tree.value);
        if let Some(right) = tree.right {
            walk(right, yielder);
        }
    }
    let stack = DefaultStack::new(ONE_STACK).expect("8 MiB can be mapped");
    let mut coroutine = Coroutine::with_stack(stack, move |yielder, ()| walk(tree, yielder));
    std::iter::from_fn(move || match coroutine.resume(()) {
        CoroutineResult::Yield(item) => Some(item),
        CoroutineResult::Return(()) => None,
    })
}

fn by_hand(tree: Tree) -> impl Iterator<Item = u64> {
    let mut pending = Vec::new();
    let mut next = Some(tree);
    std::iter::from_fn(move || {
        while let Some(node) = next {
            pending.push(node);
            next = node.left;
        }
        let node: Tree = pending.pop()?;
        next = node.right;
        Some(node.value)
    })
}
