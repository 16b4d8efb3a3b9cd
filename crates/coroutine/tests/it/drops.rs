//! Coroutines and generators dropped half-way.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::thread;

use corio_coroutine::{Coroutine, CoroutineState, Generator, statistics};

use crate::child::{errors, in_child};

/// Counts its drops.
struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

fn suspended(drops: &Rc<Cell<u32>>) -> Coroutine {
    let (captured, local) = (Counted(drops.clone()), Counted(drops.clone()));
    let mut co = Coroutine::new(move |co, ()| {
        let _captured = captured;
        let nested = || {
            let _local = local;
            co.yield_(());
            unreachable!("it is never resumed");
        };
        nested();
    });
    co.resume(());
    co
}

#[test]
fn one_that_never_started_drops_its_body() {
    let drops = Rc::new(Cell::new(0));
    let counted = Counted(drops.clone());
    let co = Coroutine::<(), (), ()>::new(move |_, ()| drop(counted));
    drop(co);
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_suspended_one_is_unwound() {
    let drops = Rc::new(Cell::new(0));
    drop(suspended(&drops));
    assert_eq!(drops.get(), 2);
    assert!(!thread::panicking());
}

#[test]
fn a_tower_is_unwound_from_the_top() {
    let order = Rc::new(RefCell::new(Vec::new()));
    struct Named(&'static str, Rc<RefCell<Vec<&'static str>>>);
    impl Drop for Named {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }
    let log = order.clone();
    let mut outer = Coroutine::<(), (), ()>::new(move |outer, ()| {
        let _outer = Named("outer", log.clone());
        corio_coroutine::scope(|s| {
            let mut inner = s.coroutine::<(), (), (), _>(|_, ()| {
                let _inner = Named("inner", log.clone());
                outer.yield_(());
            });
            inner.resume(());
        });
    });
    outer.resume(());
    drop(outer);
    assert_eq!(*order.borrow(), ["inner", "outer"]);
}

#[test]
fn dropping_while_the_thread_panics_unwinds_as_well() {
    let drops = Rc::new(Cell::new(0));
    let (co, generator) = (
        suspended(&drops),
        Generator::new({
            let counted = Counted(drops.clone());
            move |co| {
                let _counted = counted;
                co.yield_(1);
            }
        }),
    );
    generator.start().unwrap();
    let payload = panic::catch_unwind(AssertUnwindSafe(move || {
        let (_co, _generator) = (co, generator);
        panic::panic_any("the only one");
    }))
    .unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"the only one"));
    assert_eq!(drops.get(), 3);
    assert!(!thread::panicking());
}

/// A coroutine that answers being unwound with a panic.
fn spiteful() -> Coroutine {
    let mut co = Coroutine::<(), (), ()>::new(|co, ()| {
        let caught = panic::catch_unwind(AssertUnwindSafe(|| co.yield_(())));
        assert!(caught.is_err());
        panic::panic_any("spite");
    });
    co.resume(());
    co
}

#[test]
fn a_body_that_answers_with_a_panic_makes_the_drop_panic() {
    let before = statistics().live;
    let co = spiteful();
    let payload = panic::catch_unwind(AssertUnwindSafe(|| drop(co))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"spite"));
    assert_eq!(statistics().live, before);
}

#[test]
fn but_not_when_the_thread_panics_already() {
    let co = spiteful();
    let payload = panic::catch_unwind(AssertUnwindSafe(move || {
        let _co = co;
        panic::panic_any("first");
    }))
    .unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"first"));
}

#[test]
fn a_body_that_catches_and_yields_again_is_unwound_again() {
    let caught = Rc::new(Cell::new(0));
    let count = caught.clone();
    let mut stubborn = Coroutine::<(), (), ()>::new(move |co, ()| {
        for _ in 0..5 {
            if panic::catch_unwind(AssertUnwindSafe(|| co.yield_(()))).is_err() {
                count.set(count.get() + 1);
            }
        }
    });
    stubborn.resume(());
    drop(stubborn);
    assert_eq!(caught.get(), 5);
}

#[test]
fn a_whole_coroutine_can_run_inside_a_destructor_during_a_panic() {
    struct Sums(Rc<Cell<u32>>);
    impl Drop for Sums {
        fn drop(&mut self) {
            assert!(thread::panicking());
            let inner = Generator::new(|co| {
                co.yield_(1);
                co.yield_from(Generator::new(|co| co.yield_(2)));
                co.yield_(3);
            });
            self.0.set(inner.sum());
        }
    }
    let sum = Rc::new(Cell::new(0));
    let sums = Sums(sum.clone());
    let _ = panic::catch_unwind(AssertUnwindSafe(move || {
        let _sums = sums;
        panic::panic_any(());
    }));
    assert_eq!(sum.get(), 6);
}

#[test]
fn try_yield_in_a_destructor_during_unwinding_is_refused() {
    struct Last<'a>(&'a corio_coroutine::Co<u32>, Rc<Cell<Option<bool>>>);
    impl Drop for Last<'_> {
        fn drop(&mut self) {
            let refused =
                matches!(self.0.try_yield(2), Err(corio_coroutine::Interrupted::Unwinding));
            self.1.set(Some(refused));
        }
    }
    let refused = Rc::new(Cell::new(None));
    let seen = refused.clone();
    let generator = Generator::new(move |co| {
        let _last = Last(co, seen);
        co.yield_(1);
    });
    generator.start().unwrap();
    assert_eq!(generator.close().unwrap(), None);
    assert_eq!(refused.get(), Some(true));
}

#[test]
fn yielding_in_a_destructor_during_unwinding_ends_the_process_with_words() {
    struct Last<'a>(&'a corio_coroutine::Co<u32>);
    impl Drop for Last<'_> {
        fn drop(&mut self) {
            self.0.yield_(2);
        }
    }
    let output = in_child(
        "drops::yielding_in_a_destructor_during_unwinding_ends_the_process_with_words",
        || {
            let generator = Generator::new(|co| {
                let _last = Last(co);
                co.yield_(1);
            });
            generator.start().unwrap();
            drop(generator);
        },
    );
    assert!(!output.status.success());
    assert!(
        errors(&output)
            .contains("a generator yielded in a destructor while its stack was being unwound")
    );
}

#[test]
fn a_forgotten_one_keeps_its_stack() {
    let before = statistics().live;
    let drops = Rc::new(Cell::new(0));
    std::mem::forget(suspended(&drops));
    assert_eq!((drops.get(), statistics().live), (0, before + 1));
}

#[test]
fn a_panic_inside_a_tower_reaches_whoever_resumed_it() {
    let mut outer = Coroutine::<(), (), CoroutineState<(), ()>>::new(|_, ()| {
        let mut inner = Coroutine::<(), (), ()>::new(|_, ()| panic::panic_any("from the top"));
        inner.resume(())
    });
    let payload = panic::catch_unwind(AssertUnwindSafe(|| outer.resume(()))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"from the top"));
    assert!(outer.is_done());
}
