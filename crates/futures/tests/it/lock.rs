//! Locks: one holder, first come first served, and no release lost.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use corio_futures::Lock;
use proptest::prelude::*;

use crate::mini_loop::{Log, Loop, Task, with_loop, yield_now};

type Shared = Rc<Lock<()>>;

fn locker(event_loop: &Rc<Loop>, lock: &Shared, log: &Log, name: &'static str) -> Rc<Task> {
    let (lock, log) = (Rc::clone(lock), log.clone());
    event_loop.spawn(move || match lock.lock() {
        Ok(_guard) => log.note(name),
        Err(error) => log.note(format!("{name} {error}")),
    })
}

#[test]
fn a_lock_guards_its_value_and_needs_no_loop_while_it_is_free() {
    let mut lock = Lock::new(String::from("a"));
    lock.lock().expect("it is free").push('b');
    let guard = lock.try_lock().expect("it is free");
    assert!(lock.is_locked() && lock.try_lock().is_none());
    assert!(lock.lock().is_err(), "this would have to wait");
    assert_eq!(format!("{guard:?}"), r#""ab""#);
    drop(guard);
    assert!(!lock.is_locked());
    lock.get_mut().push('c');
    assert_eq!(lock.into_inner(), "abc");
}

#[test]
fn a_forgotten_guard_leaves_the_lock_locked_and_nothing_worse() {
    let lock = Lock::new(1);
    std::mem::forget(lock.lock());
    assert!(lock.is_locked() && lock.try_lock().is_none() && lock.lock().is_err());
    assert_eq!(lock.into_inner(), 1);
}

#[test]
fn a_release_hands_the_lock_over_and_it_is_never_free_in_between() {
    with_loop(|event_loop| {
        let (lock, log) = (Rc::new(Lock::new(())), Log::default());
        let guard = lock.try_lock().expect("it is free");
        for name in ["a", "b"] {
            locker(event_loop, &lock, &log, name);
        }
        event_loop.run();
        drop(guard);
        assert!(!lock.is_locked(), "a does not hold it yet");
        assert!(lock.try_lock().is_none(), "it is to be a's");
        locker(event_loop, &lock, &log, "late");
        event_loop.run();
        assert_eq!(log.take(), ["a", "b", "late"]);
        assert!(!lock.is_locked());
    });
}

#[test]
fn a_cancelled_waiter_leaves_the_queue() {
    with_loop(|event_loop| {
        let (lock, log) = (Rc::new(Lock::new(())), Log::default());
        let guard = lock.try_lock();
        let tasks = ["a", "b", "c"].map(|name| locker(event_loop, &lock, &log, name));
        event_loop.run();
        tasks[0].cancel();
        event_loop.run();
        assert!(format!("{lock:?}").contains("waiting: 2"), "{lock:?}");
        drop(guard);
        event_loop.run();
        assert_eq!(log.take(), ["a cancelled", "b", "c"]);
    });
}

#[test]
fn who_was_given_the_lock_and_is_cancelled_passes_it_on() {
    with_loop(|event_loop| {
        let (lock, log) = (Rc::new(Lock::new(())), Log::default());
        let guard = lock.try_lock();
        let tasks = ["a", "b"].map(|name| locker(event_loop, &lock, &log, name));
        event_loop.run();
        drop(guard);
        tasks[0].cancel();
        event_loop.run();
        assert_eq!(log.take(), ["a cancelled", "b"]);
        assert!(!lock.is_locked());
    });
}

#[test]
fn a_waiter_cancelled_and_a_release_in_one_go_let_exactly_one_other_in() {
    with_loop(|event_loop| {
        let (lock, log) = (Rc::new(Lock::new(())), Log::default());
        let guard = lock.try_lock();
        let tasks = ["a", "b", "c"].map(|name| locker(event_loop, &lock, &log, name));
        event_loop.run();
        tasks[0].cancel();
        drop(guard);
        event_loop.step(0);
        assert_eq!(log.take(), ["a cancelled"]);
        assert!(lock.try_lock().is_none(), "it is to be b's");
        event_loop.run();
        assert_eq!(log.take(), ["b", "c"]);
    });
}

#[test]
fn a_waiter_that_is_unwound_leaves_the_queue() {
    with_loop(|event_loop| {
        let (lock, log) = (Rc::new(Lock::new(())), Log::default());
        let guard = lock.try_lock();
        let tasks = ["a", "b"].map(|name| locker(event_loop, &lock, &log, name));
        event_loop.run();
        tasks[0].unwind();
        drop(guard);
        event_loop.run();
        assert_eq!(log.take(), ["b"]);
        assert!(!lock.is_locked());
    });
}

#[test]
fn a_waiter_that_is_unwound_when_the_lock_is_its_own_passes_it_on() {
    with_loop(|event_loop| {
        let (lock, log) = (Rc::new(Lock::new(())), Log::default());
        let guard = lock.try_lock();
        let tasks = ["a", "b"].map(|name| locker(event_loop, &lock, &log, name));
        event_loop.run();
        drop(guard);
        tasks[0].unwind();
        event_loop.run();
        assert_eq!(log.take(), ["b"]);
        assert!(!lock.is_locked());
    });
}

/// What a task of the random programs notes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Asked(usize),
    Got(usize),
    GaveUp(usize),
    Released(usize),
}

/// Each asks for the lock some times and holds it for some turns.
#[derive(Clone, Debug)]
struct Script {
    holds: Vec<u8>,
}

fn scripts() -> impl Strategy<Value = Vec<Script>> {
    let script = prop::collection::vec(0..4_u8, 1..4).prop_map(|holds| Script { holds });
    prop::collection::vec(script, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever the order of steps and cancellations: one holder at a time, in the order of
    /// asking, and everybody ends.
    #[test]
    fn a_lock_serves_all_in_order_under_any_schedule(
        scripts in scripts(),
        schedule in prop::collection::vec((0..16_usize, prop::option::weighted(0.2, 0..6_usize)), 0..80),
    ) {
        let events = with_loop(|event_loop| {
            let lock = Rc::new(Lock::new(()));
            let events = Rc::new(RefCell::new(Vec::new()));
            let asks = Rc::new(Cell::new(0));
            let tasks: Vec<_> = scripts
                .into_iter()
                .map(|script| {
                    let (lock, events, asks) =
                        (Rc::clone(&lock), Rc::clone(&events), Rc::clone(&asks));
                    event_loop.spawn(move || {
                        for hold in script.holds {
                            let ask = asks.replace(asks.get() + 1);
                            let note = |event: fn(usize) -> Event| {
                                events.borrow_mut().push(event(ask));
                            };
                            note(Event::Asked);
                            let Ok(guard) = lock.lock() else {
                                note(Event::GaveUp);
                                continue;
                            };
                            note(Event::Got);
                            for _ in 0..hold {
                                let _ = yield_now(); // a cancellation does not matter here
                            }
                            note(Event::Released);
                            drop(guard);
                        }
                    })
                })
                .collect();
            for (which, cancel) in schedule {
                if let Some(task) = cancel.and_then(|index| tasks.get(index)) {
                    task.cancel();
                }
                event_loop.step(which);
            }
            event_loop.run();
            assert!(tasks.iter().all(|task| task.is_done()), "a release was lost");
            assert!(!lock.is_locked());
            events.take()
        });
        check(&events);
    }
}

/// Replays what happened against a queue.
fn check(events: &[Event]) {
    let gave_up: HashSet<_> = events
        .iter()
        .filter_map(|event| if let Event::GaveUp(ask) = event { Some(*ask) } else { None })
        .collect();
    let mut queue = Vec::new();
    let mut holder = None;
    for event in events {
        match *event {
            Event::Asked(ask) => queue.push(ask),
            Event::Got(ask) => {
                assert_eq!(holder.replace(ask), None, "two hold it: {events:?}");
                let ahead = queue.iter().position(|waiting| *waiting == ask).expect("it asked");
                assert!(
                    queue[..ahead].iter().all(|waiting| gave_up.contains(waiting)),
                    "{ask} overtook another: {events:?}"
                );
                queue.remove(ahead);
            }
            Event::GaveUp(ask) => queue.retain(|waiting| *waiting != ask),
            Event::Released(ask) => assert_eq!(holder.take(), Some(ask)),
        }
    }
    assert_eq!((queue.len(), holder), (0, None));
}
