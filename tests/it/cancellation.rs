//! Cancellation, at every point where a task can be.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use corio_coroutine::{Generator, Interrupted};
use corio_futures::contract::{Parker, Wait, current_parker, park};

use corio::{
    Cancelled, Error, Event, Lock, Result, SharedFuture, Task, TaskHandle, capture_call_graph,
    create_future, create_task, current_task, gather, get_running_loop, sleep, task_group,
};
use corio_tests::{Log, OnDrop, in_a_process, ms, now, settle, virtual_run, yield_now};

#[test]
fn a_task_cancelled_before_its_first_step_never_runs_and_drops_its_closure() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let (captured, in_task) = (log.on_drop("dropped"), log.clone());
        let task = create_task(move || {
            let _captured = captured;
            in_task.note("ran");
            Ok(())
        });
        assert!(task.cancel_with(Cancelled::with_message("too late")));
        assert!(!task.done(), "not before the loop has looked at it");
        yield_now()?;
        assert!(task.cancelled());
        assert_eq!(log.take(), ["dropped"]);
        let error = task.wait().unwrap_err();
        assert_eq!(error.cancelled().and_then(Cancelled::message), Some("too late"));
        Ok(())
    })
}

#[test]
fn a_task_may_cancel_the_one_that_waits_for_it_and_is_cancelled_thereby() -> Result<()> {
    virtual_run(|| {
        let main = current_task()?;
        let task = create_task(move || {
            main.cancel(); // it waits for this very task, and passes the cancellation on
            sleep(ms(1)).expect_err("it came back");
            Ok(main.uncancel())
        });
        assert_eq!(task.wait()?, 0);
        yield_now()
    })
}

#[test]
fn cancelling_a_task_cancels_the_future_it_waits_for_at_once_and_the_task_later() -> Result<()> {
    virtual_run(|| {
        let (promise, future) = create_future::<()>();
        let log = Log::new();
        let in_task = log.clone();
        let task = create_task(move || {
            let result = future.wait();
            in_task.note("woken");
            result
        });
        yield_now()?;
        assert!(task.cancel());
        assert!(promise.cancelled() && !task.done() && !task.cancelled());
        assert!(log.take().is_empty(), "not inside `cancel`");
        yield_now()?;
        assert!(task.done() && task.cancelled());
        assert!(promise.set_result(()).is_err());
        assert!(task.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn cancel_says_whether_the_task_was_still_there() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| sleep(ms(10)));
        yield_now()?;
        assert!(task.cancel());
        assert!(task.cancel(), "asked twice, not done yet");
        yield_now()?;
        assert!(task.done());
        assert!(!task.cancel());
        assert!(task.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn two_cancellations_before_delivery_are_one_error_and_two_requests() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = log.clone();
        let task = create_task(move || {
            for _ in 0..3 {
                match sleep(ms(10)) {
                    Ok(()) => in_task.note("slept"),
                    Err(error) => in_task.note(format!("{error}")),
                }
            }
            Ok(current_task()?.cancelling())
        });
        yield_now()?;
        task.cancel_with(Cancelled::with_message("first"));
        task.cancel_with(Cancelled::with_message("second"));
        assert_eq!(task.wait()?, 2);
        let log = log.take();
        assert!(log[0].starts_with("cancelled"), "{log:?}");
        assert_eq!(log[1..], ["slept", "slept"]);
        Ok(())
    })
}

#[test]
fn a_cancellation_wins_over_a_value_that_has_come_but_was_not_seen() -> Result<()> {
    virtual_run(|| {
        let (promise, future) = create_future();
        let task = create_task(move || future.wait());
        yield_now()?;
        promise.set_result(5)?;
        task.cancel();
        assert!(!promise.cancelled(), "it has its result");
        assert!(task.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn a_task_that_cancels_itself_is_interrupted_where_it_waits_next() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = log.clone();
        let task = create_task(move || {
            current_task()?.cancel();
            in_task.note("still running");
            let error = sleep(ms(10)).unwrap_err();
            assert!(error.is_cancelled());
            in_task.note("interrupted");
            sleep(ms(10))?;
            in_task.note("slept");
            Ok(())
        });
        task.wait()?;
        assert_eq!(log.take(), ["still running", "interrupted", "slept"]);
        Ok(())
    })
}

#[test]
fn a_task_that_cancels_itself_and_returns_without_waiting_ends_cancelled() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let value = log.on_drop("value dropped");
        let task = create_task(move || {
            current_task()?.cancel_with(Cancelled::with_message("enough"));
            Ok(value)
        });
        yield_now()?;
        assert!(task.cancelled());
        assert_eq!(log.take(), ["value dropped"]);
        let error = task.wait().map(drop).unwrap_err();
        assert_eq!(error.to_string(), "cancelled: enough");
        Ok(())
    })
}

#[test]
fn a_task_that_cancels_itself_and_fails_without_waiting_ends_with_its_error() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            current_task()?.cancel();
            Err::<(), _>(Error::msg("worse"))
        });
        assert_eq!(task.wait().unwrap_err().to_string(), "worse");
        Ok(())
    })
}

#[test]
fn a_pending_cancellation_goes_into_the_task_and_future_waited_for_next() -> Result<()> {
    virtual_run(|| {
        let (promise, future) = create_future::<()>();
        let inner = create_task(move || future.wait());
        let outer = create_task(move || {
            current_task()?.cancel();
            inner.wait()
        });
        settle()?;
        assert!(promise.done(), "the future was cancelled");
        assert!(outer.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn a_cancellation_finds_a_task_that_only_yields() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            loop {
                yield_now()?;
            }
        });
        for _ in 0..10 {
            yield_now()?;
        }
        task.cancel();
        let ended: Result<()> = task.wait();
        assert!(ended.unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn cancelling_the_future_ends_the_task_cancelled_that_waits_for_it() -> Result<()> {
    for cancel_both in [false, true] {
        virtual_run(|| {
            let (_promise, future) = create_future::<()>();
            let future = future.shared();
            let waited = SharedFuture::clone(&future);
            let task = create_task(move || waited.wait());
            yield_now()?;
            assert!(future.cancel());
            if cancel_both {
                task.cancel();
            }
            yield_now()?;
            assert!(task.cancelled());
            assert!(!future.cancel());
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_swallowed_cancellation_is_over_and_the_task_ends_as_it_likes() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            assert!(sleep(ms(10)).unwrap_err().is_cancelled());
            let began = now();
            sleep(ms(5))?;
            Event::new().set();
            assert_eq!(now() - began, ms(5));
            Ok("value")
        });
        yield_now()?;
        task.cancel();
        yield_now()?;
        assert!(!task.cancelled() && !task.done());
        assert_eq!(task.wait()?, "value");
        Ok(())
    })
}

#[test]
fn another_error_in_answer_to_a_cancellation_is_the_outcome() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| sleep(ms(10)).map_err(|_| Error::msg("cleanup failed")));
        yield_now()?;
        task.cancel();
        yield_now()?;
        assert!(task.done() && !task.cancelled());
        assert_eq!(task.wait().unwrap_err().to_string(), "cleanup failed");
        Ok(())
    })
}

#[test]
fn requests_are_counted_down_to_zero_and_not_below() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            let me = current_task()?;
            assert!(sleep(ms(10)).is_err());
            assert_eq!(me.cancelling(), 3);
            assert_eq!([me.uncancel(), me.uncancel(), me.uncancel(), me.uncancel()], [2, 1, 0, 0]);
            sleep(ms(10))?;
            Ok(me)
        });
        yield_now()?;
        for _ in 0..3 {
            task.cancel();
        }
        let handle = task.wait()?;
        assert_eq!((handle.cancel(), handle.cancelling(), handle.uncancel()), (false, 0, 0));
        Ok(())
    })
}

#[test]
fn uncancelling_to_zero_withdraws_what_was_not_delivered() -> Result<()> {
    virtual_run(|| {
        let (promise, future) = create_future();
        let handle = Rc::new(RefCell::new(None));
        let publish = Rc::clone(&handle);
        let task = create_task(move || {
            *publish.borrow_mut() = Some(current_task()?);
            future.wait()
        });
        yield_now()?;
        promise.set_result("value")?;
        task.cancel(); // it is ready to run, so this is kept
        assert_eq!(handle.take().expect("it has run").uncancel(), 0);
        assert_eq!(task.wait()?, "value");
        Ok(())
    })
}

#[test]
fn uncancelling_does_not_withdraw_what_has_ended_a_wait() -> Result<()> {
    virtual_run(|| {
        let handle = Rc::new(RefCell::new(None));
        let publish = Rc::clone(&handle);
        let task = create_task(move || {
            *publish.borrow_mut() = Some(current_task()?);
            sleep(ms(10))
        });
        yield_now()?;
        task.cancel(); // ends the sleep
        task.cancel_with(Cancelled::with_message("again")); // is kept, and taken back
        let handle = handle.take().expect("it has run");
        assert_eq!([handle.uncancel(), handle.uncancel()], [1, 0]);
        assert_eq!(task.wait().unwrap_err().to_string(), "cancelled");
        Ok(())
    })
}

#[test]
fn the_message_of_a_second_cancellation_is_the_one_that_is_read() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| sleep(ms(10)));
        yield_now()?;
        task.cancel();
        task.cancel_with(Cancelled::with_message("at once"));
        assert_eq!(task.wait().unwrap_err().to_string(), "cancelled: at once");
        Ok(())
    })
}

#[test]
fn who_waits_for_a_task_that_another_cancelled_gets_the_error_but_is_not_cancelled() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| sleep(ms(10)));
        yield_now()?;
        task.cancel_with(Cancelled::with_message("by another"));
        assert_eq!(task.wait().unwrap_err().to_string(), "cancelled: by another");
        assert_eq!(current_task()?.cancelling(), 0);
        yield_now()
    })
}

#[test]
fn a_message_reaches_the_innermost_wait_and_comes_back_out() -> Result<()> {
    virtual_run(|| {
        let outer = create_task(|| create_task(|| create_task(|| sleep(ms(10))).wait()).wait());
        settle()?;
        outer.cancel_with(Cancelled::with_message("all the way"));
        assert_eq!(outer.wait().unwrap_err().to_string(), "cancelled: all the way");
        Ok(())
    })
}

#[test]
fn cancelling_a_waiter_cancels_the_task_and_waits_until_it_has_ended() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let outer = create_task(|| {
            create_task(|| {
                let _cleanup = OnDrop(|| sleep(ms(7)).expect("cleanup may wait"));
                sleep(ms(100))
            })
            .wait()
        });
        settle()?;
        outer.cancel();
        assert!(outer.wait().unwrap_err().is_cancelled());
        assert_eq!(now() - began, ms(7) + std::time::Duration::from_nanos(1));
        Ok(())
    })
}

#[test]
fn a_value_that_a_task_returns_in_spite_of_its_waiters_cancellation_is_returned() -> Result<()> {
    virtual_run(|| {
        let outer = create_task(|| {
            let inner = create_task(|| {
                assert!(sleep(ms(100)).is_err());
                Ok(3)
            });
            let value = inner.wait()?;
            assert_eq!(current_task()?.cancelling(), 1);
            Ok(value)
        });
        settle()?;
        outer.cancel();
        assert_eq!(outer.wait()?, 3);
        Ok(())
    })
}

#[test]
fn a_cancelled_sleep_leaves_no_timer_behind() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let task = create_task(|| sleep(ms(1_000_000)));
        yield_now()?;
        task.cancel();
        assert!(task.wait().is_err());
        sleep(ms(1))?;
        assert_eq!(now() - began, ms(1));
        // With nothing left that could happen, time does not go on to the old deadline.
        assert!(Event::new().wait().is_err());
        assert_eq!(now() - began, ms(1));
        Ok(())
    })
}

#[test]
fn a_ready_wait_is_no_place_for_a_cancellation() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            current_task()?.cancel();
            let (lock, event) = (Lock::new(1), Event::new());
            event.set();
            event.wait()?;
            let value = *lock.lock()?;
            let (promise, future) = create_future();
            promise.set_result(value)?;
            assert_eq!(future.wait()?, 1);
            yield_now()
        });
        assert!(task.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn the_recipe_of_a_scope_that_cancels_and_takes_it_back_works() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        for from_outside in [false, true] {
            let in_task = log.clone();
            let task = create_task(move || {
                let me = current_task()?;
                let entered_with = me.cancelling();
                let canceller = me.clone();
                get_running_loop()?.call_soon(move || _ = canceller.cancel());
                let result = sleep(ms(10));
                if me.uncancel() <= entered_with && result.is_err() {
                    in_task.note("mine");
                    return Ok(());
                }
                in_task.note("another's");
                result
            });
            yield_now()?;
            if from_outside {
                task.cancel();
            }
            assert_eq!(task.wait().is_err(), from_outside);
        }
        assert_eq!(log.take(), ["mine", "another's"]);
        Ok(())
    })
}

#[test]
fn a_cancelled_main_task_is_what_the_program_ends_with() {
    let ended = virtual_run(|| {
        current_task()?.cancel_with(Cancelled::with_message("stop"));
        sleep(ms(1))
    });
    assert_eq!(ended.unwrap_err().to_string(), "cancelled: stop");
}

#[test]
fn cancelling_a_failed_task_says_that_its_failure_was_seen() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let task = create_task(|| Err::<(), _>(Error::msg("seen")));
        yield_now()?;
        assert!(!task.cancel());
        drop(task);
        yield_now()?;
        assert_eq!(log.take(), [""; 0]);
        Ok(())
    })
}

#[test]
fn cancelling_a_ring_of_tasks_that_wait_for_one_another_ends_them() {
    let name = "cancellation::cancelling_a_ring_of_tasks_that_wait_for_one_another_ends_them";
    let output = in_a_process(name, || {
        let ended = virtual_run(|| {
            let slot = Rc::new(RefCell::new(None::<Task<'static, TaskHandle>>));
            let handle = Rc::new(RefCell::new(None));
            let (next, publish) = (Rc::clone(&slot), Rc::clone(&handle));
            let first = create_task(move || {
                *publish.borrow_mut() = Some(current_task()?);
                let next = next.take().expect("the second is there");
                next.wait()
            });
            *slot.borrow_mut() = Some(create_task(move || first.wait()));
            settle()?;
            let first = handle.take().expect("it has begun");
            assert!(first.cancel());
            settle()?;
            assert!(first.done());
            Ok(())
        });
        ended.expect("the main task is not part of it");
    });
    let Some(output) = output else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_cancellation_reaches_the_end_of_a_long_chain_of_waits() {
    const LENGTH: u32 = 10_000;
    let output = in_a_process(
        "cancellation::a_cancellation_reaches_the_end_of_a_long_chain_of_waits",
        || {
            let ended = virtual_run(|| {
                let interrupted = Rc::new(Cell::new(false));
                let flag = Rc::clone(&interrupted);
                let mut last = create_task(move || {
                    sleep(ms(10)).inspect_err(|error| flag.set(error.is_cancelled()))
                });
                for _ in 0..LENGTH {
                    last = create_task(move || last.wait());
                }
                settle()?;
                // From a task, whose stack is no larger than any.
                create_task(move || {
                    last.cancel();
                    last.wait()
                })
                .wait()
                .expect_err("it was cancelled");
                Ok(interrupted.get())
            });
            assert!(ended.expect("the main task ends well"));
        },
    );
    let Some(output) = output else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn cancelling_tasks_that_gather_one_another_ends_them() {
    let name = "cancellation::cancelling_tasks_that_gather_one_another_ends_them";
    let output = in_a_process(name, || {
        let ended = virtual_run(|| {
            let slot = Rc::new(RefCell::new(None::<Task<'static, ()>>));
            let handle = Rc::new(RefCell::new(None));
            let (next, publish) = (Rc::clone(&slot), Rc::clone(&handle));
            let first = create_task(move || {
                *publish.borrow_mut() = Some(current_task()?);
                gather([next.take().expect("the second is there")]).map(drop)
            });
            *slot.borrow_mut() = Some(create_task(move || gather([first]).map(drop)));
            settle()?;
            let first = handle.take().expect("it has begun");
            assert!(first.cancel());
            settle()?;
            assert!(first.done());
            Ok(())
        });
        ended.expect("the main task is not part of it");
    });
    let Some(output) = output else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_task_does_not_leave_its_frame_while_its_canceller_looks_at_it() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let parked = Rc::new(RefCell::new(None));
        let (in_child, who) = (log.clone(), Rc::clone(&parked));
        let mut generator = Generator::<u32>::new(move |co| {
            let ended = task_group(|group| {
                let child = group.create_task(|| {
                    let local = String::from("looked at");
                    let look = |_: &Cancelled| {
                        co.yield_(1); // the canceller runs on the generator's own stack
                        in_child.note(local.as_str());
                        true
                    };
                    who.replace(Some(current_parker("a look")?));
                    park(&Wait::new("a look").on_cancel(&look))?;
                    drop(local);
                    in_child.note("went on");
                    Ok(())
                });
                yield_now()?;
                assert!(child.cancel());
                Ok(())
            });
            ended.expect("the child swallows the cancellation");
        });
        assert_eq!(generator.next(), Some(1));
        parked.borrow_mut().take().expect("the child has parked").unpark();
        yield_now()?;
        yield_now()?;
        assert_eq!(log.take(), [""; 0], "woken, and held");
        assert_eq!(generator.next(), None);
        assert_eq!(log.take(), ["looked at", "went on"]);
        Ok(())
    })
}

#[test]
fn a_cancellation_that_was_due_is_offered_where_it_cannot_stop_the_task_a_second_time() -> Result<()>
{
    virtual_run(|| {
        let log = Log::new();
        let seen = log.clone();
        let mut generator = Generator::<u32>::new(move |co| {
            current_task().expect("this is a task").cancel();
            // The wait is in the generator's frame, which a yield here would leave behind.
            let look = |_: &Cancelled| {
                let refused = matches!(co.try_yield(1), Err(Interrupted::Outside));
                seen.note(format!("refused: {refused}"));
                true
            };
            let who = current_parker("a look").expect("this is a task");
            get_running_loop().expect("a loop runs").call_soon(move || who.unpark());
            let parked = park(&Wait::new("a look").on_cancel(&look));
            seen.note(format!("taken: {}", parked.is_ok()));
        });
        assert_eq!(generator.next(), None);
        assert_eq!(log.take(), ["refused: true", "taken: true"]);
        Ok(())
    })
}

#[test]
fn who_panics_when_offered_a_cancellation_that_was_due_does_not_keep_it_from_the_task() -> Result<()>
{
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let task = create_task(|| {
            current_task()?.cancel();
            park(&Wait::new("a look").on_cancel(&|_| panic!("not that")))
        });
        assert!(task.wait().unwrap_err().is_cancelled());
        let message = "a wait failed as a cancellation was passed on to it";
        assert_eq!(log.take(), [format!("{message}: task 'Task-2' panicked: not that")]);
        Ok(())
    })
}

#[test]
fn a_task_does_not_leave_its_frame_while_a_report_describes_it() -> Result<()> {
    /// A description that takes its time.
    struct Slow(String);

    impl std::fmt::Display for Slow {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            sleep(ms(5)).map_err(|_| std::fmt::Error)?;
            f.write_str(&self.0)
        }
    }

    /// Describes a task in `disturb`'s presence; says what the task's wait came to.
    fn describe(disturb: impl FnOnce(Rc<dyn Parker>, TaskHandle) + 'static) -> Result<()> {
        virtual_run(|| {
            let left = Rc::new(Cell::new(false));
            let parked = Rc::new(RefCell::new(None));
            let (leaving, who) = (Rc::clone(&left), Rc::clone(&parked));
            let task = create_task(move || {
                let description = Slow("something".into());
                who.replace(Some((current_parker("a look")?, current_task()?)));
                let waited = park(&Wait::new("a thing").which(&description));
                drop(description);
                leaving.set(true);
                waited
            });
            settle()?;
            let disturber = create_task(move || {
                sleep(ms(1))?;
                let (parker, handle) = parked.take().expect("it has parked");
                disturb(parker, handle);
                Ok(())
            });
            let graph = capture_call_graph()?.to_string();
            assert!(graph.contains("something"), "{graph}");
            assert!(!left.get(), "woken, and held");
            disturber.wait()?;
            task.wait()
        })
    }

    describe(|parker, _| parker.unpark())?;
    let cancelled = describe(|_, task| assert!(task.cancel()));
    assert!(cancelled.unwrap_err().is_cancelled());
    Ok(())
}
