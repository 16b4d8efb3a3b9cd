//! The loop of a thread, and parking on it.

use std::cell::RefCell;
use std::rc::Rc;

use corio_futures::contract::{BUDGET, Wait, charge, current_loop, current_parker, enter, park};
use corio_futures::{CannotWait, Event, NoRunningLoop};

use crate::mini_loop::{Log, with_loop, yield_now};

#[test]
fn a_thread_has_one_loop_at_a_time_and_none_when_it_is_left() {
    assert!(current_loop().is_none());
    with_loop(|_| {
        let running = current_loop().expect("it was entered");
        assert!(enter(running).is_err(), "there is one already");
    });
    assert!(current_loop().is_none());
    with_loop(|_| assert!(current_loop().is_some()));
}

#[test]
fn what_the_loop_owns_finds_no_loop_any_more_when_it_goes() {
    struct Looks;
    impl Drop for Looks {
        fn drop(&mut self) {
            assert!(current_loop().is_none());
        }
    }
    with_loop(|_| {
        let event_loop = current_loop().expect("it was entered");
        event_loop.call_soon(Box::new(|| drop(Looks)));
        let looks = Looks;
        event_loop.call_soon(Box::new(move || drop(looks)));
        drop(event_loop);
        // Both are dropped, uncalled, when the loop is.
    });
}

#[test]
fn a_park_off_the_loop_and_one_in_a_callback_say_so() {
    let error = park(&Wait::new("rain")).unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&NoRunningLoop::new("rain")));
    with_loop(|event_loop| {
        let error = current_parker("rain").map(drop).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&CannotWait::InCallback("rain")));
        let seen = Rc::new(RefCell::new(None));
        let saw = Rc::clone(&seen);
        let running = current_loop().expect("it was entered");
        running.call_soon(Box::new(move || *saw.borrow_mut() = Some(Event::new().wait())));
        event_loop.run();
        let error = seen.take().expect("it ran").unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&CannotWait::InCallback("an event")));
    });
}

#[test]
fn a_wait_knows_what_for_and_where_it_was_begun() {
    let (wait, line) = (Wait::new("rain"), line!());
    assert_eq!((wait.what(), wait.location().line()), ("rain", line));
    assert!(!wait.pass_on(&Default::default()), "nobody takes it");
    let take = |_: &corio_futures::Cancelled| true;
    assert!(wait.on_cancel(&take).pass_on(&Default::default()));
    assert!(format!("{wait:?}").starts_with("rain ("));
}

#[test]
fn the_mini_loop_takes_turns() {
    with_loop(|event_loop| {
        let log = Log::default();
        for name in ["a", "b"] {
            let log = log.clone();
            event_loop.spawn(move || {
                for round in 0..3 {
                    log.note(format!("{name}{round}"));
                    yield_now().expect("nobody cancels");
                }
            });
        }
        event_loop.run();
        assert_eq!(log.take(), ["a0", "b0", "a1", "b1", "a2", "b2"]);
    });
}

#[test]
fn a_step_has_a_budget_of_waits_that_are_ready() {
    with_loop(|event_loop| {
        let log = Log::default();
        let (noted, beside) = (log.clone(), log.clone());
        event_loop.spawn(move || {
            for count in 1..=2 * BUDGET + 1 {
                charge().expect("nobody cancels");
                if count % BUDGET <= 1 {
                    noted.note(count.to_string());
                }
            }
        });
        event_loop.spawn(move || {
            for _ in 0..3 {
                beside.note("other");
                yield_now().expect("nobody cancels");
            }
        });
        event_loop.run();
        let expected = ["1", "128", "other", "129", "256", "other", "257", "other"];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn a_charge_that_yields_delivers_a_cancellation_and_one_off_the_loop_does_nothing() {
    with_loop(|event_loop| {
        let log = Log::default();
        let noted = log.clone();
        let task = event_loop.spawn(move || {
            let charged = (0..=BUDGET).try_for_each(|_| charge());
            noted.note(if charged.is_err_and(|e| e.is_cancelled()) { "cancelled" } else { "?" });
        });
        event_loop.step(0);
        task.cancel();
        event_loop.run();
        assert_eq!(log.take(), ["cancelled"]);
    });
    (0..3 * BUDGET).try_for_each(|_| charge()).expect("there is nobody to yield to");
}
