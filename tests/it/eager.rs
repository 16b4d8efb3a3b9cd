//! Tasks whose first step does not wait for its turn.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use corio::{
    ContextVar, Error, Event, Lock, Result, Runner, Task, TaskOptions, all_tasks, create_task,
    create_task_with, current_task, gather, get_running_loop, sleep, task_group, timeout,
};
use corio_coroutine::Generator;
use corio_tests::{Log, OnDrop, ms, now, panic_of, settle, virtual_run, yield_now};

/// Runs `main` on a loop whose tasks begin eagerly.
fn eager_run<T>(main: impl FnOnce() -> Result<T>) -> Result<T> {
    Runner::with_virtual_clock()?.eager_tasks(true).run(main)
}

fn eager<T: 'static>(body: impl FnOnce() -> Result<T> + 'static) -> Task<'static, T> {
    create_task_with(TaskOptions::new().eager(true), body)
}

#[test]
fn an_eager_task_runs_inside_the_call_that_makes_it_until_it_waits() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let child = log.clone();
        let task = eager(move || {
            child.note("begins");
            yield_now()?;
            child.note("goes on");
            sleep(ms(1))?;
            Ok("value")
        });
        log.note("made");
        assert!(!task.done());
        yield_now()?;
        log.note("yielded");
        assert_eq!(task.wait()?, "value");
        assert_eq!(log.take(), ["begins", "made", "goes on", "yielded"]);
        Ok(())
    })
}

#[test]
fn one_that_never_waits_is_done_when_it_is_returned_and_cannot_be_cancelled() -> Result<()> {
    virtual_run(|| {
        let steps = || Ok::<_, Error>(get_running_loop()?.statistics().steps);
        let before = steps()?;
        let task = eager(|| Ok(5));
        assert!(task.done() && !task.cancel() && !task.cancelled());
        assert_eq!((task.wait()?, steps()?), (5, before));
        let failed = eager(|| Err::<(), _>(Error::msg("no")));
        assert_eq!(failed.exception()?.expect("it failed").to_string(), "no");
        assert!(!failed.cancel());
        Ok(())
    })
}

#[test]
fn one_that_waits_can_be_cancelled_like_any_other() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let child = log.clone();
        let task = eager(move || {
            let ended = Event::new().wait();
            child.note(format!("{}", ended.as_ref().unwrap_err()));
            ended
        });
        assert!(task.cancel());
        assert!(task.wait().unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["cancelled"]);
        Ok(())
    })
}

#[test]
fn the_current_task_is_the_child_and_then_its_creator_again() -> Result<()> {
    virtual_run(|| {
        let parent = current_task()?;
        let expected = parent.clone();
        let task = eager(move || {
            let child = current_task()?;
            assert!(child != expected && !expected.done());
            let tasks = all_tasks()?;
            assert!(tasks.contains(&child) && tasks.contains(&expected));
            let grandchild = eager(|| {
                let grandchild = current_task()?;
                yield_now()?;
                assert_eq!(current_task()?, grandchild);
                Ok(())
            });
            assert_eq!(current_task()?, child);
            yield_now()?;
            assert_eq!(current_task()?, child);
            grandchild.wait()
        });
        assert_eq!(current_task()?, parent);
        assert_eq!(all_tasks()?.len(), 3);
        task.wait()?;
        assert_eq!((current_task()?, all_tasks()?.len()), (parent, 1));
        Ok(())
    })
}

#[test]
fn contexts_are_isolated_in_eager_tasks_too() -> Result<()> {
    static NAME: ContextVar<&str> = ContextVar::new("name");
    virtual_run(|| {
        NAME.set("parent");
        let task = eager(|| {
            let inherited = NAME.get()?;
            NAME.set("child");
            yield_now()?;
            Ok((inherited, NAME.get()?))
        });
        assert_eq!(NAME.get()?, "parent");
        NAME.set("parent, later");
        assert_eq!(task.wait()?, ("parent", "child"));
        assert_eq!(NAME.get()?, "parent, later");
        Ok(())
    })
}

#[test]
fn a_loop_can_make_all_tasks_eager_but_those_that_do_not_want_it() -> Result<()> {
    eager_run(|| {
        assert!(create_task(|| Ok(())).done());
        let lazy = create_task_with(TaskOptions::new().eager(false), || Ok(()));
        assert!(!lazy.done());
        lazy.wait()
    })
}

#[test]
fn only_a_running_loop_makes_tasks_eager() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?.eager_tasks(true);
    let log = Log::new();
    let refused = eager(|| -> Result<()> { unreachable!("no loop runs") });
    assert!(refused.wait().is_err());
    // The main task itself begins in its turn.
    let child = log.clone();
    runner.run(|| {
        get_running_loop()?.call_soon(move || {
            drop(create_task(move || {
                child.note("in a callback");
                yield_now()?;
                child.note("and out of it");
                Ok(())
            }));
        });
        settle()
    })?;
    assert_eq!(log.take(), ["in a callback", "and out of it"]);
    Ok(())
}

/// Runs through a tree of tasks, five below each, and counts them.
fn gathered(depth: usize) -> Result<usize> {
    if depth == 0 {
        return Ok(1);
    }
    let counts = gather([|| gathered(depth - 1); 5])?;
    Ok(1 + counts.iter().sum::<usize>())
}

/// As [`gathered`], by task groups.
fn grouped(depth: usize) -> Result<usize> {
    if depth == 0 {
        return Ok(1);
    }
    task_group(|group| {
        let children: Vec<_> =
            (0..5).map(|_| group.create_task(move || grouped(depth - 1))).collect();
        children.into_iter().try_fold(1, |sum, child| Ok(sum + child.wait()?))
    })
}

#[test]
fn a_tree_of_eager_tasks_that_never_wait_schedules_none() -> Result<()> {
    for count in [gathered, grouped] {
        for (is_eager, scheduled) in [(true, 0), (false, 780)] {
            Runner::with_virtual_clock()?.eager_tasks(is_eager).run(|| {
                let before = get_running_loop()?.statistics();
                assert_eq!(count(4)?, 781);
                let after = get_running_loop()?.statistics();
                assert_eq!(after.tasks_made - before.tasks_made, 780);
                // Those who wait for others have another step.
                assert_eq!(after.steps > before.steps, !is_eager);
                assert!(after.steps - before.steps >= scheduled);
                assert_eq!(after.tasks, 1);
                Ok(())
            })?;
        }
    }
    Ok(())
}

#[test]
fn eager_tasks_nest_as_deep_as_there_are_stacks() -> Result<()> {
    fn nest(depth: usize) -> Result<usize> {
        if depth == 0 {
            settle()?;
            return Ok(0);
        }
        Ok(1 + create_task(move || nest(depth - 1)).wait()?)
    }
    eager_run(|| {
        assert_eq!(nest(1000)?, 1000);
        Ok(())
    })
}

#[test]
fn an_eager_child_that_fails_cancels_its_siblings_and_its_creator() -> Result<()> {
    eager_run(|| {
        let log = Log::new();
        let failed = task_group(|group| {
            group.create_task(|| {
                let ended = Event::new().wait();
                log.note("sibling cancelled");
                ended
            });
            group.create_task(|| {
                // Fails while this one is being made, which is cancelled where it waits next: the
                // group is told in a step of its own, eager or not.
                group.create_task(|| Err::<(), _>(Error::msg("no")));
                log.note("maker goes on");
                let ended = yield_now();
                log.note(format!("maker: {}", ended.as_ref().unwrap_err()));
                ended
            });
            log.note("body goes on");
            let ended = yield_now();
            log.note(format!("body: {}", ended.as_ref().unwrap_err()));
            ended
        });
        let error = failed.unwrap_err();
        assert_eq!(error.group().expect("a group").leaves().count(), 1);
        assert_eq!(current_task()?.cancelling(), 0);
        assert_eq!(log.take()[..2], ["maker goes on", "body goes on"]);
        Ok(())
    })
}

#[test]
fn the_failure_of_an_eager_task_that_nobody_waits_for_is_reported() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        drop(eager(|| Err::<(), _>(Error::msg("no"))));
        assert_eq!(log.take(), ["task 'Task-2' failed and nobody waits for it: no"]);
        Ok(())
    })
}

#[test]
fn a_panic_of_an_eager_task_goes_to_whoever_waits_for_it() -> Result<()> {
    virtual_run(|| {
        let task = eager(|| -> Result<()> { panic!("early") });
        assert!(task.done());
        assert_eq!(panic_of(|| task.wait()), "early");
        Ok(())
    })
}

#[test]
fn a_task_that_is_made_while_a_panic_unwinds_begins_later_and_can_wait() -> Result<()> {
    virtual_run(|| {
        let made = Rc::new(RefCell::new(None));
        let makes = Rc::clone(&made);
        let _said = panic_of(move || {
            let _on_drop = OnDrop(move || {
                let task = eager(|| yield_now().map(|()| "waited"));
                makes.replace(Some(task));
            });
            panic!("unwinding");
        });
        let task = made.take().expect("it was made");
        assert!(!task.done());
        assert_eq!(task.wait()?, "waited");
        Ok(())
    })
}

#[test]
fn an_eager_task_cannot_suspend_its_creator() -> Result<()> {
    virtual_run(|| {
        // By the creator's generator: the child runs inside it, but on a stack of its own.
        let mut said = Generator::new(|co| {
            let said = task_group(|group| {
                let yields = || Ok(panic_of(|| co.yield_(String::new())));
                group.create_task_with(TaskOptions::new().eager(true), yields).wait()
            });
            co.yield_(said.expect("the group ends"));
        });
        assert!(said.next().expect("what it said").contains("outside its coroutine"));
        Ok(())
    })
}

#[test]
fn an_eager_task_that_is_made_in_a_generator_outlives_it() -> Result<()> {
    virtual_run(|| {
        let mut tasks = Generator::new(|co| {
            for number in 0.. {
                co.yield_(eager(move || {
                    yield_now()?;
                    Ok(number)
                }));
            }
        });
        let made: Vec<_> = tasks.by_ref().take(3).collect();
        drop(tasks);
        assert_eq!(gather(made)?, [0, 1, 2]);
        Ok(())
    })
}

#[test]
fn an_eager_task_wakes_others_and_its_creators_time_runs_on() -> Result<()> {
    eager_run(|| {
        let lock = Rc::new(Lock::new(0));
        let held = lock.lock()?;
        let waiting = Rc::clone(&lock);
        let waiter = create_task(move || {
            *waiting.lock()? += 1;
            Ok(())
        });
        drop(held);
        assert!(!waiter.done());
        // A timeout that is made inside an eager step ends where it should.
        let began = now();
        let limited = create_task(|| timeout(ms(1), || sleep(ms(5))));
        assert!(limited.wait().unwrap_err().is_timeout());
        assert_eq!(now() - began, ms(1));
        waiter.wait()?;
        assert_eq!(*lock.lock()?, 1);
        Ok(())
    })
}

#[test]
fn eager_members_of_a_gather_fail_it_before_it_waits() -> Result<()> {
    eager_run(|| {
        let ran = Cell::new(0);
        let failed = gather((
            || Err::<(), _>(Error::msg("first")),
            || Err::<(), _>(Error::msg("second")),
            || {
                ran.set(ran.get() + 1);
                Event::new().wait()
            },
        ));
        assert_eq!((failed.unwrap_err().to_string(), ran.get()), ("first".into(), 1));
        Ok(())
    })
}
