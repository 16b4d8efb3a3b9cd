//! Generators: the rules of Python's, as far as they make sense here.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::rc::{Rc, Weak};

use corio_coroutine::CoroutineState::{Complete, Yielded};
use corio_coroutine::{Co, Generator, GeneratorError, Interrupted, Thrown, statistics};

#[test]
fn it_is_an_iterator_and_stays_at_its_end() {
    let mut letters = Generator::new(|co| "ab".chars().for_each(|letter| co.yield_(letter)));
    assert_eq!((&mut letters).collect::<String>(), "ab");
    assert!(letters.is_done());
    assert_eq!((letters.next(), letters.next()), (None, None));
}

#[test]
fn nothing_runs_before_the_first_value_is_asked_for() {
    let ran = Rc::new(Cell::new(false));
    let flag = ran.clone();
    let mut lazy = Generator::new(move |co| {
        flag.set(true);
        co.yield_(1);
    });
    assert!(!ran.get() && !lazy.is_started());
    lazy.next();
    assert!(ran.get() && lazy.is_started());
}

#[test]
fn recursion_yields_at_any_depth() {
    fn hanoi(co: &Co<(u8, u8)>, discs: u32, from: u8, to: u8, via: u8) {
        if discs > 0 {
            hanoi(co, discs - 1, from, via, to);
            co.yield_((from, to));
            hanoi(co, discs - 1, via, to, from);
        }
    }
    assert_eq!(Generator::new(|co| hanoi(co, 10, 1, 3, 2)).count(), 1023);
}

#[test]
fn send_answers_the_yield_and_a_fresh_one_accepts_nothing() {
    let echo = Generator::<i32, i32>::two_way(|co| {
        let mut value = 0;
        while value >= 0 {
            value = co.yield_(value * 2);
        }
    });
    assert!(matches!(echo.send(5), Err(GeneratorError::NotStarted)));
    assert_eq!(echo.start().unwrap(), Yielded(0));
    assert!(matches!(echo.start(), Err(GeneratorError::AlreadyStarted)));
    assert_eq!(echo.send(21).unwrap(), Yielded(42));
    assert_eq!((&echo).next(), Some(0), "next sends the default");
    assert_eq!(echo.send(-1).unwrap(), Complete(()));
    assert!(matches!(echo.send(1), Err(GeneratorError::Finished)));
}

#[test]
fn throw_is_answered_by_the_next_yield_or_the_end() {
    let patient = Generator::<u8, (), u8>::two_way(|co| {
        let mut thrown = 0;
        while thrown < 2 {
            if let Err(Interrupted::Thrown(_)) = co.try_yield(thrown) {
                thrown += 1;
            }
        }
        99
    });
    patient.start().unwrap();
    assert_eq!(patient.throw("one").unwrap(), Yielded(1));
    assert_eq!(patient.send(()).unwrap(), Yielded(1));
    assert_eq!(patient.throw("two").unwrap(), Complete(99));
    assert!(
        matches!(patient.throw("three"), Err(GeneratorError::Thrown(error)) if error.to_string() == "three")
    );
}

#[test]
fn an_error_that_nobody_looks_at_unwinds_and_comes_out() {
    let dropped = Rc::new(Cell::new(false));
    struct Flag(Rc<Cell<bool>>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let flag = Flag(dropped.clone());
    let plain = Generator::new(move |co| {
        let _flag = flag;
        co.yield_(1);
    });
    plain.start().unwrap();
    let error = plain.throw(std::io::Error::other("lost")).unwrap_err();
    assert_eq!(error.to_string(), "the generator let out the error that was thrown into it: lost");
    assert!(dropped.get() && plain.is_done());
}

#[test]
fn throwing_into_a_fresh_one_ends_it() {
    let fresh = Generator::new(|co| co.yield_(1));
    assert!(matches!(fresh.throw("early"), Err(GeneratorError::Thrown(_))));
    assert_eq!(fresh.try_next().unwrap(), None);
}

#[test]
fn an_error_raised_again_under_next_unwinds_through_the_caller() {
    let mut sulking = Generator::<u8>::new(|co| {
        let Err(Interrupted::Thrown(error)) = co.try_yield(1) else { unreachable!() };
        co.yield_(2);
        panic::resume_unwind(Box::new(Thrown(error)));
    });
    sulking.next();
    assert_eq!(sulking.throw("later").unwrap(), Yielded(2));
    let payload = panic::catch_unwind(AssertUnwindSafe(|| sulking.next())).unwrap_err();
    assert_eq!(payload.downcast::<Thrown>().unwrap().0.to_string(), "later");
}

#[test]
fn close_returns_what_the_body_returns() {
    let tidy = Generator::<u32, (), &str>::new(|co| {
        while co.try_yield(1).is_ok() {}
        "tidied"
    });
    tidy.start().unwrap();
    assert_eq!(tidy.close().unwrap(), Some("tidied"));
    assert_eq!(tidy.close().unwrap(), None, "closing twice does nothing");
}

#[test]
fn closing_a_fresh_or_finished_one_does_nothing() {
    let before = statistics().live;
    let fresh = Generator::new(|co| co.yield_(1));
    assert_eq!(fresh.close().unwrap(), None);
    assert_eq!(statistics().live, before, "its stack is given back at once");
    let mut over = Generator::new(|co| co.yield_(1));
    assert_eq!(over.by_ref().count(), 1);
    assert_eq!(over.close().unwrap(), None);
}

#[test]
fn yielding_after_close_is_reported() {
    let deaf = Generator::new(|co| {
        for n in 0..3 {
            let _ = co.try_yield(n);
        }
    });
    deaf.start().unwrap();
    assert!(matches!(deaf.close(), Err(GeneratorError::IgnoredClose)));
    assert_eq!(deaf.try_next().unwrap(), Some(2), "it stands at the yield that was ignored");
}

#[test]
fn dropping_closes() {
    let closed = Rc::new(Cell::new(0));
    let count = closed.clone();
    let generator = Generator::<u32>::new(move |co| {
        if let Err(Interrupted::Closed) = co.try_yield(1) {
            count.set(count.get() + 1);
        }
    });
    assert_eq!(generator.take(1).count(), 1);
    assert_eq!(closed.get(), 1);
}

#[test]
fn a_panic_ends_it() {
    let mut failing = Generator::<u8>::new(|co| {
        co.yield_(1);
        panic::panic_any("broken");
    });
    failing.next();
    let payload = panic::catch_unwind(AssertUnwindSafe(|| failing.next())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"broken"));
    assert_eq!(failing.next(), None);
}

#[test]
fn every_way_into_a_running_one_is_refused() {
    let refusals = Rc::new(RefCell::new(Vec::new()));
    let log = refusals.clone();
    let snake: Rc<Generator<u8>> = Rc::new_cyclic(|tail: &Weak<Generator<u8>>| {
        let tail = tail.clone();
        Generator::new(move |co| {
            let me = tail.upgrade().unwrap();
            assert!(me.is_running());
            let running =
                |result: Option<GeneratorError>| matches!(result, Some(GeneratorError::Running));
            log.borrow_mut().extend([
                running(me.try_next().err()),
                running(me.send(()).err()),
                running(me.start().err()),
                running(me.throw("x").err()),
                running(me.close().err()),
            ]);
            let payload = panic::catch_unwind(AssertUnwindSafe(|| (&*me).next())).unwrap_err();
            assert!(payload.downcast_ref::<String>().unwrap().contains("is running already"));
            co.yield_(1);
        })
    });
    assert_eq!(snake.try_next().unwrap(), Some(1));
    assert_eq!(*refusals.borrow(), [true; 5]);
    assert_eq!(snake.try_next().unwrap(), None);
}

#[test]
fn delegation_passes_values_returns_and_errors_through() {
    let outer = Generator::<String, u32, u32>::two_way(|co| {
        let inner = Generator::<String, u32, u32>::two_way(|co| {
            let first = co.yield_("ready".into());
            match co.try_yield(format!("got {first}")) {
                Err(Interrupted::Thrown(error)) => co.yield_(format!("caught {error}")),
                other => panic!("{other:?}"),
            }
        });
        let returned = co.yield_from(inner).unwrap();
        co.yield_(format!("inner returned {returned}"))
    });
    assert_eq!(outer.start().unwrap(), Yielded("ready".into()));
    assert_eq!(outer.send(1).unwrap(), Yielded("got 1".into()));
    assert_eq!(outer.throw("oops").unwrap(), Yielded("caught oops".into()));
    assert_eq!(outer.send(2).unwrap(), Yielded("inner returned 2".into()));
    assert_eq!(outer.send(3).unwrap(), Complete(3));
}

#[test]
fn a_panic_in_a_delegate_comes_out_of_yield_from() {
    let mut outer = Generator::<u8>::new(|co| {
        let inner = Generator::new(|co| {
            co.yield_(1);
            panic::panic_any("inner");
        });
        let caught =
            panic::catch_unwind(AssertUnwindSafe(|| co.yield_from::<()>(inner))).unwrap_err();
        assert_eq!(caught.downcast_ref(), Some(&"inner"));
        co.yield_(2);
    });
    assert_eq!(outer.by_ref().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_generator_half_used_can_be_delegated_to() {
    let outer = Generator::new(|co| {
        let mut half = Generator::<u32>::new(|co| {
            co.yield_from(Generator::new(|co| (0..4).for_each(|n| co.yield_(n))));
            co.yield_(4);
        });
        assert_eq!(half.next(), Some(0));
        assert!(co.yield_from(half).is_some());
        let mut spent = Generator::<u32, (), u8>::new(|_| 7);
        assert_eq!(spent.next(), None);
        assert_eq!(co.yield_from(spent), Some(7), "the value nobody took");
        let closed = Generator::<u32>::new(|co| co.yield_(1));
        closed.close().unwrap();
        assert_eq!(co.yield_from(closed), None);
        let mut failed = Generator::<u32>::new(|_| panic::panic_any("failed"));
        assert!(panic::catch_unwind(AssertUnwindSafe(|| failed.next())).is_err());
        assert_eq!(co.yield_from(failed), None);
    });
    assert_eq!(outer.collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn deep_delegation_gives_all_stacks_back() {
    fn nest(depth: u32) -> Generator<u32, (), u32> {
        Generator::new(move |co| {
            co.yield_(depth);
            if depth == 0 { 1 } else { 1 + co.yield_from(nest(depth - 1)).unwrap() }
        })
    }
    let before = statistics().live;
    let mut whole = nest(300);
    assert_eq!(whole.by_ref().count(), 301);
    assert_eq!(whole.take_return_value(), Some(301));
    let mut half = nest(300);
    assert_eq!(half.nth(150), Some(150));
    assert_eq!(statistics().live, before + 151);
    drop(half);
    assert_eq!(statistics().live, before);
}

#[test]
fn closing_a_chain_closes_the_innermost_first() {
    let order = Rc::new(RefCell::new(Vec::new()));
    fn nest(depth: u32, order: Rc<RefCell<Vec<u32>>>) -> Generator<u32> {
        Generator::new(move |co| {
            let result = match depth {
                0 => co.try_yield(0).map(drop),
                _ => co.try_yield_from(nest(depth - 1, order.clone())).map(drop),
            };
            assert!(matches!(result, Err(Interrupted::Closed)));
            order.borrow_mut().push(depth);
        })
    }
    let mut chain = nest(3, order.clone());
    chain.next();
    assert_eq!(chain.close().unwrap(), Some(()));
    assert_eq!(*order.borrow(), [0, 1, 2, 3]);
}

#[test]
fn values_that_were_not_taken_are_dropped() {
    let count = Rc::new(());
    let value = count.clone();
    let mut returned = Generator::<u8, (), Rc<()>>::new(move |_| value);
    assert_eq!(returned.next(), None);
    assert_eq!(Rc::strong_count(&count), 2);
    drop(returned);
    assert_eq!(Rc::strong_count(&count), 1);

    let value = count.clone();
    let sent = Generator::<(), Rc<()>>::two_way(move |co| {
        let kept = co.yield_(());
        drop(value);
        let _more = co.yield_(());
        drop(kept);
    });
    sent.start().unwrap();
    sent.send(count.clone()).unwrap();
    drop(sent);
    assert_eq!(Rc::strong_count(&count), 1);
}

#[test]
fn a_panic_while_being_dropped_comes_out_after_all_is_unwound() {
    let before = statistics().live;
    let spiteful = Generator::<u8>::new(|co| {
        let _ = panic::catch_unwind(AssertUnwindSafe(|| co.yield_(1)));
        panic::panic_any("spite");
    });
    spiteful.start().unwrap();
    let payload = panic::catch_unwind(AssertUnwindSafe(|| drop(spiteful))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"spite"));
    assert_eq!(statistics().live, before);
}

#[test]
fn a_body_may_suspend_an_outer_coroutine_while_others_use_other_generators() {
    // As an event loop does: tasks take turns, each from inside a generator of its own.
    use corio_coroutine::Coroutine;
    type Task = Coroutine<(), (), Vec<u32>>;
    let task = |start: u32| -> Task {
        Coroutine::new(move |task, ()| {
            corio_coroutine::scope(|s| {
                let ticking = s.generator(|co| {
                    for n in start..start + 3 {
                        task.yield_(());
                        co.yield_(n);
                        task.yield_(());
                    }
                });
                ticking.collect()
            })
        })
    };
    let mut tasks = [task(0), task(10), task(20)];
    let mut results = Vec::new();
    let mut turn = 0;
    while results.len() < tasks.len() {
        turn = (turn + 7) % tasks.len();
        if !tasks[turn].is_done()
            && let Complete(values) = tasks[turn].resume(())
        {
            results.push(values);
        }
    }
    results.sort();
    assert_eq!(results, [[0, 1, 2], [10, 11, 12], [20, 21, 22]]);
}
