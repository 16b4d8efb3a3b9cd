//! Into a loop, out of it, and nothing left behind.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use corio::net::TcpListener;
use corio::{
    Error, Event, Result, Runner, create_task, current_task, get_running_loop, run, sleep,
    task_group,
};
use corio_tests::{Log, OnDrop, ms, now, panic_of, settle, virtual_run, yield_now};

#[test]
fn run_returns_what_main_does_and_main_may_borrow() -> Result<()> {
    let mut text = String::from("borrowed");
    let length = run(|| {
        text.push('!');
        yield_now()?;
        Ok(text.len())
    })?;
    assert_eq!((length, text.as_str()), (9, "borrowed!"));
    let error = run(|| Err::<(), _>(Error::msg("main failed"))).unwrap_err();
    assert_eq!(error.to_string(), "main failed");
    Ok(())
}

#[test]
fn run_returns_when_main_does_however_long_others_would_wait() -> Result<()> {
    let began = Instant::now();
    run(|| {
        drop(create_task(|| sleep(Duration::from_secs(2))));
        yield_now()
    })?;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    Ok(())
}

#[test]
fn run_returns_when_main_does_although_others_wait_for_connections() -> Result<()> {
    let began = Instant::now();
    run(|| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        drop(create_task(move || Ok(listener.accept().map(drop)?)));
        // Or else this test might go on for ever.
        drop(create_task(|| sleep(Duration::from_secs(2))));
        yield_now()
    })?;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    Ok(())
}

#[test]
fn virtual_time_stands_still_when_main_has_ended() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let ended = runner.run(|| {
        drop(create_task(|| sleep(ms(1000))));
        settle()?;
        Ok(now())
    })?;
    assert_eq!(runner.run(|| Ok(now()))?, ended);
    Ok(())
}

#[test]
fn what_main_leaves_running_is_cancelled_and_waited_for() -> Result<()> {
    let log = Log::new();
    let in_main = log.clone();
    virtual_run(move || {
        for name in ["first", "second"] {
            let log = in_main.clone();
            drop(create_task(move || {
                let error = sleep(ms(100)).unwrap_err();
                log.note(format!("{name} {error}"));
                sleep(ms(5))?; // cleanup may take its time
                log.note(format!("{name} cleaned up"));
                Err::<(), _>(error)
            }));
        }
        let unborn = in_main.on_drop("unborn dropped");
        yield_now()?;
        drop(create_task(move || {
            let _unborn = unborn;
            panic!("main ends before this begins")
        }) as corio::Task<'_, ()>);
        in_main.note("main ends");
        Ok(())
    })?;
    let log = log.take();
    assert_eq!(log[..3], ["main ends", "unborn dropped", "first cancelled"]);
    assert_eq!(log[3..], ["second cancelled", "first cleaned up", "second cleaned up"]);
    Ok(())
}

#[test]
fn tasks_made_by_the_cleanup_are_ended_after_it() -> Result<()> {
    let log = Log::new();
    let in_task = log.clone();
    virtual_run(move || {
        drop(create_task(move || {
            let error = sleep(ms(100)).unwrap_err();
            let log = in_task.clone();
            drop(create_task(move || {
                sleep(ms(5)).inspect_err(|_| log.note("the new task is cancelled"))?;
                log.note("nothing waits that long any more");
                Ok(())
            }));
            sleep(ms(1))?;
            in_task.note("cleaned up");
            Err::<(), _>(error)
        }));
        yield_now()
    })?;
    assert_eq!(log.take(), ["cleaned up", "the new task is cancelled"]);
    Ok(())
}

#[test]
fn a_leftover_that_swallows_its_cancellation_is_waited_for() -> Result<()> {
    let finished = Rc::new(Cell::new(false));
    let finish = Rc::clone(&finished);
    virtual_run(move || {
        drop(create_task(move || {
            while sleep(ms(100)).is_err() {}
            finish.set(true);
            Ok(())
        }));
        yield_now()
    })?;
    assert!(finished.get());
    Ok(())
}

#[test]
fn a_leftover_that_fails_while_it_is_cancelled_is_reported_and_changes_nothing() -> Result<()> {
    let log = Log::new();
    let reports = log.clone();
    let value = virtual_run(move || {
        reports.note_reports();
        drop(create_task(|| sleep(ms(100)).map_err(|_| Error::msg("cleanup failed"))));
        yield_now()?;
        Ok("main")
    })?;
    assert_eq!(value, "main");
    assert_eq!(log.take(), ["task 'Task-2' failed and nobody waits for it: cleanup failed"]);
    Ok(())
}

#[test]
fn many_leftovers_that_swallow_their_cancellation_all_end() -> Result<()> {
    const TASKS: usize = 300;
    let ended = Rc::new(Cell::new(0));
    let end = Rc::clone(&ended);
    virtual_run(move || {
        get_running_loop()?.set_exception_handler(|_| {});
        for _ in 0..TASKS {
            let end = Rc::clone(&end);
            drop(create_task(move || {
                let _ended = OnDrop(|| end.set(end.get() + 1));
                let never = Event::new();
                assert!(never.wait().is_err());
                never.wait()
            }));
        }
        yield_now()
    })?;
    assert_eq!(ended.get(), TASKS);
    Ok(())
}

#[test]
fn each_run_has_a_loop_of_its_own() -> Result<()> {
    for _ in 0..3 {
        virtual_run(|| {
            assert_eq!(current_task()?.name(), "Task-1");
            assert_eq!(create_task(|| Ok(current_task()?.name())).wait()?, "Task-2");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn threads_run_loops_of_their_own_at_the_same_time() -> Result<()> {
    let threads: Vec<_> = (0..4)
        .map(|index| {
            std::thread::spawn(move || {
                virtual_run(|| {
                    let mut sum = 0;
                    for delay in 1..100 {
                        sum += create_task(move || {
                            sleep(ms(delay))?;
                            Ok(delay)
                        })
                        .wait()?;
                    }
                    Ok(sum + index)
                })
            })
        })
        .collect();
    for (index, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().expect("no panic")?, 4950 + index as u64);
    }
    Ok(())
}

#[test]
fn tasks_left_by_one_run_go_on_in_the_next() -> Result<()> {
    let log = Log::new();
    let event = Rc::new(Event::new());
    let mut runner = Runner::with_virtual_clock()?;
    let (in_task, waited) = (log.clone(), Rc::clone(&event));
    let task = runner.run(|| {
        let task = create_task(move || {
            waited.wait()?;
            in_task.note("woken");
            sleep(ms(1))?;
            Ok(5)
        });
        yield_now()?;
        Ok(task)
    })?;
    assert!(!task.done() && log.take().is_empty());
    event.set();
    let value = runner.run(move || task.wait())?;
    assert_eq!((value, log.take()), (5, vec!["woken".to_owned()]));
    Ok(())
}

#[test]
fn a_deadlock_of_a_later_run_is_told_to_its_main_task_and_not_to_a_task_left_before() -> Result<()>
{
    let event = Rc::new(Event::new());
    let mut runner = Runner::with_virtual_clock()?;
    let waited = Rc::clone(&event);
    let task = runner.run(|| Ok(create_task(move || waited.wait())))?;
    let error = runner.run(|| Event::new().wait()).unwrap_err();
    assert!(error.downcast_ref::<corio::Deadlock>().is_some(), "{error}");
    event.set();
    runner.run(move || task.wait())
}

#[test]
fn a_panic_of_main_comes_out_of_run_when_the_rest_has_ended() {
    let log = Log::new();
    let local = Cell::new(0);
    let in_main = log.clone();
    let said = panic_of(|| {
        virtual_run::<()>(|| {
            let log = in_main.clone();
            drop(create_task(move || {
                let _ended = log.on_drop("leftover ended");
                let result = sleep(ms(100));
                sleep(ms(5))?;
                result
            }));
            yield_now()?;
            local.set(1);
            panic!("main panicked")
        })
    });
    assert_eq!((said.as_str(), local.get()), ("main panicked", 1));
    assert_eq!(log.take(), ["leftover ended"]);
    assert!(virtual_run(|| Ok(())).is_ok(), "the thread can have another loop");
}

#[test]
fn a_runner_can_run_again_after_main_panicked_or_says_that_it_cannot() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let caught = catch_unwind(AssertUnwindSafe(|| runner.run::<()>(|| panic!("once"))));
    assert!(caught.is_err());
    match runner.run(|| Ok(1)) {
        Ok(value) => assert_eq!(value, 1),
        Err(error) => assert!(error.downcast_ref::<corio::RunnerClosed>().is_some()),
    }
    Ok(())
}

#[test]
fn destructors_that_panic_do_not_stop_the_loop() -> Result<()> {
    // Of a closure that is never run, of a value that nobody takes, of a callback that is never
    // called, and of the error of a failed task.
    let log = Log::new();
    let local = String::from("borrowed by main");
    virtual_run(|| {
        log.note_reports();
        let bomb = OnDrop(|| panic!("in a closure"));
        let unborn = create_task(move || {
            let _bomb = bomb;
            Ok(())
        });
        unborn.cancel();
        yield_now()?;
        assert!(unborn.done());
        drop(unborn);
        drop(create_task(|| Ok(OnDrop(|| panic!("in a value")))));
        yield_now()?;
        let bomb = OnDrop(|| panic!("in a local"));
        drop(create_task(move || {
            let _bomb = bomb;
            yield_now()
        }));
        settle()?;
        assert_eq!(local, "borrowed by main");
        Ok(())
    })?;
    let log = log.take();
    for place in ["in a closure", "in a value", "in a local"] {
        assert_eq!(log.iter().filter(|report| report.contains(place)).count(), 1, "{log:?}");
    }
    Ok(())
}

#[test]
fn an_exception_handler_that_panics_does_not_stop_the_loop() -> Result<()> {
    virtual_run(|| {
        get_running_loop()?.set_exception_handler(|_| panic!("clumsy handler"));
        drop(create_task(|| Err::<(), _>(Error::msg("unseen"))));
        settle()?;
        get_running_loop()?.call_soon(|| panic!("clumsy callback"));
        settle()?;
        sleep(ms(1))
    })
}

#[test]
fn a_handle_of_a_loop_outlives_it_and_drops_what_it_is_given() -> Result<()> {
    let log = Log::new();
    let (event_loop, task) = virtual_run(|| Ok((get_running_loop()?, current_task()?)))?;
    let dropped = log.on_drop("dropped");
    event_loop.call_soon(move || {
        let _dropped = dropped;
        unreachable!("no loop runs it")
    });
    assert_eq!(log.take(), ["dropped"]);
    assert!(task.done() && !task.cancel());
    assert_eq!((task.name().as_str(), event_loop.statistics().tasks), ("Task-1", 0));
    Ok(())
}

#[test]
fn call_soon_is_first_in_first_out_and_never_inline() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let event_loop = get_running_loop()?;
        for name in ["a", "b"] {
            let (log, again) = (log.clone(), event_loop.clone());
            event_loop.call_soon(move || {
                log.note(name);
                again.call_soon(move || log.note(format!("{name} again")));
            });
        }
        assert!(log.take().is_empty());
        settle()?;
        assert_eq!(log.take(), ["a", "b", "a again", "b again"]);
        Ok(())
    })
}

#[test]
fn a_closed_runner_says_so_and_closing_twice_is_fine() -> Result<()> {
    let mut runner = Runner::new()?;
    runner.run(|| Ok(()))?;
    runner.close();
    runner.close();
    let error = runner.run(|| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "the runner is closed: make a new one");
    Ok(())
}

#[test]
fn a_runner_that_is_dropped_inside_another_loop_leaves_its_tasks_alone() -> Result<()> {
    let log = Log::new();
    let mut runner = Runner::with_virtual_clock()?;
    let in_task = log.clone();
    runner.run(|| {
        in_task.note_reports();
        drop(create_task(move || {
            let _ended = in_task.on_drop("ended");
            Event::new().wait()
        }));
        Ok(())
    })?;
    let main = log.clone();
    virtual_run(move || {
        drop(runner);
        main.note("dropped");
        yield_now()
    })?;
    let log = log.take();
    assert!(log[0].contains("task 'Task-2' was left behind"), "{log:?}");
    assert_eq!(log[1..], ["dropped"]);
    Ok(())
}

#[test]
fn run_in_a_destructor_of_an_unwinding_thread_does_what_needs_no_waiting() {
    let seen = RefCell::new(None);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _late = OnDrop(|| {
            let waited = run(|| sleep(ms(1))).map_err(|error| error.to_string());
            *seen.borrow_mut() = Some((run(|| Ok(1)).ok(), waited));
        });
        panic!("outside")
    }));
    assert!(caught.is_err());
    let (value, waited) = seen.take().expect("the destructor ran");
    assert_eq!(value, Some(1));
    assert!(waited.unwrap_err().contains("while a panic unwinds"));
}

#[test]
fn a_group_left_by_a_panicking_main_ends_before_run_does() {
    let ended = Cell::new(0);
    let said = panic_of(|| {
        virtual_run::<()>(|| {
            task_group(|group| {
                for _ in 0..3 {
                    group.create_task(|| {
                        let _ended = OnDrop(|| ended.set(ended.get() + 1));
                        sleep(ms(100))
                    });
                }
                yield_now()?;
                panic!("body")
            })
        })
    });
    assert_eq!((said.as_str(), ended.get()), ("body", 3));
}

#[test]
fn deadlines_in_the_past_are_due_at_once_in_their_order() -> Result<()> {
    virtual_run(|| {
        sleep(ms(10))?;
        let log = Log::new();
        let event_loop = get_running_loop()?;
        for ago in [1, 2] {
            let log = log.clone();
            event_loop.call_at(now() - ms(ago), move || log.note(format!("{ago} ms ago")));
        }
        sleep(ms(0))?;
        sleep(ms(0))?;
        assert_eq!(log.take(), ["2 ms ago", "1 ms ago"]);
        Ok(())
    })
}
