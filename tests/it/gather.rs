//! Several things at once.

use std::cell::Cell;

use corio::{
    Cancelled, Error, Event, Result, Runner, all_tasks, create_future, create_task, current_task,
    gather, sleep, task_group, timeout, wait_for,
};
use corio_tests::{Log, OnDrop, ms, now, panic_of, settle, virtual_run, yield_now};

#[test]
fn results_come_in_the_order_of_the_arguments_when_all_are_there() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let after = |delay, value| {
            move || {
                sleep(ms(delay))?;
                Ok(value)
            }
        };
        assert_eq!(gather([after(3, "a"), after(1, "b"), after(2, "c")])?, ["a", "b", "c"]);
        assert_eq!(now() - began, ms(3));
        assert_eq!(gather(vec![after(1, "x"); 3])?, ["x"; 3]);
        let (text, number, task) = gather((after(2, "t"), || Ok(5), create_task(|| Ok('c'))))?;
        assert_eq!((text, number, task), ("t", 5, 'c'));
        Ok(())
    })
}

#[test]
fn members_run_at_once_and_may_borrow() -> Result<()> {
    virtual_run(|| {
        let words = [String::from("to"), String::from("be")];
        let log = Log::new();
        let lengths = gather([0, 1].map(|index| {
            let (words, log) = (&words, &log);
            move || {
                log.note(format!("begin {index}"));
                yield_now()?;
                log.note(format!("end {index}"));
                Ok(words[index].as_str())
            }
        }))?;
        assert_eq!(lengths, ["to", "be"]);
        assert_eq!(log.take(), ["begin 0", "begin 1", "end 0", "end 1"]);
        Ok(())
    })
}

#[test]
fn gathering_nothing_is_done_at_once() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = log.clone();
        drop(create_task(move || {
            in_task.note("other");
            Ok(())
        }));
        assert!(gather(Vec::<fn() -> Result<()>>::new())?.is_empty());
        assert!(log.take().is_empty());
        Ok(())
    })
}

#[test]
fn the_first_error_is_gathers_at_once_and_given_tasks_run_on() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let log = Log::new();
        let in_task = log.clone();
        let slow = create_task(move || {
            sleep(ms(50))?;
            in_task.note("slow one ended");
            Ok(())
        });
        let failing = create_task(|| {
            sleep(ms(1))?;
            Err(Error::msg("first"))
        });
        assert_eq!(gather([slow, failing]).unwrap_err().to_string(), "first");
        assert_eq!(now() - began, ms(1));
        sleep(ms(60))?;
        assert_eq!(log.take(), ["slow one ended"]);
        Ok(())
    })
}

#[test]
fn later_errors_of_given_tasks_count_as_seen() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let tasks = [1, 2, 3].map(|delay| {
            create_task(move || {
                sleep(ms(delay))?;
                Err::<(), _>(Error::msg(delay.to_string()))
            })
        });
        assert_eq!(gather(tasks).unwrap_err().to_string(), "1");
        sleep(ms(10))?;
        assert_eq!(log.take(), [""; 0]);
        Ok(())
    })
}

#[test]
fn the_first_error_cancels_closures_and_gather_waits_for_their_end() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let local = Cell::new(0);
        let result = gather((
            || {
                let result = sleep(ms(100));
                sleep(ms(5))?; // cleanup, which borrows
                local.set(1);
                result
            },
            || {
                sleep(ms(1))?;
                Err::<(), _>(Error::msg("first"))
            },
        ));
        assert_eq!(result.unwrap_err().to_string(), "first");
        assert_eq!((local.get(), now() - began), (1, ms(6)));
        Ok(())
    })
}

#[test]
fn a_member_that_is_cancelled_fails_gather_with_a_cancellation() -> Result<()> {
    virtual_run(|| {
        let cancelled = create_task(|| sleep(ms(100)));
        yield_now()?;
        cancelled.cancel_with(Cancelled::with_message("a member"));
        let error = gather((cancelled, || sleep(ms(1)))).unwrap_err();
        assert_eq!(error.to_string(), "cancelled: a member");
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_task_that_has_ended_before_is_gathered_as_well() -> Result<()> {
    virtual_run(|| {
        let good = create_task(|| Ok(1));
        let bad = create_task(|| Err::<i32, _>(Error::msg("bad")));
        let other = create_task(|| Ok(2));
        yield_now()?;
        assert_eq!(gather([good, other])?, [1, 2]);
        assert_eq!(gather([bad]).unwrap_err().to_string(), "bad");
        Ok(())
    })
}

#[test]
fn cancelling_who_gathers_cancels_all_members_and_goes_on_when_closures_have_ended() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = log.clone();
        let (promise, future) = create_future::<()>();
        let given = create_task(move || future.wait());
        let task = create_task(move || {
            let closure = || {
                let _ended = in_task.on_drop("closure ended");
                sleep(ms(100))
            };
            gather((given, closure)).map(drop)
        });
        sleep(ms(1))?;
        task.cancel_with(Cancelled::with_message("all of you"));
        assert!(promise.cancelled());
        assert_eq!(task.wait().unwrap_err().to_string(), "cancelled: all of you");
        assert_eq!(log.take(), ["closure ended"]);
        Ok(())
    })
}

#[test]
fn a_gather_that_was_cancelled_is_cancelled_even_if_its_members_swallow_it() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            let stubborn = || sleep(ms(100)).map_or_else(|_| Ok(1), |()| Ok(2));
            gather([stubborn, stubborn])
        });
        sleep(ms(1))?;
        task.cancel();
        assert!(task.wait().map(drop).unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn a_cancelled_gather_asks_each_member_once() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let task = create_task(|| {
            gather((
                || sleep(ms(100)),
                || {
                    let _cleanup = OnDrop(|| sleep(ms(10)).expect("asked to stop once already"));
                    sleep(ms(100))
                },
            ))
            .map(drop)
        });
        sleep(ms(1))?;
        task.cancel();
        assert!(task.wait().unwrap_err().is_cancelled());
        assert_eq!(now() - began, ms(11));
        Ok(())
    })
}

#[test]
fn a_cancellation_that_comes_when_all_members_are_done_is_still_one() -> Result<()> {
    virtual_run(|| {
        let (promise, future) = create_future();
        let task = create_task(move || gather([create_task(move || future.wait())]).map(drop));
        settle()?;
        promise.set_result(())?;
        yield_now()?; // the member has ended, and the gathering task is ready
        task.cancel();
        assert!(task.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn a_panic_of_a_member_goes_on_in_who_gathers_when_the_others_have_ended() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let said = panic_of(|| {
            gather((
                || {
                    let _ended = log.on_drop("other ended");
                    sleep(ms(100))
                },
                || -> Result<()> { panic!("ouch") },
            ))
        });
        assert_eq!(said, "ouch");
        assert_eq!(log.take(), ["other ended"]);
        let task = create_task(|| -> Result<()> { panic!("given") });
        assert_eq!(panic_of(|| gather((task, || Ok(())))), "given");
        yield_now()?;
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_timeout_around_a_gather_ends_the_members() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let member = || {
            let _ended = log.on_drop("ended");
            sleep(ms(100))
        };
        assert!(timeout(ms(5), || gather([member; 3])).unwrap_err().is_timeout());
        assert_eq!(log.take(), ["ended"; 3]);
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn gathers_nest() -> Result<()> {
    virtual_run(|| {
        let leaf = |value: u32| {
            move || {
                sleep(ms(u64::from(value)))?;
                Ok(value)
            }
        };
        let pair = |value| move || Ok(gather([leaf(value), leaf(value + 1)])?.iter().sum::<u32>());
        assert_eq!(gather([pair(1), pair(3)])?, [3, 7]);
        task_group(|group| {
            let child = group.create_task(|| gather([pair(5)]));
            assert_eq!(gather((child, leaf(1)))?, ([11], 1));
            Ok(())
        })
    })
}

#[test]
fn gathering_a_task_of_another_loop_is_an_error() -> Result<()> {
    let mut first = Runner::with_virtual_clock()?;
    let task = first.run(|| Ok(create_task(|| sleep(ms(1)))))?;
    let error = virtual_run(move || gather([task]).map(drop)).unwrap_err();
    assert!(error.to_string().contains("belongs to another event loop"), "{error}");
    Ok(())
}

/// Waits in a gather of one, in a gather of one, and so on.
fn nested(depth: usize) -> Result<()> {
    if depth == 0 {
        return Event::new().wait();
    }
    gather([|| nested(depth - 1)]).map(drop)
}

#[test]
fn a_cancellation_goes_through_any_number_of_nested_gathers() -> Result<()> {
    virtual_run(|| {
        // On a task's stack, which is small, and on the loop's.
        for limit in [None, Some(ms(1))] {
            let nest = create_task(|| nested(2_500));
            settle()?;
            let error = match limit {
                Some(limit) => wait_for(nest, limit).unwrap_err(),
                None => {
                    assert!(nest.cancel());
                    nest.wait().unwrap_err()
                }
            };
            assert_eq!(
                (error.is_cancelled(), error.is_timeout()),
                (limit.is_none(), limit.is_some())
            );
            assert_eq!(all_tasks()?.len(), 1);
        }
        Ok(())
    })
}

#[test]
fn a_cancellation_reaches_the_members_depth_first_in_the_order_in_which_they_were_given()
-> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let leaf = |name: &'static str| {
            let log = &log;
            move || {
                let ended = Event::new().wait();
                log.note(name);
                ended
            }
        };
        let both = |left, right| move || gather((leaf(left), leaf(right))).map(drop);
        let gathered = timeout(ms(1), || gather((both("a", "b"), leaf("c"), both("d", "e"))));
        assert!(gathered.unwrap_err().is_timeout());
        assert_eq!(log.take(), ["a", "b", "c", "d", "e"]);
        Ok(())
    })
}

#[test]
fn a_task_that_two_gathers_wait_for_is_asked_by_both() -> Result<()> {
    virtual_run(|| {
        let shared = create_task(|| {
            let first = Event::new().wait().unwrap_err();
            assert!(first.is_cancelled());
            Ok(current_task()?.cancelling())
        })
        .shared();
        let (left, right) = (shared.clone(), shared.clone());
        let both = create_task(move || gather((move || gather([left]), move || gather([right]))));
        settle()?;
        assert!(both.cancel());
        settle()?;
        // One wait was interrupted, and a second request came before the task ran again.
        assert_eq!(shared.wait()?, 2);
        assert!(both.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}
