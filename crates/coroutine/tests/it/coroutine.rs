//! Resuming and yielding.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, Location};

use corio_coroutine::CoroutineState::{Complete, Yielded};
use corio_coroutine::{Coroutine, Stack, StackLabel, Yielder};

#[test]
fn values_go_both_ways_and_one_comes_back() {
    let mut running_sum = Coroutine::<i32, i32, String>::new(|co, first| {
        let mut sum = first;
        while sum < 10 {
            sum += co.yield_(sum);
        }
        format!("{sum} is enough")
    });
    assert!(!running_sum.is_started());
    assert_eq!(running_sum.resume(1), Yielded(1));
    assert!(running_sum.is_started() && !running_sum.is_done());
    assert_eq!(running_sum.resume(4), Yielded(5));
    assert_eq!(running_sum.resume(7), Complete("12 is enough".into()));
    assert!(running_sum.is_started() && running_sum.is_done());
}

#[test]
fn large_values_and_bodies_travel_whole() {
    let captured = [7_u8; 100_000];
    let mut big = Coroutine::<[u64; 500], [u64; 500], usize>::new(move |co, mut values| {
        for value in &mut values {
            *value += 1;
        }
        values = co.yield_(values);
        captured.iter().map(|byte| usize::from(*byte)).sum::<usize>() + values.len()
    });
    assert_eq!(big.resume([1; 500]), Yielded([2; 500]));
    assert_eq!(big.resume([0; 500]), Complete(700_500));
}

#[test]
fn a_panic_crosses_with_its_payload_and_ends_the_coroutine() {
    let mut failing = Coroutine::<(), (), ()>::new(|co, ()| {
        co.yield_(());
        panic::panic_any(42_u16);
    });
    failing.resume(());
    let payload = panic::catch_unwind(AssertUnwindSafe(|| failing.resume(()))).unwrap_err();
    assert_eq!(payload.downcast_ref::<u16>(), Some(&42));
    assert!(failing.is_done());
}

#[test]
fn resuming_a_finished_one_panics_at_the_caller() {
    let mut done = Coroutine::<(), (), ()>::new(|_, ()| ());
    done.stack().set_label(StackLabel::Named("spent".into()));
    done.resume(());
    let (message, place) = message_and_place(|| {
        done.resume(());
    });
    assert_eq!(
        message,
        "the coroutine 'spent' has completed and cannot be resumed again: ask is_done() first"
    );
    assert!(place.0.contains("tests") && place.0.ends_with("coroutine.rs"), "{place:?}");
}

/// The message of the panic of `body`, and where it says that it happened.
fn message_and_place(body: impl FnOnce()) -> (String, (String, u32)) {
    thread_local! {
        static SEEN: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
    }
    let old = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let place =
            info.location().map(|place: &Location<'_>| (place.file().to_owned(), place.line()));
        SEEN.with_borrow_mut(|seen| *seen = place);
        old(info);
    }));
    let payload = panic::catch_unwind(AssertUnwindSafe(body)).unwrap_err();
    let message = payload.downcast_ref::<String>().cloned().unwrap_or_default();
    (message, SEEN.with_borrow_mut(Option::take).expect("a place"))
}

#[test]
fn coroutines_resume_coroutines() {
    fn tower(height: u32) -> Coroutine<u32, u32, u32> {
        Coroutine::new(move |co, mut input| {
            if height == 0 {
                loop {
                    input = co.yield_(input + 1);
                }
            }
            let mut below = tower(height - 1);
            loop {
                match below.resume(input) {
                    Yielded(value) => input = co.yield_(value + 1),
                    Complete(value) => return value,
                }
            }
        })
    }
    let mut tower = tower(50);
    assert_eq!(tower.resume(0), Yielded(51));
    assert_eq!(tower.resume(100), Yielded(151));
}

#[test]
fn a_yield_from_a_nested_stack_suspends_the_whole_tower() {
    let mut outer = Coroutine::<u32, u32, u32>::new(|outer, first| {
        corio_coroutine::scope(|s| {
            let mut inner =
                s.coroutine::<u32, (), u32, _>(|_, n| outer.yield_(n + 1) + outer.yield_(n + 2));
            inner.resume(first).complete().unwrap()
        })
    });
    assert_eq!(outer.resume(10), Yielded(11));
    assert_eq!(outer.resume(100), Yielded(12));
    assert_eq!(outer.resume(1000), Complete(1100));
}

#[test]
fn it_can_be_resumed_from_anywhere() {
    fn deeper(depth: u32, co: &mut Coroutine<(), u32, ()>) -> Option<u32> {
        let padding = std::hint::black_box([depth; 64]);
        if depth == 0 {
            co.resume(()).yielded()
        } else {
            deeper(depth - 1, co).map(|value| value + padding[63] - depth)
        }
    }
    let mut count = Coroutine::<(), u32, ()>::new(|co, ()| {
        for n in 0.. {
            co.yield_(n);
        }
    });
    assert_eq!(deeper(0, &mut count), Some(0));
    assert_eq!(deeper(30, &mut count), Some(1));
    let mut elsewhere =
        Coroutine::<(), (), (Option<u32>, Coroutine<(), u32, ()>)>::new(move |_, ()| {
            let value = deeper(5, &mut count);
            (value, count)
        });
    let (value, mut count) = elsewhere.resume(()).complete().unwrap();
    drop(elsewhere);
    assert_eq!((value, deeper(1, &mut count)), (Some(2), Some(3)));
}

#[test]
fn two_coroutines_take_turns_in_any_order() {
    let make = |step: u32| {
        Coroutine::<(), u32, ()>::new(move |co, ()| {
            for n in 1.. {
                co.yield_(n * step);
            }
        })
    };
    let (mut a, mut b) = (make(1), make(10));
    let mut seen = Vec::new();
    for pattern in [0, 0, 1, 0, 1, 1] {
        let co = if pattern == 0 { &mut a } else { &mut b };
        seen.extend(co.resume(()).yielded());
    }
    assert_eq!(seen, [1, 2, 10, 3, 20, 30]);
}

#[test]
fn yields_come_from_callbacks_of_other_code() {
    fn visit(yielder: &Yielder<(), i32>, item: i32) -> i32 {
        yielder.yield_(item);
        -item
    }
    let mut sort = Coroutine::<(), i32, Vec<i32>>::new(|co, ()| {
        let mut numbers = vec![1, 3, 2];
        numbers.sort_by_key(|n| visit(co, *n));
        let mut dynamic: Box<dyn FnMut(i32)> = Box::new(|n| co.yield_(n));
        dynamic(99);
        drop(dynamic);
        numbers
    });
    let mut last = None;
    let sorted = loop {
        match sort.resume(()) {
            Yielded(value) => last = Some(value),
            Complete(numbers) => break numbers,
        }
    };
    assert_eq!((sorted, last), (vec![3, 2, 1], Some(99)));
}

#[test]
fn floating_point_and_aligned_values_survive_a_switch() {
    #[repr(align(32))]
    struct Aligned([f64; 4]);
    let aligned = Aligned([0.1, 0.2, 0.3, 0.4]);
    let mut sum = Coroutine::<f64, f64, f64>::new(move |co, x| {
        assert_eq!(std::ptr::from_ref(&aligned).addr() % 32, 0);
        let y = co.yield_(x * 2.0);
        aligned.0.iter().sum::<f64>() + x + y
    });
    assert_eq!(sum.resume(1.5), Yielded(3.0));
    assert_eq!(sum.resume(0.5), Complete(3.0));
}

#[test]
fn a_coroutine_says_where_it_was_made() {
    let here = Location::caller().line() + 1;
    let made = Coroutine::<(), (), ()>::new(|_, ()| ());
    let label = made.stack().label().to_string();
    assert!(
        label.starts_with("created at ") && label.contains(&format!("coroutine.rs:{here}:")),
        "{label}"
    );
    let named =
        Coroutine::<(), (), ()>::with_stack(Stack::new(Stack::MIN_SIZE).unwrap(), |_, ()| ());
    assert_eq!(named.stack().label().to_string(), "without a name");
    assert!(format!("{named:?}").contains("started: false"));
}
