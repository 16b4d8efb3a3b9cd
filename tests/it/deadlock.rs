//! A program in which every task waits for ever says so instead.

use std::cell::RefCell;
use std::rc::Rc;

use corio::{
    Deadlock, Error, Event, Lock, Result, Runner, TaskOptions, create_future, create_task,
    create_task_with, gather, sleep, task_group, timeout,
};
use corio_tests::{Log, in_a_process, ms, virtual_run};

fn waits(error: &Error) -> Vec<(String, String)> {
    let leaf = error.group().and_then(|group| group.leaves().next()).unwrap_or(error);
    let deadlock = leaf.downcast_ref::<Deadlock>();
    let deadlock = deadlock.unwrap_or_else(|| panic!("not a deadlock: {error}"));
    deadlock.waits().map(|(task, wait)| (task.to_owned(), wait.to_owned())).collect()
}

fn named(name: &str) -> TaskOptions {
    TaskOptions::new().name(name)
}

#[test]
fn a_deadlock_says_which_task_waits_for_what_and_where() {
    let line = line!() + 6;
    let error = virtual_run(|| {
        let lock = Rc::new(Lock::new(()));
        let _guard = lock.lock()?;
        let wanted = Rc::clone(&lock);
        let options = named("dining philosopher");
        drop(create_task_with(options, move || wanted.lock().map(drop)));
        Event::new().wait()
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "deadlock: every task waits, and nothing is left that could wake one\n  \
             task 'Task-1' waits for an event ({file}:{}:22)\n  \
             task 'dining philosopher' waits for a lock ({file}:{line}:55)",
            line + 1,
            file = file!(),
        ),
    );
}

#[test]
fn two_tasks_that_take_two_locks_in_opposite_order_are_found_out() {
    let error = virtual_run(|| {
        let locks = Rc::new([Lock::new(()), Lock::new(())]);
        let tasks = [(0, 1), (1, 0)].map(|(first, second)| {
            let locks = Rc::clone(&locks);
            create_task(move || {
                let _first = locks[first].lock()?;
                sleep(ms(1))?;
                locks[second].lock().map(drop)
            })
        });
        gather(tasks).map(drop)
    })
    .unwrap_err();
    let waits = waits(&error);
    let tasks: Vec<_> = waits.iter().map(|(task, _)| task.as_str()).collect();
    assert_eq!(tasks, ["Task-1", "Task-2", "Task-3"]);
    assert!(waits[0].1.starts_with("the members of a gather"), "{waits:?}");
    assert!(waits[1].1.starts_with("a lock") && waits[2].1.starts_with("a lock"), "{waits:?}");
}

#[test]
fn a_deadlock_in_a_task_group_ends_the_group() {
    let log = Log::new();
    let error = virtual_run(|| {
        let never = Event::new();
        task_group(|group| {
            for name in ["a", "b"] {
                let (never, log) = (&never, &log);
                group.create_task_with(named(name), move || {
                    let _ended = log.on_drop("ended");
                    never.wait()
                });
            }
            Ok(())
        })
    })
    .unwrap_err();
    let waits = waits(&error);
    let tasks: Vec<_> = waits.iter().map(|(task, _)| task.as_str()).collect();
    assert_eq!(tasks, ["Task-1", "a", "b"]);
    assert!(waits[0].1.starts_with("the tasks of a group"), "{waits:?}");
    assert_eq!(log.take(), ["ended", "ended"]);
}

#[test]
fn a_deadlock_in_the_body_of_a_group_is_an_error_of_the_group() {
    let error = virtual_run(|| {
        let never = Event::new();
        task_group(|group| {
            group.create_task(|| never.wait());
            let (_promise, future) = create_future::<()>();
            future.wait()
        })
    })
    .unwrap_err();
    assert!(waits(&error)[0].1.starts_with("a future"));
}

#[test]
fn a_deadlock_of_closures_in_a_gather_ends_them() {
    let log = Log::new();
    let error = virtual_run(|| {
        let never = Event::new();
        let wait = || {
            let _ended = log.on_drop("ended");
            never.wait()
        };
        gather([wait, wait]).map(drop)
    })
    .unwrap_err();
    assert_eq!(waits(&error).len(), 3);
    assert_eq!(log.take(), ["ended", "ended"]);
}

#[test]
fn waiting_for_a_task_that_waits_for_ever_names_both() {
    let error = virtual_run(|| create_task_with(named("stuck"), || Event::new().wait()).wait())
        .unwrap_err();
    let waits = waits(&error);
    assert!(waits[0].1.starts_with("task 'stuck' ("), "{waits:?}");
    assert_eq!(waits[1].0, "stuck");
}

#[test]
fn a_task_that_still_has_a_timer_is_no_deadlock() -> Result<()> {
    virtual_run(|| {
        let event = Rc::new(Event::new());
        let set = Rc::clone(&event);
        drop(create_task(move || {
            sleep(ms(3_600_000))?;
            set.set();
            Ok(())
        }));
        event.wait()?;
        let error = timeout(ms(3_600_000), || Event::new().wait()).unwrap_err();
        assert!(error.is_timeout());
        Ok(())
    })
}

#[test]
fn a_main_task_that_survives_a_deadlock_may_go_on() -> Result<()> {
    virtual_run(|| {
        let event = Rc::new(Event::new());
        let waited = Rc::clone(&event);
        let task = create_task(move || waited.wait());
        let error = Event::new().wait().unwrap_err();
        assert_eq!(waits(&error).len(), 2);
        assert!(!task.done(), "only the main task is told");
        event.set();
        task.wait()
    })
}

#[test]
fn a_list_of_very_many_is_cut_short_in_the_message_only() {
    let error = virtual_run(|| {
        for _ in 0..100 {
            drop(create_task(|| Event::new().wait()));
        }
        Event::new().wait()
    })
    .unwrap_err();
    assert_eq!(waits(&error).len(), 101);
    let message = error.to_string();
    assert_eq!(message.lines().count(), 22);
    assert!(message.ends_with("\n  and 81 more"), "{message}");
}

#[test]
fn a_stuck_task_left_at_the_end_is_reported_by_name_and_leaked() -> Result<()> {
    let log = Log::new();
    let in_main = log.clone();
    virtual_run(move || {
        in_main.note_reports();
        let captured = in_main.on_drop("dropped");
        drop(create_task_with(named("stubborn"), move || {
            let _captured = captured;
            let never = Event::new();
            while never.wait().is_err() {}
            Ok(())
        }));
        sleep(ms(1))
    })?;
    let reports = log.take();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].starts_with("task 'stubborn' was left behind: "), "{reports:?}");
    assert!(reports[0].contains("still waits for an event ("), "{reports:?}");
    Ok(())
}

#[test]
fn a_task_that_waits_for_its_own_end_through_others_is_found_out() {
    let error = virtual_run(|| {
        let slot = Rc::new(RefCell::new(None));
        let first = {
            let slot = Rc::clone(&slot);
            create_task_with(named("first"), move || {
                let second: corio::Task<'static, ()> = slot.take().expect("it is there");
                second.wait()
            })
        };
        *slot.borrow_mut() = Some(create_task_with(named("second"), move || first.wait()));
        Event::new().wait()
    })
    .unwrap_err();
    let waits = waits(&error);
    assert!(waits[1].1.starts_with("task 'second' ("), "{waits:?}");
    assert!(waits[2].1.starts_with("task 'first' ("), "{waits:?}");
}

#[test]
fn a_loop_may_find_any_number_of_deadlocks_as_long_as_each_is_survived() {
    let name = "deadlock::a_loop_may_find_any_number_of_deadlocks_as_long_as_each_is_survived";
    let output = in_a_process(name, || {
        let mut runner = Runner::with_virtual_clock().expect("there is one");
        for _ in 0..20_000 {
            assert!(runner.run(|| Event::new().wait()).is_err());
        }
    });
    let Some(output) = output else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
