//! Time: sleeping and running out of it.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use corio::{
    Cancelled, Error, Lock, Result, TimedOut, Timeout, TimeoutMisused, create_task, current_task,
    gather, sleep, task_group, timeout,
};
use corio_tests::{Log, OnDrop, ms, now, panic_of, settle, virtual_run, yield_now};

#[test]
fn sleepers_wake_by_deadline_and_equal_ones_in_order_of_creation() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let tasks = [3, 1, 2, 1, 0, 3, 1].map(|delay| {
            let log = log.clone();
            move || {
                let began = now();
                sleep(ms(delay))?;
                assert_eq!(now() - began, ms(delay));
                log.note(delay.to_string());
                Ok(())
            }
        });
        gather(tasks)?;
        assert_eq!(log.take(), ["0", "1", "1", "1", "2", "3", "3"]);
        Ok(())
    })
}

#[test]
fn a_sleep_of_zero_lets_each_ready_task_run_once_and_takes_no_time() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let runs = Rc::new(Cell::new(0));
        let count = Rc::clone(&runs);
        drop(create_task(move || {
            loop {
                count.set(count.get() + 1);
                yield_now()?;
            }
            #[expect(unreachable_code, reason = "it says what the task returns")]
            Ok(())
        }));
        for expected in 1..=5 {
            sleep(Duration::ZERO)?;
            assert_eq!(runs.get(), expected);
        }
        assert_eq!(now(), began);
        Ok(())
    })
}

#[test]
fn time_goes_on_although_a_task_always_yields() -> Result<()> {
    // On the system's clock: a virtual one would stand still.
    corio::run(|| {
        let busy = create_task(|| -> Result<()> {
            loop {
                yield_now()?;
            }
        });
        sleep(Duration::from_micros(200))?;
        busy.cancel();
        assert!(busy.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn a_sleep_is_never_early_on_the_systems_clock() -> Result<()> {
    corio::run(|| {
        for micros in [1, 50, 999, 1001] {
            let began = std::time::Instant::now();
            sleep(Duration::from_micros(micros))?;
            assert!(began.elapsed() >= Duration::from_micros(micros));
        }
        Ok(())
    })
}

#[test]
fn a_sleep_without_end_is_ended_by_a_cancellation() -> Result<()> {
    virtual_run(|| {
        let error = timeout(ms(1), || sleep(Duration::MAX)).unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(timeout(Duration::MAX, || Ok(5))?, 5);
        Ok(())
    })
}

#[test]
fn a_timeout_that_expires_cancels_the_body_and_becomes_timed_out() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let log = Log::new();
        let result = timeout(ms(5), || {
            let _dropped = log.on_drop("unwound by returning");
            let error = sleep(ms(10)).unwrap_err();
            assert!(error.is_cancelled() && !error.is_timeout());
            Err::<(), _>(error)
        });
        let error = result.unwrap_err();
        assert!(error.is_timeout() && !error.is_cancelled());
        assert_eq!(error.downcast_ref(), Some(&TimedOut));
        assert_eq!((now() - began, log.take().len()), (ms(5), 1));
        assert_eq!(current_task()?.cancelling(), 0);
        sleep(ms(1)) // and the task itself goes on
    })
}

#[test]
fn a_timeout_that_does_not_expire_leaves_nothing_behind() -> Result<()> {
    virtual_run(|| {
        let value = timeout(ms(5), || {
            sleep(ms(1))?;
            Ok("value")
        })?;
        assert_eq!(value, "value");
        let error = timeout(ms(5), || Err::<(), _>(Error::msg("own"))).unwrap_err();
        assert_eq!(error.to_string(), "own");
        sleep(ms(50))?;
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn no_time_at_all_is_enough_for_a_body_that_never_waits() -> Result<()> {
    virtual_run(|| {
        assert_eq!(timeout(Duration::ZERO, || Ok(1))?, 1);
        yield_now()?;
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_timeout_of_zero_expires_at_the_first_wait() -> Result<()> {
    virtual_run(|| {
        let error = timeout(Duration::ZERO, yield_now).unwrap_err();
        assert!(error.is_timeout());
        let busy = create_task(|| (0..10).try_for_each(|_| yield_now()));
        let error = timeout(Duration::ZERO, || sleep(ms(1))).unwrap_err();
        assert!(error.is_timeout(), "also beside others that are ready");
        busy.wait()
    })
}

#[test]
fn of_nested_timeouts_with_one_deadline_the_outermost_raises() -> Result<()> {
    virtual_run(|| {
        let error = timeout(ms(5), || {
            let error = timeout(ms(5), || sleep(ms(10))).unwrap_err();
            assert!(error.is_cancelled() && !error.is_timeout());
            Err::<(), _>(error)
        })
        .unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn an_inner_timeout_raises_and_the_outer_one_still_may() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let error = timeout(ms(10), || {
            assert!(timeout(ms(5), || sleep(ms(20))).unwrap_err().is_timeout());
            assert_eq!(now() - began, ms(5));
            sleep(ms(20))
        })
        .unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(now() - began, ms(10));
        Ok(())
    })
}

#[test]
fn an_outer_timeout_passes_through_an_inner_one_that_has_time_left() -> Result<()> {
    virtual_run(|| {
        let error = timeout(ms(5), || {
            let error = timeout(ms(10), || sleep(ms(20))).unwrap_err();
            assert!(error.is_cancelled());
            Err::<(), _>(error)
        });
        assert!(error.unwrap_err().is_timeout());
        sleep(ms(20)) // the inner timer is gone
    })
}

#[test]
fn a_cancellation_from_outside_stays_one() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| timeout(ms(10), || sleep(ms(20))));
        sleep(ms(1))?;
        task.cancel_with(Cancelled::with_message("outside"));
        assert_eq!(task.wait().unwrap_err().to_string(), "cancelled: outside");
        Ok(())
    })
}

#[test]
fn a_cancellation_from_outside_together_with_expiry_is_a_cancellation() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            let result = timeout(ms(10), || sleep(ms(20)));
            assert_eq!(current_task()?.cancelling(), 1);
            result
        });
        // Set before the timeout's timer, so this task runs when the other has expired and not
        // noticed yet.
        sleep(ms(10))?;
        task.cancel();
        assert!(task.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn a_timeout_works_in_the_cleanup_after_a_swallowed_cancellation() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            assert!(sleep(ms(10)).unwrap_err().is_cancelled());
            assert_eq!(current_task()?.cancelling(), 1);
            let error = timeout(ms(5), || sleep(ms(10))).unwrap_err();
            assert!(error.is_timeout());
            Ok(current_task()?.cancelling())
        });
        yield_now()?;
        task.cancel();
        assert_eq!(task.wait()?, 1);
        Ok(())
    })
}

#[test]
fn another_error_of_an_expired_body_passes_unchanged() -> Result<()> {
    virtual_run(|| {
        let body = || sleep(ms(10)).map_err(|_| Error::msg("cleanup failed"));
        assert_eq!(timeout(ms(5), body).unwrap_err().to_string(), "cleanup failed");
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_body_that_swallows_the_expiry_ends_normally() -> Result<()> {
    virtual_run(|| {
        let value = timeout(ms(5), || {
            assert!(sleep(ms(10)).is_err());
            sleep(ms(10))?;
            Ok("late")
        })?;
        assert_eq!((value, current_task()?.cancelling()), ("late", 0));
        sleep(ms(1))
    })
}

#[test]
fn a_timeout_around_a_task_waits_until_the_task_has_really_ended() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let ended = Rc::new(Cell::new(false));
        let end = Rc::clone(&ended);
        let task = create_task(move || {
            let _cleanup = OnDrop(move || {
                sleep(ms(30)).expect("cleanup may wait");
                end.set(true);
            });
            sleep(ms(100))
        });
        let error = timeout(ms(5), || task.wait()).unwrap_err();
        assert!(error.is_timeout() && ended.get());
        assert_eq!(now() - began, ms(35));
        Ok(())
    })
}

#[test]
fn a_timeout_around_a_task_returns_what_the_task_makes_of_it() -> Result<()> {
    virtual_run(|| {
        let stubborn =
            create_task(|| sleep(ms(100)).map_or_else(|_| Ok("value"), |()| Ok("slept")));
        assert_eq!(timeout(ms(5), || stubborn.wait())?, "value");
        let failing = create_task(|| sleep(ms(100)).map_err(|_| Error::msg("broken")));
        let error = timeout(ms(5), || failing.wait()).unwrap_err();
        assert_eq!(error.to_string(), "broken");
        Ok(())
    })
}

#[test]
fn a_timeout_around_a_group_ends_its_children() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let error = timeout(ms(5), || {
            task_group(|group| {
                for _ in 0..3 {
                    group.create_task(|| {
                        let _ended = log.on_drop("ended");
                        sleep(ms(10))
                    });
                }
                Ok(())
            })
        })
        .unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(log.take().len(), 3);
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_timeout_around_a_contended_lock_leaves_the_queue() -> Result<()> {
    virtual_run(|| {
        let lock = Lock::new(());
        let guard = lock.lock()?;
        let error = timeout(ms(5), || lock.lock().map(drop)).unwrap_err();
        assert!(error.is_timeout());
        drop(guard);
        assert!(!lock.is_locked(), "nobody is left in the queue");
        Ok(())
    })
}

#[test]
fn a_panic_of_the_body_passes_and_takes_the_timer_with_it() -> Result<()> {
    virtual_run(|| {
        assert_eq!(panic_of(|| timeout::<()>(ms(5), || panic!("ouch"))), "ouch");
        sleep(ms(10))?;
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_panic_after_the_expiry_does_not_leave_the_task_cancelled() -> Result<()> {
    virtual_run(|| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            timeout::<()>(ms(5), || panic!("{}", sleep(ms(10)).unwrap_err()))
        }));
        assert!(caught.is_err());
        settle()?;
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_timeout_without_a_limit_never_fires_until_it_is_given_one() -> Result<()> {
    virtual_run(|| {
        let never = Timeout::never();
        never.run(|| sleep(ms(1_000_000)))?;
        assert_eq!((never.when(), never.expired()), (None, false));

        let later = Timeout::never();
        let error = later.run(|| {
            later.reschedule(Some(now() + ms(5)))?;
            sleep(ms(10))
        });
        assert!(error.unwrap_err().is_timeout() && later.expired());
        Ok(())
    })
}

#[test]
fn a_timeout_can_be_moved_while_it_runs_and_says_when_it_cannot() -> Result<()> {
    virtual_run(|| {
        let timeout = Timeout::after(ms(5));
        assert_eq!(timeout.reschedule(None), Err(TimeoutMisused::NotEntered));
        timeout.run(|| {
            timeout.reschedule(Some(now() + ms(20)))?;
            sleep(ms(10))?;
            timeout.reschedule(None)?;
            sleep(ms(100))
        })?;
        assert!(!timeout.expired());
        assert_eq!(timeout.reschedule(None), Err(TimeoutMisused::Finished));
        let again = timeout.run(|| Ok(())).unwrap_err();
        assert_eq!(again.downcast_ref(), Some(&TimeoutMisused::Entered));

        let expired = Timeout::after(ms(5));
        let result = expired.run(|| {
            sleep(ms(10)).expect_err("time is up");
            assert_eq!(expired.reschedule(None), Err(TimeoutMisused::Expired));
            sleep(ms(0))
        });
        result?;
        Ok(())
    })
}
