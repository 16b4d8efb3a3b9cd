//! Coroutines and generators that borrow.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

use corio_coroutine::{CoroutineState, Interrupted, scope, statistics};

#[test]
fn bodies_borrow_and_change_their_surroundings() {
    let source = vec![String::from("one"), String::from("two")];
    let mut lengths = Vec::new();
    let joined = scope(|s| {
        let words = s.generator(|co| {
            for word in &source {
                lengths.push(word.len());
                co.yield_(word.as_str());
            }
        });
        words.collect::<Vec<_>>().join(" ")
    });
    assert_eq!((joined.as_str(), lengths), ("one two", vec![3, 3]));
}

#[test]
fn forgetting_a_handle_changes_nothing() {
    let before = statistics().live;
    let closed = Cell::new(false);
    scope(|s| {
        let mut waiting =
            s.generator(|co| closed.set(matches!(co.try_yield(1), Err(Interrupted::Closed))));
        waiting.next();
        std::mem::forget(waiting);
        let mut also = s.coroutine::<(), (), (), _>(|co, ()| co.yield_(()));
        also.resume(());
        std::mem::forget(also);
        assert!(!closed.get());
    });
    assert!(closed.get());
    assert_eq!(statistics().live, before);
}

#[test]
fn a_thread_started_inside_cannot_outlive_what_it_borrows() {
    // What makes forgetting a borrowing coroutine unsound elsewhere.
    let mut shared = 0_u64;
    scope(|s| {
        let mut racing = s.generator(|co| {
            std::thread::scope(|threads| {
                threads.spawn(|| shared += 1);
                co.yield_(());
            });
        });
        racing.next();
        std::mem::forget(racing);
    });
    assert_eq!(shared, 1);
}

#[test]
fn members_end_in_reverse_order_also_when_the_scope_panics() {
    struct Named<'a>(&'a str, &'a RefCell<Vec<String>>);
    impl Drop for Named<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0.to_owned());
        }
    }
    let order = RefCell::new(Vec::new());
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        scope(|s| {
            for name in ["first", "second", "third"] {
                let order = &order;
                let mut member = s.generator(move |co| {
                    let _named = Named(name, order);
                    co.yield_(());
                });
                member.next();
                std::mem::forget(member);
            }
            panic::panic_any("scope");
        })
    }));
    assert_eq!(result.unwrap_err().downcast_ref(), Some(&"scope"));
    assert_eq!(*order.borrow(), ["third", "second", "first"]);
}

#[test]
fn a_panic_while_ending_comes_out_once_everything_has_ended() {
    let ended = Cell::new(0);
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        scope(|s| {
            for spite in [false, true, true] {
                let ended = &ended;
                let mut member = s.generator(move |co| {
                    let _ = panic::catch_unwind(AssertUnwindSafe(|| co.yield_(())));
                    ended.set(ended.get() + 1);
                    if spite {
                        panic::panic_any(ended.get());
                    }
                });
                member.next();
                std::mem::forget(member);
            }
        });
    }));
    assert_eq!(result.unwrap_err().downcast_ref(), Some(&1), "the first of them");
    assert_eq!(ended.get(), 3);
}

#[test]
fn later_ones_use_earlier_ones() {
    let numbers = [1, 2, 3, 4];
    let sum: i32 = scope(|s| {
        let all = s.generator(|co| numbers.iter().for_each(|n| co.yield_(*n)));
        let even = s.generator(move |co| co.yield_all(all.filter(|n| n % 2 == 0)));
        let squares = s.generator(move |co| even.for_each(|n| co.yield_(n * n)));
        squares.sum()
    });
    assert_eq!(sum, 20);
}

#[test]
fn a_scope_full_of_finished_members_does_not_grow() {
    let before = statistics().live;
    scope(|s| {
        for _ in 0..10_000 {
            assert_eq!(s.generator(|co| co.yield_(1)).count(), 1);
        }
        assert_eq!(statistics().live, before);
    });
}

#[test]
fn a_handle_that_outlives_its_body_in_a_cycle_is_empty() {
    let kept = Rc::new(());
    scope(|s| {
        type Cycle<'a> = RefCell<Option<corio_coroutine::ScopedGenerator<'a, u8>>>;
        let cell = Rc::new(Cycle::default());
        let (cell2, kept) = (cell.clone(), kept.clone());
        let mut member = s.generator(move |co| {
            let _kept = (kept, cell2);
            co.yield_(1);
        });
        member.next();
        cell.replace(Some(member));
    });
    assert_eq!(Rc::strong_count(&kept), 1);
}

#[test]
fn what_ends_a_member_may_make_another() {
    let made = Cell::new(0);
    scope(|s| {
        let made = &made;
        let mut member = s.generator(move |co| {
            let _ = co.try_yield(());
            let mut late = s.generator(move |co| {
                made.set(made.get() + 1);
                let _ = co.try_yield(());
                made.set(made.get() + 1);
            });
            late.next();
            std::mem::forget(late);
        });
        member.next();
    });
    assert_eq!(made.get(), 2);
}

#[test]
fn scoped_coroutines_talk_both_ways() {
    let mut log = Vec::new();
    scope(|s| {
        let mut co = s.coroutine::<u8, u8, (), _>(|co, mut value| {
            while value < 3 {
                log.push(value);
                value = co.yield_(value + 1);
            }
        });
        assert!(!co.is_started());
        let mut value = 0;
        while let CoroutineState::Yielded(next) = co.resume(value) {
            value = next;
        }
        assert!(co.is_started() && co.is_done());
    });
    assert_eq!(log, [0, 1, 2]);
}
