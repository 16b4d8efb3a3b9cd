//! Tasks: when they run, what comes of them, what they are called.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use corio::{
    CannotWait, Error, InvalidState, Result, Task, TaskOptions, create_task, create_task_with,
    current_task, get_running_loop, sleep,
};
use corio_tests::{Log, OnDrop, ms, now, settle, virtual_run, yield_now};

#[test]
fn a_task_begins_when_its_creator_waits_and_not_before() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = log.clone();
        let task = create_task(move || {
            in_task.note("task");
            Ok(())
        });
        log.note("created");
        yield_now()?;
        log.note("waited");
        assert_eq!(log.take(), ["created", "task", "waited"]);
        task.wait()
    })
}

#[test]
fn tasks_take_turns_in_the_order_of_their_creation() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let tasks: Vec<_> = ["a", "b", "c"]
            .map(|name| {
                let log = log.clone();
                create_task(move || {
                    for round in 0..3 {
                        log.note(format!("{name}{round}"));
                        yield_now()?;
                    }
                    Ok(())
                })
            })
            .into();
        tasks.into_iter().try_for_each(Task::wait)?;
        assert_eq!(log.take(), ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]);
        Ok(())
    })
}

#[test]
fn results_and_errors_pass_through_tasks_that_wait_for_tasks() -> Result<()> {
    fn nested(depth: u32, outcome: Result<u32>) -> Result<u32> {
        if depth == 0 {
            yield_now()?;
            return outcome;
        }
        create_task(move || nested(depth - 1, outcome)).wait()
    }
    virtual_run(|| {
        assert_eq!(nested(10, Ok(7))?, 7);
        let error = nested(10, Err("x".parse::<u32>().unwrap_err().into())).unwrap_err();
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
        Ok(())
    })
}

#[test]
fn waiting_for_a_finished_task_does_not_yield() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let task = create_task(|| Ok(1));
        yield_now()?;
        assert!(task.done());
        let other = log.clone();
        drop(create_task(move || {
            other.note("other");
            Ok(())
        }));
        assert_eq!(task.wait()?, 1);
        log.note("waited");
        yield_now()?;
        assert_eq!(log.take(), ["waited", "other"]);
        Ok(())
    })
}

#[test]
fn a_finished_task_can_be_waited_for_off_the_loop() -> Result<()> {
    let task = virtual_run(|| {
        let task = create_task(|| Ok(String::from("kept")));
        yield_now()?;
        Ok(task)
    })?;
    assert_eq!(task.wait()?, "kept");
    Ok(())
}

#[test]
fn tasks_are_numbered_from_the_main_task_on_unless_they_are_named() -> Result<()> {
    virtual_run(|| {
        assert_eq!(current_task()?.name(), "Task-1");
        let second = create_task(|| Ok(current_task()?.name()));
        let named = create_task_with(TaskOptions::new().name("digger"), || {
            let me = current_task()?;
            let before = me.name();
            me.set_name("miner");
            Ok((before, me.name()))
        });
        assert_eq!((second.name().as_str(), named.name().as_str()), ("Task-2", "digger"));
        assert_eq!(second.wait()?, "Task-2");
        assert_eq!(named.wait()?, ("digger".into(), "miner".into()));
        assert_eq!(create_task(|| Ok(current_task()?.name())).wait()?, "Task-4");
        Ok(())
    })
}

#[test]
fn the_current_task_is_the_one_that_runs_however_tasks_interleave() -> Result<()> {
    virtual_run(|| {
        let main = current_task()?;
        let tasks: Vec<_> = (0..4)
            .map(|index| {
                create_task_with(TaskOptions::new().name(format!("t{index}")), move || {
                    let me = current_task()?;
                    for _ in 0..5 {
                        assert_eq!(me.name(), format!("t{index}"));
                        assert_eq!(current_task()?, me);
                        yield_now()?;
                    }
                    Ok(me)
                })
            })
            .collect();
        yield_now()?;
        assert_eq!(current_task()?, main);
        for task in tasks {
            let handle = task.wait()?;
            assert_ne!(handle, main);
            assert!(handle.done() && !main.done());
        }
        Ok(())
    })
}

#[test]
fn a_task_whose_handle_is_dropped_runs_on_and_its_value_goes_when_it_ends() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = log.clone();
        drop(create_task(move || {
            sleep(ms(5))?;
            in_task.note("ends");
            Ok(in_task.on_drop("value dropped"))
        }));
        sleep(ms(4))?;
        assert!(log.take().is_empty());
        sleep(ms(2))?;
        assert_eq!(log.take(), ["ends", "value dropped"]);
        Ok(())
    })
}

#[test]
fn what_a_task_owns_is_gone_before_its_waiter_goes_on() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let (captured, in_task) = (log.on_drop("captured"), log.clone());
        let task = create_task(move || {
            let _local = in_task.on_drop("local");
            let _captured = &captured;
            yield_now()
        });
        task.wait()?;
        log.note("waited");
        assert_eq!(log.take(), ["local", "captured", "waited"]);
        Ok(())
    })
}

#[test]
fn a_destructor_may_wait_on_the_way_out_of_a_task() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let log = Log::new();
        let in_task = log.clone();
        let task = create_task(move || {
            let _slow = OnDrop(|| sleep(ms(3)).expect("an ordinary return unwinds nothing"));
            in_task.note("returns");
            Ok(())
        });
        yield_now()?;
        assert!(!task.done(), "its destructors are part of it");
        task.wait()?;
        assert_eq!((log.take().len(), now() - began), (1, ms(3)));
        Ok(())
    })
}

#[test]
fn the_destructor_of_an_unwanted_value_cannot_wait_and_is_told_so() -> Result<()> {
    virtual_run(|| {
        let seen = Rc::new(RefCell::new(None));
        let saw = Rc::clone(&seen);
        drop(create_task(move || Ok(OnDrop(move || *saw.borrow_mut() = Some(sleep(ms(1)))))));
        settle()?;
        let error = seen.take().expect("it was dropped").unwrap_err();
        assert!(error.downcast_ref::<CannotWait>().is_some(), "{error}");
        Ok(())
    })
}

#[test]
fn an_outcome_can_be_looked_at_before_it_is_taken() -> Result<()> {
    virtual_run(|| {
        let good = create_task(|| Ok(vec![1, 2]));
        let bad = create_task(|| Err::<(), _>(Error::msg("bad")));
        let pending = |error: Error| error.downcast_ref() == Some(&InvalidState::Pending);
        assert!(good.result().is_err_and(pending));
        assert!(bad.exception().is_err_and(pending));
        assert!(!good.done());
        yield_now()?;
        assert_eq!(good.result()?, &[1, 2]);
        assert!(good.exception()?.is_none());
        assert_eq!(bad.result().unwrap_err().to_string(), "bad");
        assert_eq!(bad.exception()?.map(ToString::to_string), Some("bad".into()));
        assert!(good.done() && bad.done() && !bad.cancelled());
        assert_eq!(good.wait()?, [1, 2]);
        assert_eq!(bad.wait().unwrap_err().to_string(), "bad");
        Ok(())
    })
}

#[test]
fn done_callbacks_run_later_in_order_and_see_the_value_that_is_waited_for() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let task = create_task(|| Ok(String::from("value")));
        for name in ["first", "second"] {
            let log = log.clone();
            task.add_done_callback(move |outcome| {
                assert!(current_task().is_err(), "a callback is no task");
                log.note(format!("{name} {}", outcome.expect("it went well")));
            })?;
        }
        log.note("added");
        let value = task.wait()?;
        log.note(format!("took {value}"));
        assert_eq!(log.take(), ["added", "first value", "second value", "took value"]);
        Ok(())
    })
}

#[test]
fn a_done_callback_added_after_the_end_still_runs_later() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let task = create_task(|| Ok(()));
        yield_now()?;
        let in_callback = log.clone();
        task.add_done_callback(move |_| in_callback.note("callback"))?;
        log.note("added");
        yield_now()?;
        log.note("yielded");
        assert_eq!(log.take(), ["added", "callback", "yielded"]);
        task.wait()
    })
}

#[test]
fn a_done_callback_can_be_taken_back_while_the_task_runs() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let task = create_task(yield_now);
        let (keep, drop_me) = (log.clone(), log.clone());
        let dropped = log.on_drop("dropped");
        let key = task.add_done_callback(move |_| {
            let _ = &dropped;
            drop_me.note("taken back");
        })?;
        task.add_done_callback(move |_| keep.note("kept"))?;
        assert!(task.remove_done_callback(key));
        assert!(!task.remove_done_callback(key));
        assert_eq!(log.take(), ["dropped"]);
        task.wait()?;
        assert_eq!(log.take(), ["kept"]);
        Ok(())
    })
}

#[test]
fn a_task_can_be_made_in_a_callback() -> Result<()> {
    virtual_run(|| {
        let made = Rc::new(RefCell::new(None));
        let make = Rc::clone(&made);
        get_running_loop()?.call_soon(move || {
            *make.borrow_mut() = Some(create_task(|| {
                sleep(ms(1))?;
                Ok(5)
            }));
        });
        yield_now()?;
        let task = made.take().expect("the callback ran");
        assert_eq!(task.wait()?, 5);
        Ok(())
    })
}

#[test]
fn a_task_with_a_stack_of_its_own_size_can_call_deeply() -> Result<()> {
    fn deep(levels: u32) -> u64 {
        let frame = [u64::from(levels); 64];
        if levels == 0 { 0 } else { deep(levels - 1) + std::hint::black_box(frame)[7] % 2 }
    }
    virtual_run(|| {
        let options = TaskOptions::new().stack_size(8 * 1024 * 1024);
        assert_eq!(create_task_with(options, || Ok(deep(4000))).wait()?, 2000);
        Ok(())
    })
}

#[test]
fn a_task_for_which_there_is_no_stack_fails_and_drops_its_closure() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let captured = log.on_drop("captured");
        let options = TaskOptions::new().stack_size(isize::MAX as usize);
        let task = create_task_with(options, move || {
            let _ = &captured;
            Ok(())
        });
        let error = task.wait().unwrap_err();
        assert!(!error.is_cancelled(), "{error}");
        assert_eq!(log.take(), ["captured"]);
        Ok(())
    })
}

#[test]
fn statistics_count_what_is_there() -> Result<()> {
    virtual_run(|| {
        let event_loop = get_running_loop()?;
        let tasks: Vec<_> = (0..10).map(|_| create_task(|| sleep(ms(1)))).collect();
        assert_eq!(event_loop.statistics().tasks, 11);
        tasks.into_iter().try_for_each(Task::wait)?;
        let statistics = event_loop.statistics();
        assert_eq!((statistics.tasks, statistics.tasks_peak, statistics.tasks_made), (1, 11, 11));
        Ok(())
    })
}

#[test]
fn a_task_may_own_the_handle_of_another() -> Result<()> {
    virtual_run(|| {
        let count = Rc::new(Cell::new(0));
        let mut last = create_task(|| Ok(0));
        for _ in 0..100 {
            let count = Rc::clone(&count);
            last = create_task(move || {
                count.set(count.get() + 1);
                Ok(last.wait()? + 1)
            });
        }
        assert_eq!((last.wait()?, count.get()), (100, 100));
        Ok(())
    })
}
