//! Locks and events on the loop. How they behave on any loop is tested beside them.

use std::rc::Rc;

use corio::{Event, Lock, Result, Task, create_task, sleep, task_group};
use corio_tests::{Log, ms, settle, virtual_run, yield_now};

#[test]
fn a_free_lock_and_a_set_event_are_had_without_yielding() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = log.clone();
        drop(create_task(move || {
            in_task.note("other");
            Ok(())
        }));
        let (lock, event) = (Lock::new(()), Event::new());
        event.set();
        // Both are waits, of which a task has 128 before it must let others run.
        for _ in 0..64 {
            drop(lock.lock()?);
            event.wait()?;
        }
        log.note("done");
        yield_now()?;
        assert_eq!(log.take(), ["done", "other"]);
        Ok(())
    })
}

#[test]
fn a_lock_is_handed_over_in_the_order_of_asking() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let lock = Lock::new(0);
        task_group(|group| {
            for name in ["a", "b", "c"] {
                let (log, lock) = (&log, &lock);
                group.create_task(move || {
                    for round in 0..2 {
                        let mut value = lock.lock()?;
                        let before = *value;
                        sleep(ms(1))?;
                        assert_eq!(*value, before, "nobody else has it");
                        *value += 1;
                        log.note(format!("{name}{round}"));
                    }
                    Ok(())
                });
            }
            Ok(())
        })?;
        assert_eq!(log.take(), ["a0", "b0", "c0", "a1", "b1", "c1"]);
        assert_eq!(lock.into_inner(), 6);
        Ok(())
    })
}

#[test]
fn nobody_barges_in_between_release_and_the_next_in_the_queue() -> Result<()> {
    virtual_run(|| {
        let lock = Rc::new(Lock::new(()));
        let guard = lock.lock()?;
        let waiter = Rc::clone(&lock);
        let task = create_task(move || waiter.lock().map(drop));
        settle()?;
        drop(guard);
        assert!(lock.try_lock().is_none(), "it is to be the waiter's");
        assert!(!lock.is_locked(), "who does not hold it yet");
        task.wait()?;
        assert!(lock.try_lock().is_some());
        Ok(())
    })
}

#[test]
fn a_waiter_cancelled_in_the_queue_is_passed_over() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let lock = Rc::new(Lock::new(()));
        let guard = lock.lock()?;
        let tasks = waiters(&lock, &log);
        settle()?;
        tasks[0].cancel();
        drop(guard);
        settle()?;
        assert_eq!(log.take(), ["b", "c"]);
        assert!(tasks[0].cancelled() && !lock.is_locked());
        Ok(())
    })
}

#[test]
fn a_waiter_that_was_given_the_lock_and_cancelled_passes_it_on() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let lock = Rc::new(Lock::new(()));
        let guard = lock.lock()?;
        let tasks = waiters(&lock, &log);
        settle()?;
        drop(guard);
        assert!(tasks[0].cancel());
        settle()?;
        assert_eq!(log.take(), ["b", "c"]);
        assert!(tasks[0].cancelled() && !lock.is_locked());
        Ok(())
    })
}

#[test]
fn a_lock_given_to_cancelled_waiters_only_ends_up_free() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let lock = Rc::new(Lock::new(()));
        let guard = lock.lock()?;
        let tasks = waiters(&lock, &log);
        settle()?;
        drop(guard);
        for task in &tasks {
            task.cancel();
        }
        settle()?;
        assert!(log.take().is_empty() && !lock.is_locked());
        Ok(())
    })
}

fn waiters(lock: &Rc<Lock<()>>, log: &Log) -> [Task<'static, ()>; 3] {
    ["a", "b", "c"].map(|name| {
        let (lock, log) = (Rc::clone(lock), log.clone());
        create_task(move || {
            let _guard = lock.lock()?;
            log.note(name);
            Ok(())
        })
    })
}

#[test]
fn a_guard_is_released_by_a_panic() -> Result<()> {
    virtual_run(|| {
        let lock = Rc::new(Lock::new(1));
        let in_task = Rc::clone(&lock);
        let task = create_task(move || {
            let mut guard = in_task.lock()?;
            *guard = 2;
            let _: Result<()> = Err(corio::Error::msg("unused"));
            panic!("with the lock held")
        });
        yield_now()?;
        let _: &Task<'_, ()> = &task;
        assert_eq!(*lock.lock()?, 2, "there is no poison");
        assert!(corio_tests::panic_of(|| task.wait()).contains("lock held"));
        Ok(())
    })
}

#[test]
fn an_event_lets_all_go_who_waited_even_if_it_is_cleared_at_once() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let event = Rc::new(Event::new());
        let wait = |name: &'static str| {
            let (event, log) = (Rc::clone(&event), log.clone());
            create_task(move || {
                event.wait()?;
                log.note(name);
                Ok(())
            })
        };
        let early = ["a", "b", "c"].map(wait);
        settle()?;
        event.set();
        event.clear();
        assert!(!event.is_set());
        let late = wait("late");
        settle()?;
        assert_eq!(log.take(), ["a", "b", "c"]);
        assert!(early.iter().all(Task::done) && !late.done());
        event.set();
        late.wait()
    })
}

#[test]
fn who_comes_after_the_event_was_set_may_go_first() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let event = Rc::new(Event::new());
        let wait = |name: &'static str| {
            let (event, log) = (Rc::clone(&event), log.clone());
            create_task(move || {
                event.wait()?;
                log.note(name);
                Ok(())
            })
        };
        let (_first, _second) = (wait("1"), wait("2"));
        settle()?;
        let _third = wait("3");
        event.set();
        settle()?;
        assert_eq!(log.take(), ["3", "1", "2"]);
        Ok(())
    })
}
