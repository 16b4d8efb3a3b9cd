//! A pipeline of generators, each of which borrows from the one before: lines, words, words without the common
//! ones, and how often each occurs. Nothing is collected on the way.
//!
//! Run with `cargo run -p corio-coroutine --example pipeline`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;

use corio_coroutine::scope;

const TEXT: &str = "the quick fox\njumps over the lazy dog\n\nthe dog sleeps and the fox goes on";

fn main() {
    let common = ["the", "and", "over"];
    let mut lines_read = 0;

    let counts = scope(|s| {
        let lines = s.generator(|co| {
            for line in TEXT.lines() {
                lines_read += 1;
                co.yield_(line);
            }
        });
        let words = s.generator(move |co| lines.for_each(|line| co.yield_all(line.split(' '))));
        let rare = s.generator(|co| {
            for word in words.filter(|word| !word.is_empty() && !common.contains(word)) {
                co.yield_(word);
            }
        });
        let mut counts = BTreeMap::new();
        for word in rare {
            *counts.entry(word).or_insert(0) += 1;
        }
        counts
    });

    println!("{lines_read} lines: {counts:?}");
}
