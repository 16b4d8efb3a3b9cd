//! Children that say when they are ready.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use corio::{
    Cancelled, Error, ErrorGroup, Event, NotStarted, Result, Runner, Started, TaskOptions,
    all_tasks, current_task, get_running_loop, sleep, task_group, timeout,
};
use corio_tests::{Log, ms, now, panic_of, settle, virtual_run, yield_now};

#[test]
fn start_returns_when_the_child_says_so_and_the_child_goes_on() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let ended = Cell::new(false);
        let name = task_group(|group| {
            let name = group.start_with(TaskOptions::new().name("server"), |started| {
                sleep(ms(5))?;
                started.set(current_task()?.name());
                sleep(ms(5))?;
                ended.set(true);
                Ok(())
            })?;
            assert_eq!((now() - began, ended.get()), (ms(5), false));
            Ok(name)
        })?;
        assert_eq!((&*name, now() - began, ended.get()), ("server", ms(10), true));
        Ok(())
    })
}

#[test]
fn a_failure_before_the_start_is_the_starters_and_not_the_groups() -> Result<()> {
    virtual_run(|| {
        task_group(|group| {
            let failed = group.start(|_: Started<()>| {
                yield_now()?;
                Err(Error::msg("address in use"))
            });
            assert_eq!(failed.unwrap_err().to_string(), "address in use");
            settle()
        })
    })
}

#[test]
fn a_failure_after_the_start_is_the_groups() -> Result<()> {
    virtual_run(|| {
        let failed: Result<()> = task_group(|group| {
            let value = group.start(|started| {
                started.set(1);
                sleep(ms(1))?;
                Err(Error::msg("crashed"))
            })?;
            assert_eq!(value, 1);
            Event::new().wait()
        });
        let error = failed.unwrap_err();
        let group: &ErrorGroup = error.group().expect("a group");
        assert_eq!(group.errors()[0].to_string(), "crashed");
        Ok(())
    })
}

#[test]
fn a_child_that_ends_without_a_word_is_an_error_that_names_it() -> Result<()> {
    virtual_run(|| {
        task_group(|group| {
            let options = TaskOptions::new().name("mute");
            let error = group.start_with(options, |_: Started<u8>| Ok(())).unwrap_err();
            assert_eq!(error.downcast_ref::<NotStarted>().expect("this one").task(), "mute");
            assert_eq!(
                error.to_string(),
                "task 'mute' ended without saying that it had started: it is to call \
                 `started.set(…)` when it is ready"
            );
            Ok(())
        })
    })
}

#[test]
fn a_handle_that_is_kept_elsewhere_neither_hangs_nor_harms() -> Result<()> {
    virtual_run(|| {
        let kept = RefCell::new(None);
        task_group(|group| {
            let error = group.start(|started| {
                kept.replace(Some(started));
                Ok(())
            });
            assert!(error.unwrap_err().downcast_ref::<NotStarted>().is_some());
            Ok(())
        })?;
        kept.take().expect("it was kept").set(5);
        Ok(())
    })
}

#[test]
fn cancelling_the_starter_cancels_the_child_and_waits_for_it() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let began = now();
        task_group(|group| {
            let started = timeout(ms(1), || {
                group.start(|_: Started<()>| {
                    let ended = Event::new().wait();
                    log.note("child cancelled");
                    sleep(ms(3))?;
                    log.note("child cleaned up");
                    ended
                })
            });
            assert!(started.unwrap_err().is_timeout());
            assert_eq!(now() - began, ms(4));
            assert_eq!(log.take(), ["child cancelled", "child cleaned up"]);
            Ok(())
        })
    })
}

#[test]
fn a_child_that_starts_although_it_was_cancelled_has_started() -> Result<()> {
    virtual_run(|| {
        let group = task_group(|group| {
            let starter = group.create_task(|| {
                group.start(|started| {
                    assert!(Event::new().wait().is_err());
                    started.set("all the same");
                    Ok(())
                })
            });
            settle()?;
            assert!(starter.cancel());
            starter.wait()
        });
        assert_eq!(group?, "all the same");
        Ok(())
    })
}

#[test]
fn a_child_that_swallows_the_cancellation_and_ends_was_cancelled_not_mute() -> Result<()> {
    virtual_run(|| {
        task_group(|group| {
            let starter = group.create_task(|| {
                group.start(|_: Started<()>| {
                    assert!(Event::new().wait().is_err());
                    Ok(())
                })
            });
            settle()?;
            assert!(starter.cancel());
            assert!(starter.wait().unwrap_err().is_cancelled());
            Ok(())
        })
    })
}

#[test]
fn a_starter_that_is_cancelled_when_the_child_has_started_leaves_it_to_the_group() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        task_group(|group| {
            let starter = group.create_task(|| {
                let me = current_task()?;
                let log = &log;
                group.start(move |started| {
                    yield_now()?;
                    started.set(());
                    assert!(me.cancel());
                    sleep(ms(1))?;
                    log.note("child ends");
                    Ok(())
                })
            });
            assert!(starter.wait().unwrap_err().is_cancelled());
            assert!(log.take().is_empty());
            Ok(())
        })?;
        assert_eq!(log.take(), ["child ends"]);
        Ok(())
    })
}

#[test]
fn a_child_that_is_cancelled_before_it_begins_says_so_to_the_starter() -> Result<()> {
    virtual_run(|| {
        task_group(|group| {
            let starter =
                group.create_task(|| group.start(|_: Started<()>| unreachable!("it never begins")));
            yield_now()?;
            let child = all_tasks()?.pop().expect("the child");
            child.cancel_with(Cancelled::with_message("early"));
            assert_eq!(starter.wait().unwrap_err().to_string(), "cancelled: early");
            Ok(())
        })
    })
}

#[test]
fn a_group_that_is_shutting_down_starts_nobody() -> Result<()> {
    virtual_run(|| {
        let ended: Result<()> = task_group(|group| {
            group.cancel();
            let refused = group.start(|_: Started<()>| unreachable!("it is refused"));
            assert_eq!(
                refused.unwrap_err().to_string(),
                "cancelled: the task group is shutting down"
            );
            Ok(())
        });
        ended
    })
}

#[test]
fn a_sibling_that_fails_stops_a_child_that_starts_and_its_starter() -> Result<()> {
    virtual_run(|| {
        let failed: Result<()> = task_group(|group| {
            group.create_task(|| {
                sleep(ms(1))?;
                Err::<(), _>(Error::msg("sibling"))
            });
            let started = group.start(|_: Started<()>| Event::new().wait());
            assert!(started.as_ref().unwrap_err().is_cancelled());
            started
        });
        let error = failed.unwrap_err();
        assert_eq!(error.group().expect("a group").leaves().count(), 1);
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_panic_before_the_start_comes_out_of_start() -> Result<()> {
    virtual_run(|| {
        task_group(|group| {
            let said = panic_of(|| group.start(|_: Started<()>| panic!("not ready")));
            assert_eq!(said, "not ready");
            settle()
        })
    })
}

#[test]
fn a_panic_after_the_start_is_the_groups() -> Result<()> {
    virtual_run(|| {
        let said = panic_of(|| {
            task_group(|group| {
                group.start(|started| {
                    started.set(());
                    panic!("later")
                })
            })
        });
        assert_eq!(said, "later");
        Ok(())
    })
}

#[test]
fn a_failure_that_a_cancelled_starter_cannot_take_is_reported() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        task_group(|group| {
            let starter = Rc::new(RefCell::new(None));
            let cancels = Rc::clone(&starter);
            let task = group.create_task(move || {
                group.start_with(TaskOptions::new().name("child"), move |_: Started<()>| {
                    yield_now()?;
                    // The starter is woken by this failure, and then cancelled before it runs.
                    Err(Error::msg("lost?"))
                })
            });
            starter.replace(Some(task));
            group.create_task(move || {
                yield_now()?;
                yield_now()?;
                let starter = cancels.take().expect("it was made");
                assert!(starter.cancel());
                Ok(())
            });
            settle()
        })?;
        assert_eq!(log.take(), ["task 'child' failed as it started: lost?"]);
        Ok(())
    })
}

#[test]
fn an_eager_child_may_have_started_before_anybody_waits() -> Result<()> {
    Runner::with_virtual_clock()?.eager_tasks(true).run(|| {
        task_group(|group| {
            let steps = || get_running_loop().map(|event_loop| event_loop.statistics().steps);
            let before = steps()?;
            let value = group.start(|started| {
                started.set(1);
                Ok(())
            })?;
            let failed = group.start(|_: Started<()>| Err(Error::msg("at once")));
            assert_eq!((value, failed.unwrap_err().to_string()), (1, "at once".into()));
            assert_eq!(steps()?, before);
            Ok(())
        })
    })
}
