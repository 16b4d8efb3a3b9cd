//! A crowd of children that borrow from their parent and fail when they please: all of them end,
//! no failure is missed, and nothing is left behind.
//!
//! `CORIO_CROWD` says how large the crowd is; `tests/ci/valgrind.sh` runs a small one under valgrind.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use corio::{Error, Event, Lock, Queue, Result, get_running_loop, sleep, task_group, timeout};
use corio_tests::{ms, virtual_run};

/// Numbers that look random, and are the same for the same seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What the children borrow from the frame of the main task.
struct Parent {
    begun: Cell<usize>,
    ended: Cell<usize>,
    /// As many clones are alive as children that have not been dropped.
    token: Rc<()>,
    lock: Lock<usize>,
    queue: Queue<usize>,
    never: Event,
}

/// Counts a child as ended, however it ends. The destructor waits, as destructors may.
struct Child<'a>(&'a Parent);

impl Drop for Child<'_> {
    fn drop(&mut self) {
        let _ = sleep(ms(1));
        self.0.ended.set(self.0.ended.get() + 1);
    }
}

/// One child's life: waits of all kinds, and at some moment its failure, if it is one that fails.
fn live(parent: &Parent, number: usize, mut random: Random) -> Result<()> {
    parent.begun.set(parent.begun.get() + 1);
    let (_child, _token) = (Child(parent), Rc::clone(&parent.token));
    let fails = number.is_multiple_of(2);
    let waited = match random.below(5) {
        0 => parent.lock.lock().and_then(|mut holders| {
            *holders += 1;
            sleep(ms(random.below(3)))
        }),
        1 => parent.queue.get().map(drop),
        2 => timeout(ms(random.below(50)), || parent.never.wait()),
        3 => parent.queue.put(number).map_err(Error::from),
        _ => Ok(()),
    };
    // Told to stop, it fails as well: with an error of its own if it is one that fails.
    let waited = waited.and_then(|()| sleep(ms(20 + random.below(1000))));
    if fails { Err(Error::msg(number.to_string())) } else { waited.or_else(forgive_time) }
}

fn forgive_time(error: Error) -> Result<()> {
    if error.is_timeout() { Ok(()) } else { Err(error) }
}

fn crowd(children: usize, seed: u64) -> Result<()> {
    const FAMILY: usize = 100;
    virtual_run(|| {
        let parent = Parent {
            begun: Cell::new(0),
            ended: Cell::new(0),
            token: Rc::new(()),
            lock: Lock::new(0),
            queue: Queue::bounded(3),
            never: Event::new(),
        };
        let mut random = Random(seed);
        let error = task_group(|group| {
            for first in (0..children).step_by(FAMILY) {
                let (parent, seed) = (&parent, random.below(u64::MAX));
                group.create_task(move || {
                    let mut random = Random(seed);
                    task_group(|family| {
                        for number in first..children.min(first + FAMILY) {
                            let random = Random(random.below(u64::MAX));
                            family.create_task(move || live(parent, number, random));
                        }
                        Ok(())
                    })
                });
            }
            Ok(())
        })
        .unwrap_err();

        assert_eq!((parent.begun.get(), parent.ended.get()), (children, children));
        assert_eq!(Rc::strong_count(&parent.token), 1, "every child's locals are gone");
        assert!(parent.lock.try_lock().is_some(), "nobody holds the lock");
        let tree = error.group().expect("a group of groups");
        assert_eq!(tree.errors().len(), children.div_ceil(FAMILY), "every family failed");
        let failures: Vec<_> = tree.leaves().map(ToString::to_string).collect();
        let failed: BTreeSet<_> = failures.iter().cloned().collect();
        let expected: BTreeSet<_> = (0..children).step_by(2).map(|n| n.to_string()).collect();
        assert_eq!(failures.len(), failed.len(), "each failure is there once");
        assert_eq!(failed, expected);
        assert_eq!(get_running_loop()?.statistics().tasks, 1, "no task is left");
        Ok(())
    })
}

fn size() -> usize {
    let size = std::env::var("CORIO_CROWD").ok().and_then(|size| size.parse().ok());
    size.unwrap_or(10_000)
}

#[test]
fn a_crowd_of_which_half_fails_at_random_moments_ends_with_every_error() -> Result<()> {
    crowd(size(), 1)
}

#[test]
fn whenever_they_fail_all_end() -> Result<()> {
    (2..12).try_for_each(|seed| crowd(size() / 25, seed))
}
