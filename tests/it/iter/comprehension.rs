//! Comprehensions: CPython's tests of them, in Rust.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use corio::{Error, Result, comprehension, create_task, sleep};
use corio_tests::{ms, now, settle};

use super::{run_to_rest, slow};

#[test]
fn the_forms_of_the_tutorial() -> Result<()> {
    run_to_rest(|| {
        let xs = || slow([(10, 1), (10, 2), (10, 3), (10, 4)]);
        let list: Vec<i32> = comprehension![x? * 10; for x in xs()];
        assert_eq!(list, [10, 20, 30, 40]);
        let set: BTreeSet<bool> = comprehension![x? % 2 == 0; for x in xs()];
        assert_eq!(set.len(), 2);
        let dict: BTreeMap<i32, String> =
            comprehension![(x, x.to_string()); for x in list; if x > 10];
        assert_eq!(dict.into_values().collect::<String>(), "203040");

        // A generator expression: nothing runs before it is asked for.
        let began = now();
        let mut lazy = xs().map(|x| x.map(|x| x * 10)).filter(|x| !matches!(x, Ok(10)));
        assert_eq!(now(), began);
        assert_eq!(lazy.next().transpose()?, Some(20));
        assert_eq!(now() - began, ms(20));
        Ok(())
    })
}

#[test]
fn every_part_may_wait() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        let waited = |n: u32| sleep(ms(n.into())).map(|()| n);
        let all: Vec<u32> = comprehension![
            waited(x)? + waited(y)?;
            for x in 0..waited(3)?;
            if waited(x)? != 1;
            for y in 0..waited(x)?
        ];
        assert_eq!(all, [2, 3]);
        assert_eq!(now() - began, ms(3 + (1) + (2 + 2) + (2) + (2 + 1)));
        Ok(())
    })
}

#[test]
fn clauses_nest_in_the_order_in_which_they_are_written() {
    let words = ["to", "be", "or"];
    let letters: String = comprehension![
        letter;
        for (index, word) in words.iter().enumerate();
        if index != 1;
        for letter in word.chars();
        if let Some('o') = Some(letter)
    ];
    assert_eq!(letters, "oo");
    let pairs: Vec<(usize, Vec<usize>)> = comprehension![
        (n, comprehension![n * m; for m in 0..n; if m > 0]);
        for n in 1..=3
    ];
    assert_eq!(pairs, [(1, vec![]), (2, vec![2]), (3, vec![3, 6])]);
    let distinct: HashSet<usize> = comprehension![pair.1.len(); for pair in &pairs;];
    assert_eq!(distinct.len(), 3);
}

#[test]
fn an_error_leaves_the_function_and_the_rest_of_the_source_alone() -> Result<()> {
    fn doubled(items: impl Iterator<Item = Result<u32>>) -> Result<Vec<u32>> {
        Ok(comprehension![2 * item?; for item in items])
    }
    run_to_rest(|| {
        assert_eq!(doubled(slow([(1, 1), (1, 2)]))?, [2, 4]);
        let mut items = [Ok(1), Err(Error::msg("broken")), Ok(2)].into_iter();
        assert_eq!(doubled(items.by_ref()).unwrap_err().to_string(), "broken");
        assert_eq!(items.count(), 1);
        Ok(())
    })
}

#[test]
fn a_cancellation_leaves_it_too() -> Result<()> {
    run_to_rest(|| {
        let task = create_task(|| {
            let all: Vec<()> = comprehension![x?; for x in slow([(10, ()), (10, ())])];
            Ok(all)
        });
        settle()?;
        task.cancel();
        assert!(task.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}
