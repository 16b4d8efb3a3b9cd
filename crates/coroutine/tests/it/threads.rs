//! The ends of threads.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;

use corio_coroutine::{Coroutine, Generator, statistics};

struct Counted(Arc<AtomicU32>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

thread_local! {
    static KEPT: RefCell<Vec<Coroutine>> = const { RefCell::new(Vec::new()) };
    static LATE: RefCell<Option<MakesOne>> = const { RefCell::new(None) };
}

/// Uses coroutines when it is dropped.
struct MakesOne(Arc<AtomicU32>);

impl Drop for MakesOne {
    fn drop(&mut self) {
        let sum: u32 = Generator::new(|co| (1..=3).for_each(|n| co.yield_(n))).sum();
        let nested = Generator::<u32>::new(|co| {
            co.yield_from(Generator::new(|co| co.yield_(10)));
        });
        self.0.fetch_add(sum + nested.sum::<u32>(), SeqCst);
    }
}

fn suspended(drops: &Arc<AtomicU32>) -> Coroutine {
    let counted = Counted(drops.clone());
    let mut co = Coroutine::new(move |co, ()| {
        let _counted = counted;
        co.yield_(());
    });
    co.resume(());
    co
}

#[test]
fn a_coroutine_in_a_thread_local_is_unwound_at_the_end() {
    // Whichever of the two thread-locals, this one or the pool, goes first.
    for pool_first in [true, false] {
        let drops = Arc::new(AtomicU32::new(0));
        let count = drops.clone();
        thread::spawn(move || {
            if pool_first {
                drop(suspended(&count));
            } else {
                KEPT.with_borrow_mut(Vec::clear);
            }
            let kept: Vec<_> = (0..40).map(|_| suspended(&count)).collect();
            KEPT.with_borrow_mut(|slot| slot.extend(kept));
        })
        .join()
        .unwrap();
        assert_eq!(drops.load(SeqCst), 40 + u32::from(pool_first));
    }
}

#[test]
fn coroutines_work_while_the_thread_ends() {
    let total = Arc::new(AtomicU32::new(0));
    let sum = total.clone();
    thread::spawn(move || {
        LATE.with_borrow_mut(|slot| *slot = Some(MakesOne(sum)));
        // The pool's own thread-local is made after that one, and so destroyed before it.
        assert_eq!(Generator::new(|co| co.yield_(1)).count(), 1);
    })
    .join()
    .unwrap();
    assert_eq!(total.load(SeqCst), 16);
}

#[test]
fn every_thread_has_a_pool_of_its_own() {
    drop(Coroutine::<(), (), ()>::new(|_, ()| ()));
    let here = statistics();
    let there = thread::spawn(|| {
        let before = statistics();
        drop(Coroutine::<(), (), ()>::new(|_, ()| ()));
        (before, statistics())
    })
    .join()
    .unwrap();
    assert_eq!((there.0.live, there.0.pooled, there.0.mapped_bytes), (0, 0, 0));
    assert_eq!((there.1.live, there.1.pooled), (0, 1));
    assert_eq!(statistics(), here);
}

#[test]
fn many_threads_come_and_go() {
    for _ in 0..50 {
        let sums =
            thread::spawn(|| Generator::new(|co| (0..10).for_each(|n| co.yield_(n))).sum::<u32>());
        assert_eq!(sums.join().unwrap(), 45);
    }
}
