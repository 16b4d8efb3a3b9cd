//! Walking a tree in order, in two ways: one recursive function that yields, and generators that delegate to
//! generators. A value costs the same at any depth, either way.
//!
//! Run with `cargo run -p corio-coroutine --example tree_walk`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::rc::Rc;

use corio_coroutine::{Co, Generator, scope};

struct Node {
    value: u32,
    left: Tree,
    right: Tree,
}

type Tree = Option<Rc<Node>>;

/// A balanced tree of the numbers from `low` up to `high`.
fn tree(low: u32, high: u32) -> Tree {
    (low < high).then(|| {
        let value = low.midpoint(high);
        Rc::new(Node { value, left: tree(low, value), right: tree(value + 1, high) })
    })
}

/// An ordinary recursive function. It borrows the tree, and yields from wherever it is.
fn walk<'a>(tree: &'a Tree, co: &Co<&'a Node>) {
    if let Some(node) = tree {
        walk(&node.left, co);
        co.yield_(node);
        walk(&node.right, co);
    }
}

/// A generator for each node. Good where the parts come from elsewhere, each with a type of its own.
fn walk_apart(tree: Tree) -> Generator<u32> {
    Generator::new(move |co| {
        if let Some(node) = tree {
            co.yield_from(walk_apart(node.left.clone()));
            co.yield_(node.value);
            co.yield_from(walk_apart(node.right.clone()));
        }
    })
}

fn main() {
    let tree = tree(0, 20);
    scope(|s| {
        for node in s.generator(|co| walk(&tree, co)) {
            print!("{} ", node.value);
        }
    });
    println!();
    let odd: Vec<_> = walk_apart(tree).filter(|value| value % 2 == 1).collect();
    println!("{odd:?}");
}
