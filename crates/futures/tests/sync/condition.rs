//! Conditions: the lock is held before and after each wait, and no notification is lost.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use corio_futures::{Cancelled, CannotWait, Condition, Error, Lock, LockGuard, NoRunningLoop};
use proptest::prelude::*;

use crate::mini_loop::{Log, Loop, Task, with_loop, yield_now};
use crate::puppet::{as_puppet, park};

type Shared = Rc<Condition<u32>>;

/// Waits once, and notes how that ended and what it found.
fn waiter(event_loop: &Rc<Loop>, condition: &Shared, log: &Log, name: &'static str) -> Rc<Task> {
    let (condition, log) = (Rc::clone(condition), log.clone());
    event_loop.spawn(move || {
        let mut guard = condition.lock().expect("nobody cancels this");
        let woken = guard.wait();
        assert!(condition.is_locked(), "held, however the wait ended");
        match woken {
            Ok(()) => log.note(format!("{name} {}", *guard)),
            Err(error) => log.note(format!("{name} {error}")),
        }
        *guard += 1;
    })
}

fn three(event_loop: &Rc<Loop>, condition: &Shared, log: &Log) -> [Rc<Task>; 3] {
    let tasks = ["a", "b", "c"].map(|name| waiter(event_loop, condition, log, name));
    event_loop.run();
    assert!(!condition.is_locked(), "waiting releases the lock");
    tasks
}

fn notify(condition: &Shared, n: usize) {
    condition.try_lock().expect("it is free").notify(n);
}

#[test]
fn a_wait_releases_the_lock_and_takes_it_again() {
    with_loop(|event_loop| {
        let (condition, log) = (Rc::new(Condition::new(0)), Log::default());
        three(event_loop, &condition, &log);
        let guard = condition.try_lock().expect("it is free");
        guard.notify(2);
        event_loop.run();
        assert!(log.take().is_empty(), "notifying does not release");
        drop(guard);
        event_loop.run();
        assert_eq!(log.take(), ["a 0", "b 1"], "one after the other");
        notify(&condition, 1);
        event_loop.run();
        assert_eq!(log.take(), ["c 2"]);
        assert_eq!(*condition.try_lock().expect("it is free"), 3);
    });
}

#[test]
fn notify_wakes_so_many_in_order_and_notify_all_wakes_all() {
    with_loop(|event_loop| {
        let (condition, log) = (Rc::new(Condition::new(0)), Log::default());
        notify(&condition, 5); // nobody is there, and nothing is kept for later
        three(event_loop, &condition, &log);
        notify(&condition, 0);
        event_loop.run();
        assert!(log.take().is_empty());
        notify(&condition, 2);
        waiter(event_loop, &condition, &log, "late");
        event_loop.run();
        assert_eq!(log.take(), ["a 0", "b 1"]);
        condition.try_lock().expect("it is free").notify_all();
        event_loop.run();
        assert_eq!(log.take(), ["c 2", "late 3"]);
    });
}

#[test]
fn a_predicate_that_holds_is_not_waited_for() {
    let condition = Condition::new(5); // no loop: a wait would be an error
    let mut guard = condition.lock().expect("it is free");
    guard.wait_for(|value| *value == 5).expect("no wait");
    let error = guard.wait_for(|value| *value == 6).unwrap_err();
    assert!(error.downcast_ref::<NoRunningLoop>().is_some());
    assert!(condition.is_locked(), "the lock was not released for a wait that cannot be");
    assert_eq!(*guard, 5);
}

#[test]
fn where_nothing_can_wait_the_lock_is_not_given_away() {
    with_loop(|event_loop| {
        let (condition, log) = (Rc::new(Condition::new(0)), Log::default());
        let mut guard = condition.try_lock().expect("it is free");
        waiter(event_loop, &condition, &log, "a");
        event_loop.run();
        let error = guard.wait().unwrap_err(); // this is no task
        assert!(error.downcast_ref::<CannotWait>().is_some());
        *guard += 1;
        event_loop.run();
        assert!(log.take().is_empty(), "a waits for the lock still");
    });
}

#[test]
fn a_predicate_is_asked_again_after_each_notification() {
    with_loop(|event_loop| {
        let (condition, log) = (Rc::new(Condition::new(0)), Log::default());
        let (in_task, noted) = (Rc::clone(&condition), log.clone());
        let task = event_loop.spawn(move || {
            let mut guard = in_task.lock().expect("it is free");
            let asked = |value: &mut u32| {
                noted.note(format!("asked at {value}"));
                *value >= 2
            };
            guard.wait_for(asked).expect("nobody cancels");
        });
        for expected in ["asked at 0", "asked at 1", "asked at 2"] {
            event_loop.run();
            assert_eq!(log.take(), [expected]);
            let mut guard = condition.try_lock().expect("it is free");
            *guard += 1;
            guard.notify(1);
        }
        assert!(task.is_done());
    });
}

#[test]
fn a_cancelled_wait_takes_the_lock_again_first() {
    with_loop(|event_loop| {
        let (condition, log) = (Rc::new(Condition::new(0)), Log::default());
        let tasks = three(event_loop, &condition, &log);
        let guard = condition.try_lock();
        tasks[1].cancel();
        event_loop.run();
        assert!(log.take().is_empty() && !tasks[1].is_done(), "the lock is taken");
        drop(guard);
        event_loop.run();
        assert_eq!(log.take()[0], "b cancelled");
    });
}

#[test]
fn a_cancellation_while_the_lock_is_taken_again_is_kept_until_it_is_held() {
    with_loop(|event_loop| {
        let (condition, log) = (Rc::new(Condition::new(0)), Log::default());
        let task = waiter(event_loop, &condition, &log, "a");
        event_loop.run();
        let guard = condition.try_lock().expect("it is free");
        guard.notify(1);
        event_loop.run(); // it is in the queue for the lock
        for _ in 0..3 {
            task.cancel();
            event_loop.run();
            assert!(!task.is_done());
        }
        drop(guard);
        event_loop.run();
        assert_eq!(log.take(), ["a cancelled"]);
        assert!(!condition.is_locked());
    });
}

#[test]
fn a_cancellation_when_the_lock_was_just_handed_over_is_kept_and_the_lock_passed_on() {
    with_loop(|event_loop| {
        let (condition, log) = (Rc::new(Condition::new(0)), Log::default());
        let task = waiter(event_loop, &condition, &log, "a");
        event_loop.run();
        let guard = condition.try_lock().expect("it is free");
        guard.notify(1);
        event_loop.run();
        let (other, noted) = (Rc::clone(&condition), log.clone());
        event_loop.spawn(move || {
            let _guard = other.lock().expect("nobody cancels");
            noted.note("other");
        });
        event_loop.run();
        drop(guard); // it is a's
        task.cancel();
        event_loop.run();
        assert_eq!(log.take(), ["other", "a cancelled"]);
        assert!(!condition.is_locked());
    });
}

/// A wait with the lock taken by another meanwhile, until the last of `parks`.
fn wait_while_another_holds_the_lock(parks: Vec<Result<(), Error>>) -> Result<(), Error> {
    let condition: &'static Condition<u32> = Box::leak(Box::new(Condition::new(0)));
    let other = Rc::new(RefCell::new(None));
    let last = parks.len() - 1;
    let parks = parks.into_iter().enumerate().map(|(index, end)| {
        let other = Rc::clone(&other);
        park(move || {
            if index == 0 {
                *other.borrow_mut() = condition.try_lock();
            }
            if index == last {
                drop(other.take());
            }
            end
        })
    });
    let result = as_puppet(parks, || {
        let mut guard = condition.lock().expect("it is free");
        let result = guard.wait();
        assert!(condition.is_locked());
        *guard += 1;
        result
    });
    assert!(!condition.is_locked());
    result
}

fn cancelled(message: &str) -> Result<(), Error> {
    Err(Cancelled::with_message(message).into())
}

#[test]
fn of_several_cancellations_the_last_is_returned() {
    let messages = |error: Error| error.cancelled().and_then(|c| c.message().map(str::to_owned));
    let result =
        wait_while_another_holds_the_lock(vec![cancelled("1"), cancelled("2"), Ok(()), Ok(())]);
    assert_eq!(messages(result.unwrap_err()).as_deref(), Some("2"));
    let result =
        wait_while_another_holds_the_lock(vec![cancelled("1"), Ok(()), cancelled("3"), Ok(())]);
    assert_eq!(messages(result.unwrap_err()).as_deref(), Some("3"));
    let result = wait_while_another_holds_the_lock(vec![
        cancelled("1"),
        cancelled("2"),
        cancelled("3"),
        Ok(()),
    ]);
    assert_eq!(messages(result.unwrap_err()).as_deref(), Some("3"));
    let result = wait_while_another_holds_the_lock(vec![cancelled("1"), Ok(())]);
    assert_eq!(messages(result.unwrap_err()).as_deref(), Some("1"));
}

#[test]
fn a_wait_that_the_loop_breaks_fails_with_the_lock_held() {
    let broken = || Err(Error::msg("deadlock"));
    let result = wait_while_another_holds_the_lock(vec![broken(), Ok(())]);
    assert_eq!(result.unwrap_err().to_string(), "deadlock");
    let result = wait_while_another_holds_the_lock(vec![broken(), cancelled("1"), Ok(())]);
    assert!(result.unwrap_err().is_cancelled());
}

#[test]
fn without_the_lock_there_is_no_return() {
    let broken = || Err(Error::msg("deadlock"));
    let condition: &'static Condition<u32> = Box::leak(Box::new(Condition::new(0)));
    let other = Rc::new(RefCell::new(None));
    let taken = Rc::clone(&other);
    let parks = [
        park(move || {
            *taken.borrow_mut() = condition.try_lock();
            broken()
        }),
        park(broken),
    ];
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        as_puppet(parks, || condition.lock().expect("it is free").wait())
    }));
    let message = *panicked.unwrap_err().downcast::<String>().expect("a message");
    assert_eq!(message, "the lock of a condition cannot be taken again: deadlock");
    assert!(condition.is_locked(), "it is the other's");
    drop(other.take());
    assert!(!condition.is_locked());
}

#[test]
fn a_notification_of_a_cancelled_waiter_goes_to_another() {
    for cancelled_first in [false, true] {
        with_loop(|event_loop| {
            let (condition, log) = (Rc::new(Condition::new(0)), Log::default());
            let tasks = three(event_loop, &condition, &log);
            if cancelled_first {
                tasks[0].cancel();
                notify(&condition, 1);
            } else {
                notify(&condition, 1);
                tasks[0].cancel();
            }
            event_loop.run();
            assert_eq!(log.take(), ["a cancelled", "b 1"]);
        });
    }
}

#[test]
fn a_notification_of_a_waiter_cancelled_on_its_way_to_the_lock_goes_to_another() {
    with_loop(|event_loop| {
        let (condition, log) = (Rc::new(Condition::new(0)), Log::default());
        let tasks = three(event_loop, &condition, &log);
        let guard = condition.try_lock().expect("it is free");
        guard.notify(1);
        event_loop.run();
        tasks[0].cancel();
        event_loop.run();
        drop(guard);
        event_loop.run();
        assert_eq!(log.take(), ["a cancelled", "b 1"]);
    });
}

#[test]
fn a_waiter_that_is_unwound_passes_its_notification_on_and_keeps_no_lock() {
    with_loop(|event_loop| {
        let (condition, log) = (Rc::new(Condition::new(0)), Log::default());
        let tasks = three(event_loop, &condition, &log);
        notify(&condition, 1);
        tasks[0].unwind();
        event_loop.run();
        assert_eq!(log.take(), ["b 0"]);
        let guard = condition.try_lock().expect("it is free");
        guard.notify(1);
        event_loop.run();
        tasks[2].unwind(); // in the queue for the lock
        drop(guard);
        event_loop.run();
        assert!(!condition.is_locked());
    });
}

#[test]
fn conditions_may_share_a_lock() {
    with_loop(|event_loop| {
        let lock = Rc::new(Lock::new(0));
        let (odd, even) =
            (Condition::with_lock(Rc::clone(&lock)), Condition::with_lock(Rc::clone(&lock)));
        let (odd, even, log) = (Rc::new(odd), Rc::new(even), Log::default());
        for (name, condition) in [("odd", &odd), ("even", &even)] {
            let (condition, log) = (Rc::clone(condition), log.clone());
            event_loop.spawn(move || {
                condition.lock().expect("it is free").wait().expect("nobody cancels");
                log.note(name);
            });
        }
        event_loop.run();
        let guard = lock.try_lock().expect("it is free");
        assert!(odd.is_locked() && even.is_locked() && odd.try_lock().is_none());
        let guard = even.attach(guard);
        guard.notify_all();
        let guard = odd.attach(guard.into());
        drop(guard);
        event_loop.run();
        assert_eq!(log.take(), ["even"]);
        odd.try_lock().expect("it is free").notify_all();
        event_loop.run();
        assert_eq!(log.take(), ["odd"]);
    });
}

#[test]
#[should_panic = "the guard is not of this condition's lock"]
fn a_guard_of_another_lock_is_refused() {
    let other = Lock::new(0);
    let guard: LockGuard<'_, _> = other.lock().expect("it is free");
    let _ = Condition::new(0).attach(guard);
}

#[test]
fn conditions_can_be_shown_and_taken_apart() {
    let condition = Condition::<String>::default();
    condition.lock().expect("it is free").push('x');
    assert_eq!(format!("{condition:?}"), "Condition { locked: false, waiting: 0, .. }");
    assert_eq!(format!("{:?}", condition.lock().expect("it is free")), r#""x""#);
    assert_eq!(condition.into_inner(), "x");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Tokens are neither lost nor doubled, one task holds the lock at a time, and in the end
    /// nobody waits for a token that is there.
    #[test]
    fn no_notification_is_lost_under_any_schedule(
        takers in 1..6_usize,
        givers in prop::collection::vec((1..4_u32, 0..3_u8), 1..5),
        schedule in prop::collection::vec((0..16_usize, prop::option::weighted(0.25, 0..6_usize)), 0..100),
    ) {
        with_loop(|event_loop| {
            let condition = Rc::new(Condition::new(0_u32));
            let (taken, inside) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
            let given: u32 = givers.iter().map(|(tokens, _)| tokens).sum();
            let tasks: Vec<_> = (0..takers)
                .map(|_| {
                    let condition = Rc::clone(&condition);
                    let (taken, inside) = (Rc::clone(&taken), Rc::clone(&inside));
                    event_loop.spawn(move || loop {
                        let Ok(mut guard) = condition.lock() else { return };
                        assert!(!inside.replace(true));
                        let alone = |tokens: &mut u32| {
                            inside.set(false);
                            *tokens > 0
                        };
                        let found = guard.wait_for(alone);
                        assert!(!inside.replace(true), "two hold the lock");
                        if found.is_ok() {
                            *guard -= 1;
                            taken.set(taken.get() + 1);
                            let _ = yield_now();
                        }
                        inside.set(false);
                        drop(guard);
                        if found.is_err() {
                            return;
                        }
                    })
                })
                .collect();
            for (tokens, pause) in givers {
                let condition = Rc::clone(&condition);
                event_loop.spawn(move || {
                    for _ in 0..tokens {
                        let mut guard = condition.lock().expect("nobody cancels givers");
                        *guard += 1;
                        guard.notify(1);
                        drop(guard);
                        for _ in 0..pause {
                            yield_now().expect("nobody cancels givers");
                        }
                    }
                });
            }
            for (which, cancel) in schedule {
                if let Some(task) = cancel.and_then(|index| tasks.get(index)) {
                    task.cancel();
                }
                event_loop.step(which);
            }
            event_loop.run();
            let left = *condition.try_lock().expect("nobody holds it");
            prop_assert_eq!(taken.get() + left, given);
            prop_assert!(left == 0 || tasks.iter().all(|task| task.is_done()));
            tasks.iter().for_each(|task| task.cancel());
            event_loop.run();
            prop_assert!(tasks.iter().all(|task| task.is_done()));
            Ok(())
        })?;
    }
}
