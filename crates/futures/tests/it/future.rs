//! Futures, promises, and the callbacks of both.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use corio_futures::{
    BrokenPromise, Error, InvalidState, NoRunningLoop, Promise, SharedFuture, create_future,
};

use crate::mini_loop::{Log, Loop, Task, with_loop, yield_now};

#[test]
fn handles_say_what_state_they_are_in() {
    let (promise, future) = create_future::<u8>();
    assert_eq!(format!("{future:?} {promise:?}"), "Future (pending) Promise (pending)");
    promise.set_result(1).expect("it was pending");
    assert_eq!(format!("{:?}", future.shared()), "SharedFuture (finished)");
    let (promise, future) = create_future::<u8>();
    promise.set_exception(Error::msg("x")).expect("it was pending");
    assert_eq!(format!("{future:?}"), "Future (failed)");
    assert_eq!(future.exception().expect("it is done").map(ToString::to_string), Some("x".into()));
    let (promise, future) = create_future::<u8>();
    assert!(future.cancel() && !future.cancel());
    assert_eq!(format!("{promise:?}"), "Promise (cancelled)");
}

#[test]
fn the_value_is_lent_before_it_is_given_away() {
    let (promise, future) = create_future();
    assert_eq!(future.result().unwrap_err().downcast_ref(), Some(&InvalidState::Pending));
    promise.set_result(String::from("value")).expect("it was pending");
    assert_eq!(future.result().expect("it is done"), "value");
    assert!(future.exception().expect("it is done").is_none());
    assert_eq!(future.wait().expect("it is done"), "value");
}

#[test]
fn a_waiter_is_woken_by_each_of_the_ways_to_complete() {
    type Complete = fn(Promise<u8>);
    let ways: [(Complete, &str); 3] = [
        (|promise| promise.set_result(7).expect("it was pending"), "Ok(7)"),
        (|promise| promise.set_exception(Error::msg("x")).expect("it was pending"), "Err(x)"),
        (drop, "Err(the promise was dropped: nobody is left who could complete this future)"),
    ];
    for (complete, expected) in ways {
        with_loop(|event_loop| {
            let (log, (promise, future)) = (Log::default(), create_future());
            let in_task = log.clone();
            let task = event_loop.spawn(move || in_task.note(format!("{:?}", future.wait())));
            event_loop.run();
            assert!(!task.is_done());
            complete(promise);
            assert!(log.take().is_empty(), "waking is not running");
            event_loop.run();
            assert_eq!(log.take(), [expected]);
        });
    }
}

fn shared_waiter(
    event_loop: &Rc<Loop>,
    future: &SharedFuture<u8>,
    log: &Log,
    name: &'static str,
) -> Rc<Task> {
    let (future, log) = (future.clone(), log.clone());
    event_loop.spawn(move || log.note(format!("{name} {:?}", future.wait())))
}

#[test]
fn a_shared_future_serves_any_number_of_tasks_in_order() {
    with_loop(|event_loop| {
        let (log, (promise, future)) = (Log::default(), create_future());
        let future = future.shared();
        for name in ["a", "b", "c"] {
            shared_waiter(event_loop, &future, &log, name);
        }
        event_loop.run();
        promise.set_result(1).expect("it was pending");
        shared_waiter(event_loop, &future, &log, "late");
        event_loop.run();
        assert_eq!(log.take(), ["a Ok(1)", "b Ok(1)", "c Ok(1)", "late Ok(1)"]);
    });
}

#[test]
fn cancelling_one_waiter_cancels_the_future_for_all() {
    with_loop(|event_loop| {
        let (log, (promise, future)) = (Log::default(), create_future());
        let future = future.shared();
        let tasks = ["a", "b"].map(|name| shared_waiter(event_loop, &future, &log, name));
        event_loop.run();
        tasks[1].cancel();
        event_loop.run();
        assert!(promise.done() && promise.cancelled());
        let mut log = log.take();
        log.sort();
        assert_eq!(log, ["a Err(cancelled)", "b Err(cancelled)"]);
    });
}

#[test]
fn a_promise_can_see_that_nobody_wants_the_result_even_when_the_waiter_is_gone() {
    with_loop(|event_loop| {
        let (promise, future) = create_future::<u8>();
        let task = event_loop.spawn(move || assert!(future.wait().unwrap_err().is_cancelled()));
        event_loop.run();
        task.cancel();
        event_loop.run();
        assert!(task.is_done());
        assert!(promise.done());
        assert!(promise.cancelled(), "this is what `cancelled` is for");
    });
}

#[test]
fn a_cancellation_after_completion_loses_the_value_and_drops_it_once() {
    with_loop(|event_loop| {
        let (log, drops) = (Log::default(), Rc::new(Cell::new(0)));
        let value = Counted(Rc::clone(&drops));
        let (promise, future) = create_future();
        let in_task = log.clone();
        let task = event_loop.spawn(move || in_task.note(format!("{}", future.wait().is_err())));
        event_loop.run();
        promise.set_result(value).expect("it was pending");
        task.cancel();
        event_loop.run();
        drop(promise);
        assert_eq!((log.take(), drops.get()), (vec!["true".to_owned()], 1));
    });
}

struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_value_is_dropped_once_whoever_has_it_last() {
    let drops = Rc::new(Cell::new(0));
    let value = || Counted(Rc::clone(&drops));
    let (promise, future) = create_future();
    promise.set_result(value()).expect("it was pending");
    drop(future);
    assert_eq!(drops.get(), 0, "the promise keeps it");
    assert!(promise.set_result(value()).is_err());
    assert_eq!(drops.get(), 1, "the second value was refused");
    drop(promise);
    assert_eq!(drops.get(), 2);
    let (promise, future) = create_future();
    promise.set_result(value()).expect("it was pending");
    drop(promise);
    drop(future.wait());
    assert_eq!(drops.get(), 3);
}

#[test]
fn callbacks_run_later_in_order_and_see_the_value_that_a_waiter_takes() {
    with_loop(|event_loop| {
        let (log, (promise, future)) = (Log::default(), create_future());
        for name in ["first", "second"] {
            let log = log.clone();
            future
                .add_done_callback(move |outcome: Result<&String, &Error>| {
                    log.note(format!("{name} {}", outcome.expect("a value")));
                })
                .expect("a loop is there");
        }
        let in_task = log.clone();
        event_loop.spawn(move || in_task.note(format!("took {}", future.wait().expect("a value"))));
        event_loop.run();
        promise.set_result(String::from("x")).expect("it was pending");
        assert!(log.take().is_empty(), "never inline");
        event_loop.run();
        assert_eq!(log.take(), ["first x", "second x", "took x"]);
    });
}

#[test]
fn a_waiter_that_comes_between_completion_and_callbacks_waits_for_them() {
    with_loop(|event_loop| {
        let (log, (promise, future)) = (Log::default(), create_future());
        let (in_task, in_callback) = (log.clone(), log.clone());
        future
            .add_done_callback(move |outcome| in_callback.note(format!("saw {outcome:?}")))
            .expect("a loop is there");
        let task = event_loop.spawn(move || in_task.note(format!("took {:?}", future.wait())));
        promise.set_result(5).expect("it was pending"); // before the task has run
        event_loop.run();
        assert!(task.is_done());
        assert_eq!(log.take(), ["saw Ok(5)", "took Ok(5)"]);
    });
}

#[test]
fn callbacks_see_failures_and_cancellations() {
    with_loop(|event_loop| {
        let log = Log::default();
        let note = |log: &Log| {
            let log = log.clone();
            move |outcome: Result<&u8, &Error>| log.note(format!("{outcome:?}"))
        };
        let (promise, failed) = create_future();
        failed.add_done_callback(note(&log)).expect("a loop is there");
        promise.set_exception(Error::msg("x")).expect("it was pending");
        let (_promise, cancelled) = create_future();
        cancelled.add_done_callback(note(&log)).expect("a loop is there");
        cancelled.cancel();
        let (promise, broken) = create_future();
        broken.add_done_callback(note(&log)).expect("a loop is there");
        drop(promise);
        event_loop.run();
        let log = log.take();
        assert_eq!(log[..2], ["Err(x)", "Err(cancelled)"]);
        assert!(log[2].contains("promise was dropped"));
        drop((failed, broken));
        assert!(event_loop.reports().is_empty(), "the callbacks have seen to it");
    });
}

#[test]
fn a_callback_added_after_completion_runs_later_all_the_same() {
    with_loop(|event_loop| {
        let (log, (promise, future)) = (Log::default(), create_future());
        promise.set_result(1).expect("it was pending");
        let in_callback = log.clone();
        future
            .add_done_callback(move |outcome| in_callback.note(format!("{outcome:?}")))
            .expect("a loop is there");
        assert!(log.take().is_empty());
        event_loop.run();
        assert_eq!(log.take(), ["Ok(1)"]);
        assert_eq!(future.wait().expect("it is done"), 1);
    });
}

#[test]
fn a_callback_can_be_taken_back_until_it_is_handed_to_the_loop() {
    with_loop(|event_loop| {
        let (log, (promise, future)) = (Log::default(), create_future::<u8>());
        let keys = ["a", "b", "c"].map(|name| {
            let log = log.clone();
            future.add_done_callback(move |_| log.note(name)).expect("a loop is there")
        });
        assert!(future.remove_done_callback(keys[1]));
        assert!(!future.remove_done_callback(keys[1]));
        promise.set_result(1).expect("it was pending");
        assert!(!future.remove_done_callback(keys[0]), "too late");
        event_loop.run();
        assert_eq!(log.take(), ["a", "c"]);
    });
}

#[test]
fn a_callback_may_add_and_remove_others_while_they_run() {
    with_loop(|event_loop| {
        let (log, (promise, future)) = (Log::default(), create_future::<u8>());
        let future = future.shared();
        let (adder, in_callback) = (future.clone(), log.clone());
        future
            .add_done_callback(move |_| {
                in_callback.note("first");
                let log = in_callback.clone();
                let key = adder.add_done_callback(move |_| log.note("third"));
                assert!(!adder.remove_done_callback(key.expect("a loop is there")));
            })
            .expect("a loop is there");
        let in_callback = log.clone();
        future.add_done_callback(move |_| in_callback.note("second")).expect("a loop is there");
        promise.set_result(1).expect("it was pending");
        event_loop.run();
        assert_eq!(log.take(), ["first", "second", "third"]);
    });
}

#[test]
fn what_a_callback_owns_is_dropped_when_it_is_taken_back() {
    with_loop(|_| {
        let drops = Rc::new(Cell::new(0));
        let (promise, future) = create_future::<u8>();
        let owned = Counted(Rc::clone(&drops));
        let key = future.add_done_callback(move |_| drop(owned)).expect("a loop is there");
        assert_eq!(drops.get(), 0);
        assert!(future.remove_done_callback(key));
        assert_eq!(drops.get(), 1);
        promise.set_result(1).expect("it was pending");
        assert_eq!(future.wait().expect("no callback is due"), 1);
    });
}

#[test]
fn a_future_with_callbacks_leaks_nothing() {
    with_loop(|event_loop| {
        let drops = Rc::new(Cell::new(0));
        let (promise, future) = create_future();
        let owned = Counted(Rc::clone(&drops));
        future
            .add_done_callback(move |_: Result<&Counted, &Error>| drop(owned))
            .expect("a loop is there");
        drop(future);
        promise.set_result(Counted(Rc::clone(&drops))).expect("it was pending");
        drop(promise);
        event_loop.run();
        assert_eq!(drops.get(), 2);
    });
}

#[test]
fn a_callback_needs_a_loop() {
    let (_promise, future) = create_future::<u8>();
    let error = future.add_done_callback(|_| {}).unwrap_err();
    assert_eq!(error, NoRunningLoop::new("a done-callback"));
}

#[test]
fn a_failure_that_nobody_asks_for_is_reported_once_when_the_last_handle_goes() {
    with_loop(|event_loop| {
        let (promise, future) = create_future::<u8>();
        promise.set_exception(Error::msg("unseen")).expect("it was pending");
        drop(promise);
        assert!(event_loop.reports().is_empty());
        drop(future);
        assert_eq!(event_loop.reports(), ["a future failed and nobody asked why: unseen"]);

        let (promise, future) = create_future::<u8>();
        drop(future); // nobody is interested any more
        promise.set_exception(Error::msg("unwanted")).expect("it was pending");
        drop(promise);
        assert_eq!(event_loop.reports(), ["a future failed and nobody asked why: unwanted"]);
    });
}

#[test]
fn asking_too_early_does_not_hide_a_later_failure() {
    with_loop(|event_loop| {
        let (promise, future) = create_future::<u8>();
        assert!(future.result().is_err() && future.exception().is_err());
        promise.set_exception(Error::msg("later")).expect("it was pending");
        drop((promise, future));
        assert_eq!(event_loop.reports(), ["a future failed and nobody asked why: later"]);
    });
}

#[test]
fn what_was_asked_for_or_cancelled_is_not_reported() {
    with_loop(|event_loop| {
        let failed = || {
            let (promise, future) = create_future::<u8>();
            promise.set_exception(Error::msg("seen")).expect("it was pending");
            future
        };
        assert!(failed().wait().is_err());
        assert!(failed().result().is_err());
        assert!(failed().exception().expect("it is done").is_some());
        let shared = failed().shared();
        assert!(shared.clone().wait().is_err());
        drop(shared);
        let (promise, future) = create_future::<u8>();
        future.cancel();
        drop((promise, future));
        let (promise, future) = create_future::<u8>();
        drop(future);
        drop(promise); // broken, and nobody cares
        assert!(event_loop.reports().is_empty());
    });
}

#[test]
fn a_broken_promise_that_nobody_looked_at_is_reported() {
    with_loop(|event_loop| {
        let (promise, future) = create_future::<u8>();
        drop(promise);
        assert!(future.done());
        let error = future.exception().expect("it is done").expect("it failed");
        assert_eq!(error.downcast_ref(), Some(&BrokenPromise));
        drop(future);
        assert!(event_loop.reports().is_empty());
        let (promise, future) = create_future::<u8>();
        drop(promise);
        drop(future);
        assert_eq!(event_loop.reports().len(), 1);
    });
}

#[test]
fn a_future_can_be_completed_by_a_task_that_waits_for_another() {
    with_loop(|event_loop| {
        let log = Log::default();
        let (first, mut last) = create_future();
        for step in 1..=50 {
            let (promise, future) = create_future();
            let before = std::mem::replace(&mut last, future);
            event_loop.spawn(move || {
                let value: u32 = before.wait().expect("a value");
                yield_now().expect("nobody cancels");
                promise.set_result(value + step).expect("it was pending");
            });
        }
        let (seen, noted) = (Rc::new(RefCell::new(None)), log.clone());
        let see = Rc::clone(&seen);
        event_loop.spawn(move || {
            *see.borrow_mut() = last.wait().ok();
            noted.note("end");
        });
        event_loop.run();
        assert!(log.take().is_empty());
        first.set_result(0).expect("it was pending");
        event_loop.run();
        assert_eq!((seen.take(), log.take().len()), (Some(1275), 1));
    });
}
