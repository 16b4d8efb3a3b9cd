//! Waiting for what runs already: `wait_for`, `shield`, `wait`, `as_completed`.

use corio::{
    Condition, Error, NothingToWaitFor, Result, ReturnWhen, SharedTask, Task, TimedOut,
    as_completed, create_future, create_task, current_task, gather, shield, sleep, timeout, wait,
    wait_for,
};
use corio_tests::{Log, ms, now, settle, virtual_run, yield_now};

/// A task that ends with `value` after so many milliseconds.
fn after<T: 'static>(delay: u64, value: T) -> Task<'static, T> {
    create_task(move || {
        sleep(ms(delay))?;
        Ok(value)
    })
}

fn failing_after(delay: u64, message: &'static str) -> Task<'static, ()> {
    create_task(move || {
        sleep(ms(delay))?;
        Err(Error::msg(message))
    })
}

#[test]
fn wait_for_cancels_and_waits_until_the_task_has_really_ended() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let slow = create_task(|| {
            let cancelled = sleep(ms(100)).unwrap_err();
            sleep(ms(5))?;
            Err::<(), _>(cancelled)
        });
        let error = wait_for(slow, ms(1)).unwrap_err();
        assert!(error.is_timeout() && !error.is_cancelled());
        assert_eq!(now() - began, ms(6));
        Ok(())
    })
}

#[test]
fn no_time_at_all_is_enough_to_wait_for_what_is_done() -> Result<()> {
    virtual_run(|| {
        let done = after(0, 1);
        settle()?;
        assert_eq!(wait_for(done, ms(0))?, 1);
        assert!(wait_for(after(1, 2), ms(0)).unwrap_err().is_timeout());
        Ok(())
    })
}

#[test]
fn a_task_that_wait_for_cancels_may_return_a_value_or_another_error() -> Result<()> {
    virtual_run(|| {
        let stubborn = create_task(|| {
            sleep(ms(100)).expect_err("time is up");
            Ok("all the same")
        });
        assert_eq!(wait_for(stubborn, ms(1))?, "all the same");
        let broken = create_task(|| {
            sleep(ms(100)).expect_err("time is up");
            Err::<(), _>(Error::msg("broken"))
        });
        assert_eq!(wait_for(broken, ms(1)).unwrap_err().to_string(), "broken");
        Ok(())
    })
}

#[test]
fn cancelling_who_waits_for_cancels_the_task() -> Result<()> {
    virtual_run(|| {
        let inner = after(100, ()).shared();
        let waited_for = inner.clone();
        let outer = create_task(move || wait_for(&waited_for, ms(50)));
        settle()?;
        outer.cancel();
        assert!(outer.wait().unwrap_err().is_cancelled());
        assert!(inner.cancelled());
        Ok(())
    })
}

#[test]
fn a_waiter_that_is_cancelled_in_the_round_in_which_the_task_ends_is_cancelled() -> Result<()> {
    virtual_run(|| {
        let (promise, future) = create_future();
        let inner = create_task(move || future.wait()).shared();
        let waited_for = inner.clone();
        let outer = create_task(move || wait_for(&waited_for, ms(50)));
        settle()?;
        promise.set_result(7)?;
        yield_now()?; // the task ends; who waits for it has not run yet
        assert!(inner.done());
        outer.cancel();
        assert!(outer.wait().unwrap_err().is_cancelled());
        assert_eq!(inner.wait()?, 7, "the task keeps its result");
        Ok(())
    })
}

#[test]
fn what_ends_just_before_the_deadline_has_ended_in_time() -> Result<()> {
    virtual_run(|| {
        assert_eq!(wait_for(after(9, "in time"), ms(10))?, "in time");
        Ok(())
    })
}

#[test]
fn waiting_for_a_condition_times_out_with_the_lock_held() -> Result<()> {
    virtual_run(|| {
        let condition = Condition::new(());
        let mut guard = condition.lock()?;
        assert!(timeout(ms(1), || guard.wait()).unwrap_err().is_timeout());
        assert!(condition.try_lock().is_none(), "the lock is held");
        drop(guard);
        assert!(condition.try_lock().is_some());
        Ok(())
    })
}

#[test]
fn a_shield_is_cancelled_and_what_it_shields_is_not() -> Result<()> {
    virtual_run(|| {
        let saving = after(5, "saved").shared();
        assert!(timeout(ms(1), || shield(&saving)).unwrap_err().is_timeout());
        assert!(!saving.done());
        assert_eq!(shield(&saving)?, "saved");
        Ok(())
    })
}

#[test]
fn a_shield_passes_on_what_became_of_the_task() -> Result<()> {
    virtual_run(|| {
        assert_eq!(shield(after(1, 5))?, 5);
        assert_eq!(shield(failing_after(1, "broken")).unwrap_err().to_string(), "broken");
        let cancelled = after(1, ()).shared();
        cancelled.cancel();
        assert!(shield(&cancelled).unwrap_err().is_cancelled());
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_shielded_task_that_fails_after_the_shield_was_cancelled_is_reported_once() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let failing = create_task(|| {
            sleep(ms(5))?;
            Err::<(), _>(Error::msg("too late"))
        });
        assert!(timeout(ms(1), || shield(failing)).is_err());
        let well = after(5, ());
        assert!(timeout(ms(1), || shield(well)).is_err());
        sleep(ms(10))?;
        let reports = log.take();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].ends_with("too late"));
        Ok(())
    })
}

#[test]
fn shields_and_gathers_compose() -> Result<()> {
    virtual_run(|| {
        let both = create_task(|| gather((after(3, 1), after(4, 2)))).shared();
        assert!(timeout(ms(1), || shield(&both)).is_err());
        assert_eq!(both.wait()?, (1, 2));

        let kept = after(3, 3).shared();
        let (one, two) = (kept.clone(), kept.clone());
        let gathering = create_task(move || gather((move || shield(&one), move || shield(&two))));
        settle()?;
        gathering.cancel();
        assert!(gathering.wait().unwrap_err().is_cancelled());
        assert_eq!(kept.wait()?, 3);
        Ok(())
    })
}

#[test]
fn wait_returns_when_all_one_or_a_failure_is_there() -> Result<()> {
    virtual_run(|| {
        let tasks = || {
            [failing_after(3, "c").shared(), after(1, ()).shared(), {
                let cancelled = after(10, ()).shared();
                let inner = cancelled.clone();
                drop(create_task(move || {
                    sleep(ms(2))?;
                    inner.cancel();
                    Ok(())
                }));
                cancelled
            }]
        };
        let count = |until| {
            let began = now();
            let (done, pending) = wait(tasks(), until, None)?;
            // What is pending is not cancelled by being dropped; each round has tasks of its own.
            Ok::<_, Error>((done.len(), pending.len(), now() - began))
        };
        assert_eq!(count(ReturnWhen::FirstCompleted)?, (1, 2, ms(1)));
        assert_eq!(count(ReturnWhen::FirstException)?, (3, 0, ms(3)), "cancelled is no failure");
        assert_eq!(count(ReturnWhen::AllCompleted)?, (3, 0, ms(3)));
        Ok(())
    })
}

#[test]
fn wait_returns_whatever_is_done_by_then() -> Result<()> {
    virtual_run(|| {
        let tasks = [after(1, ()), after(1, ()), after(2, ())];
        let (done, pending) = wait(tasks, ReturnWhen::FirstCompleted, None)?;
        assert_eq!((done.len(), pending.len()), (2, 1));
        Ok(())
    })
}

#[test]
fn wait_gives_up_in_time_and_cancels_nothing() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let tasks = [after(1, ()).shared(), after(5, ()).shared()];
        let (done, pending) = wait(&tasks, ReturnWhen::AllCompleted, Some(ms(3)))?;
        assert_eq!((done.len(), pending.len(), now() - began), (1, 1, ms(3)));
        tasks[1].wait()?;

        let on_time = [after(3, ())];
        yield_now()?;
        let (done, _) = wait(&on_time, ReturnWhen::AllCompleted, Some(ms(3)))?;
        assert_eq!(done.len(), 1, "who ends exactly at the limit has ended");
        Ok(())
    })
}

#[test]
fn wait_for_nothing_is_an_error() -> Result<()> {
    virtual_run(|| {
        let nothing: [Task<'static, ()>; 0] = [];
        let error = wait(nothing, ReturnWhen::AllCompleted, None).unwrap_err();
        assert!(error.downcast_ref::<NothingToWaitFor>().is_some());
        Ok(())
    })
}

#[test]
fn cancelling_who_waits_for_several_leaves_them_alone() -> Result<()> {
    virtual_run(|| {
        let task = after(5, 1).shared();
        let waited_for = task.clone();
        let waiting =
            create_task(move || wait([waited_for], ReturnWhen::AllCompleted, None).map(drop));
        settle()?;
        waiting.cancel();
        assert!(waiting.wait().unwrap_err().is_cancelled());
        assert_eq!(task.wait()?, 1);
        Ok(())
    })
}

#[test]
fn a_handle_that_is_given_twice_comes_back_twice() -> Result<()> {
    virtual_run(|| {
        let task = after(1, ()).shared();
        let (done, _) = wait([&task, &task], ReturnWhen::AllCompleted, None)?;
        assert_eq!(done.len(), 2);
        assert_eq!(as_completed([&task, &task], None)?.count(), 2);
        Ok(())
    })
}

#[test]
fn tasks_come_as_they_end_and_those_that_were_done_first() -> Result<()> {
    virtual_run(|| {
        let ended = [after(0, "a"), after(0, "b")];
        settle()?;
        let [a, b] = ended;
        let tasks = [after(3, "d"), b, after(2, "c"), a];
        let order: Result<Vec<_>> = as_completed(tasks, None)?.map(|task| task?.wait()).collect();
        assert_eq!(order?, ["b", "a", "c", "d"]);
        Ok(())
    })
}

#[test]
fn iterating_can_be_interrupted_and_gone_on_with() -> Result<()> {
    virtual_run(|| {
        let tasks = [after(2, "a"), after(4, "b")];
        let mut completed = as_completed(tasks, None)?;
        let interrupted = timeout(ms(1), || completed.next().expect("two are there").map(drop));
        assert!(interrupted.unwrap_err().is_timeout());
        let rest: Result<Vec<_>> = completed.map(|task| task?.wait()).collect();
        assert_eq!(rest?, ["a", "b"]);
        Ok(())
    })
}

#[test]
fn those_that_have_not_ended_in_time_come_as_timed_out_and_run_on() -> Result<()> {
    virtual_run(|| {
        let tasks = [after(1, ()).shared(), after(5, ()).shared(), after(6, ()).shared()];
        let names: Vec<_> = as_completed(tasks.clone(), Some(ms(3)))?
            .map(|task| match task {
                Ok(task) => task.name(),
                Err(error) => format!("{:?}", error.downcast_ref::<TimedOut>()),
            })
            .collect();
        assert_eq!(names, [tasks[0].name().as_str(), "Some(TimedOut)", "Some(TimedOut)"]);
        assert!(tasks.iter().skip(1).all(|task: &SharedTask<'_, ()>| !task.done()));
        drop(as_completed(tasks.clone(), Some(ms(100)))?);
        tasks[2].wait()?;
        Ok(())
    })
}
