//! Semaphores: in the order of asking, and no permit is lost or doubled.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;

use corio_futures::{BoundedSemaphore, Semaphore, TooManyPermits};
use proptest::prelude::*;

use crate::mini_loop::{Log, Loop, Task, with_loop, yield_now};

type Shared = Rc<Semaphore>;

/// Takes a permit for good.
fn taker(event_loop: &Rc<Loop>, semaphore: &Shared, log: &Log, name: &'static str) -> Rc<Task> {
    let (semaphore, log) = (Rc::clone(semaphore), log.clone());
    event_loop.spawn(move || match semaphore.acquire() {
        Ok(permit) => {
            permit.forget();
            log.note(name);
        }
        Err(error) => log.note(format!("{name} {error}")),
    })
}

fn three(event_loop: &Rc<Loop>, semaphore: &Shared, log: &Log) -> [Rc<Task>; 3] {
    let tasks = ["a", "b", "c"].map(|name| taker(event_loop, semaphore, log, name));
    event_loop.run();
    tasks
}

#[test]
fn a_free_permit_is_taken_without_a_loop() {
    let semaphore = Semaphore::new(2);
    let one = semaphore.acquire().expect("there are two");
    let two = semaphore.try_acquire().expect("there is one");
    assert!(semaphore.is_locked() && semaphore.try_acquire().is_none());
    assert!(semaphore.acquire().is_err(), "this would have to wait");
    assert_eq!(format!("{one:?}"), "Permit(Semaphore { permits: 0, waiting: 0, .. })");
    drop(one);
    assert!(!semaphore.is_locked());
    drop(two);
    assert!(!Semaphore::default().is_locked());
}

#[test]
fn permits_are_given_in_the_order_of_asking() {
    with_loop(|event_loop| {
        let (semaphore, log) = (Rc::new(Semaphore::new(1)), Log::default());
        let permit = semaphore.try_acquire();
        three(event_loop, &semaphore, &log);
        assert!(log.take().is_empty());
        drop(permit);
        assert!(semaphore.is_locked(), "the permit was handed over");
        event_loop.run();
        assert_eq!(log.take(), ["a"]);
        semaphore.add_permits(2);
        event_loop.run();
        assert_eq!(log.take(), ["b", "c"]);
    });
}

#[test]
fn nobody_overtakes_a_task_that_was_woken_even_if_there_are_permits() {
    with_loop(|event_loop| {
        let (semaphore, log) = (Rc::new(Semaphore::new(0)), Log::default());
        taker(event_loop, &semaphore, &log, "a");
        event_loop.run();
        semaphore.add_permits(2);
        assert!(semaphore.is_locked(), "a was woken and comes first");
        assert!(semaphore.try_acquire().is_none());
        taker(event_loop, &semaphore, &log, "b");
        event_loop.run();
        assert_eq!(log.take(), ["a", "b"]);
        assert!(semaphore.is_locked());
    });
}

#[test]
fn a_task_that_was_woken_lets_in_those_who_came_after_it() {
    with_loop(|event_loop| {
        let (semaphore, log) = (Rc::new(Semaphore::new(0)), Log::default());
        taker(event_loop, &semaphore, &log, "a");
        event_loop.run();
        semaphore.add_permits(3);
        for name in ["b", "c", "d"] {
            taker(event_loop, &semaphore, &log, name);
        }
        // The newcomers run before the one that was woken.
        for _ in 0..3 {
            event_loop.step(1);
        }
        assert!(log.take().is_empty());
        event_loop.step(0);
        assert_eq!(log.take(), ["a"]);
        event_loop.run();
        assert_eq!(log.take(), ["b", "c"]);
        semaphore.add_permits(1);
        event_loop.run();
        assert_eq!(log.take(), ["d"]);
    });
}

#[test]
fn a_cancelled_waiter_takes_no_permit() {
    for cancelled_first in [true, false] {
        with_loop(|event_loop| {
            let (semaphore, log) = (Rc::new(Semaphore::new(0)), Log::default());
            let tasks = three(event_loop, &semaphore, &log);
            if cancelled_first {
                tasks[0].cancel();
                semaphore.add_permits(1);
            } else {
                semaphore.add_permits(1);
                tasks[0].cancel();
            }
            event_loop.run();
            assert_eq!(log.take(), ["a cancelled", "b"]);
        });
    }
}

#[test]
fn a_permit_returned_by_the_last_who_gave_up_is_free() {
    with_loop(|event_loop| {
        let (semaphore, log) = (Rc::new(Semaphore::new(0)), Log::default());
        let task = taker(event_loop, &semaphore, &log, "a");
        event_loop.run();
        semaphore.add_permits(1);
        task.cancel();
        event_loop.run();
        assert_eq!(log.take(), ["a cancelled"]);
        assert!(semaphore.try_acquire().is_some());
    });
}

#[test]
fn cancelling_many_between_release_and_run_wakes_one_that_is_left() {
    with_loop(|event_loop| {
        let (semaphore, log) = (Rc::new(Semaphore::new(0)), Log::default());
        let tasks = three(event_loop, &semaphore, &log);
        taker(event_loop, &semaphore, &log, "d");
        event_loop.run();
        tasks[1].cancel();
        semaphore.add_permits(1);
        tasks[0].cancel();
        tasks[2].cancel();
        event_loop.run();
        let mut log = log.take();
        log.sort();
        assert_eq!(log, ["a cancelled", "b cancelled", "c cancelled", "d"]);
        assert!(semaphore.is_locked());
    });
}

#[test]
fn a_waiter_that_is_unwound_takes_no_permit() {
    for given in [false, true] {
        with_loop(|event_loop| {
            let (semaphore, log) = (Rc::new(Semaphore::new(0)), Log::default());
            let tasks = three(event_loop, &semaphore, &log);
            if given {
                semaphore.add_permits(1);
                tasks[0].unwind();
            } else {
                tasks[0].unwind();
                semaphore.add_permits(1);
            }
            event_loop.run();
            assert_eq!(log.take(), ["b"]);
        });
    }
}

#[test]
fn a_bounded_semaphore_takes_back_only_what_was_taken_for_good() {
    let semaphore = BoundedSemaphore::new(2);
    assert_eq!(semaphore.add_permits(1), Err(TooManyPermits));
    let permit = semaphore.acquire().expect("there are two");
    assert_eq!(semaphore.add_permits(1), Err(TooManyPermits), "it will come back by itself");
    drop(permit);
    for _ in 0..2 {
        semaphore.acquire().expect("there are two").forget();
    }
    assert!(semaphore.is_locked() && semaphore.try_acquire().is_none());
    assert_eq!(semaphore.add_permits(3), Err(TooManyPermits));
    assert!(semaphore.is_locked(), "all or none");
    semaphore.add_permits(2).expect("two were forgotten");
    assert_eq!(semaphore.add_permits(1), Err(TooManyPermits));
    assert_eq!(semaphore.bound(), 2);
    assert_eq!(
        format!("{semaphore:?}"),
        "BoundedSemaphore { permits: 2, bound: 2, waiting: 0, .. }"
    );
    assert!(!BoundedSemaphore::default().is_locked());
}

#[test]
fn adding_more_permits_than_can_be_counted_is_no_disaster() {
    let semaphore = Semaphore::new(usize::MAX);
    semaphore.add_permits(1);
    assert!(semaphore.try_acquire().is_some());
}

/// What a task of the random programs notes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Asked(usize),
    Got(usize),
    GaveUp(usize),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Never more holders than permits; everybody ends; all permits come back; and if tasks run in
    /// the order in which they are woken, they are served in the order in which they asked.
    #[test]
    fn a_semaphore_serves_all_under_any_schedule(
        permits in 1..4_usize,
        scripts in prop::collection::vec(prop::collection::vec(0..4_u8, 1..4), 1..7),
        in_order in any::<bool>(),
        schedule in prop::collection::vec((0..16_usize, prop::option::weighted(0.2, 0..7_usize)), 0..100),
    ) {
        with_loop(|event_loop| {
            let semaphore = Rc::new(Semaphore::new(permits));
            let events = Rc::new(RefCell::new(Vec::new()));
            let (asks, holders) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let tasks: Vec<_> = scripts
                .into_iter()
                .map(|holds| {
                    let (semaphore, events) = (Rc::clone(&semaphore), Rc::clone(&events));
                    let (asks, holders) = (Rc::clone(&asks), Rc::clone(&holders));
                    event_loop.spawn(move || {
                        for hold in holds {
                            let ask = asks.replace(asks.get() + 1);
                            let note = |event| events.borrow_mut().push(event);
                            note(Event::Asked(ask));
                            let Ok(permit) = semaphore.acquire() else {
                                note(Event::GaveUp(ask));
                                continue;
                            };
                            note(Event::Got(ask));
                            holders.set(holders.get() + 1);
                            assert!(holders.get() <= permits);
                            for _ in 0..hold {
                                let _ = yield_now(); // a cancellation does not matter here
                            }
                            holders.set(holders.get() - 1);
                            drop(permit);
                        }
                    })
                })
                .collect();
            for (which, cancel) in schedule {
                if let Some(task) = cancel.and_then(|index| tasks.get(index)) {
                    task.cancel();
                }
                event_loop.step(if in_order { 0 } else { which });
            }
            event_loop.run();
            prop_assert!(tasks.iter().all(|task| task.is_done()), "a permit was lost");
            let all: Vec<_> = (0..permits).map_while(|_| semaphore.try_acquire()).collect();
            prop_assert_eq!(all.len(), permits);
            prop_assert!(semaphore.is_locked(), "a permit was doubled");
            if in_order {
                check_order(&events.borrow());
            }
            Ok(())
        })?;
    }
}

fn check_order(events: &[Event]) {
    let gave_up = events.iter().filter_map(|event| match event {
        Event::GaveUp(ask) => Some(*ask),
        _ => None,
    });
    let gave_up: HashSet<_> = gave_up.collect();
    let ordered = |pick: fn(&Event) -> Option<usize>| {
        let picked = events.iter().filter_map(pick).filter(|ask| !gave_up.contains(ask));
        picked.collect::<Vec<_>>()
    };
    let asked = ordered(|event| if let Event::Asked(ask) = event { Some(*ask) } else { None });
    let got = ordered(|event| if let Event::Got(ask) = event { Some(*ask) } else { None });
    assert_eq!(asked, got);
}
