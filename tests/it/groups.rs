//! Task groups: children that borrow, fail, are cancelled, panic, and always end first.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use corio::{
    Cancelled, Error, ErrorGroup, Event, Lock, Result, TaskOptions, contextmanager, create_future,
    create_task, current_task, gather, get_running_loop, sleep, task_group, timeout, with,
};
use corio_coroutine::{Coroutine, CoroutineState};
use corio_tests::{Log, OnDrop, in_a_process, ms, now, panic_of, settle, virtual_run, yield_now};

fn leaves(error: &Error) -> Vec<String> {
    error.group().expect("a group of errors").leaves().map(ToString::to_string).collect()
}

#[test]
fn a_group_returns_what_its_body_does_after_all_children_have_ended() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let ended = Cell::new(0);
        let value = task_group(|group| {
            for delay in [3, 1, 2] {
                let ended = &ended;
                group.create_task(move || {
                    sleep(ms(delay))?;
                    ended.set(ended.get() + 1);
                    Ok(())
                });
            }
            Ok("body")
        })?;
        assert_eq!((value, ended.get(), now() - began), ("body", 3, ms(3)));
        Ok(())
    })
}

#[test]
fn children_borrow_and_change_what_belongs_to_the_parent() -> Result<()> {
    virtual_run(|| {
        let words = vec![String::from("to"), String::from("be")];
        let mut slots = [0, 0];
        let total = Cell::new(0);
        let longest = task_group(|group| {
            let tasks: Vec<_> = words
                .iter()
                .zip(&mut slots)
                .map(|(word, slot)| {
                    let total = &total;
                    group.create_task(move || {
                        yield_now()?;
                        *slot = word.len();
                        total.set(total.get() + *slot);
                        Ok(word.as_str())
                    })
                })
                .collect();
            let mut found = Vec::new();
            for task in tasks {
                found.push(task.wait()?);
            }
            Ok(found.join(" "))
        })?;
        assert_eq!((longest.as_str(), slots, total.get()), ("to be", [2, 2], 4));
        drop(words);
        Ok(())
    })
}

#[test]
fn a_group_waits_for_children_that_are_made_while_it_waits_and_by_children() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        task_group(|group| {
            group.create_task(|| {
                sleep(ms(1))?;
                group.create_task(|| {
                    sleep(ms(1))?;
                    group.create_task(|| {
                        sleep(ms(1))?;
                        log.note("grandchild");
                        Ok(())
                    });
                    Ok(())
                });
                Ok(())
            });
            Ok(())
        })?;
        assert_eq!(log.take(), ["grandchild"]);
        Ok(())
    })
}

#[test]
fn a_child_made_by_the_destructor_of_the_last_childs_value_is_waited_for() -> Result<()> {
    virtual_run(|| {
        let ended = Cell::new(false);
        task_group(|group| {
            let ended = &ended;
            group.create_task(move || {
                Ok(OnDrop(move || {
                    group.create_task(move || {
                        sleep(ms(5))?;
                        ended.set(true);
                        Ok(())
                    });
                }))
            });
            Ok(())
        })?;
        assert!(ended.get());
        Ok(())
    })
}

#[test]
fn the_first_failure_cancels_siblings_and_body_and_comes_wrapped() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let began = now();
        let error = task_group(|group| {
            group.create_task(|| {
                let _ended = log.on_drop("sibling ended");
                sleep(ms(100))
            });
            group.create_task(|| {
                sleep(ms(1))?;
                Err::<(), _>(Error::msg("broken"))
            });
            let error = sleep(ms(100)).unwrap_err();
            log.note(format!("body {error}"));
            Err::<(), _>(error)
        })
        .unwrap_err();
        assert_eq!(leaves(&error), ["broken"]);
        assert!(!error.is_cancelled());
        let log = log.take();
        assert_eq!(log.len(), 2, "{log:?}");
        assert!(log.contains(&"body cancelled".into()));
        assert_eq!(now() - began, ms(1));
        assert_eq!(current_task()?.cancelling(), 0, "what the group did to the body is undone");
        sleep(ms(1))
    })
}

#[test]
fn all_failures_are_in_the_group_in_the_order_in_which_they_happened() -> Result<()> {
    virtual_run(|| {
        let error = task_group(|group| {
            for (delay, name) in [(2, "second"), (1, "first")] {
                group.create_task(move || {
                    let woken = sleep(ms(delay));
                    Err::<(), _>(Error::msg(format!("{name} {}", woken.is_ok())))
                });
            }
            group.create_task(|| sleep(ms(100)).map_err(|_| Error::msg("during cleanup")));
            Ok(())
        })
        .unwrap_err();
        assert_eq!(leaves(&error), ["first true", "second false", "during cleanup"]);
        assert!(error.to_string().starts_with("unhandled errors in a task group (3 errors"));
        Ok(())
    })
}

#[test]
fn a_body_that_swallows_the_groups_cancellation_does_not_hide_the_failure() -> Result<()> {
    virtual_run(|| {
        let error = task_group(|group| {
            group.create_task(|| Err::<(), _>(Error::msg("broken")));
            assert!(sleep(ms(10)).is_err());
            Ok("value")
        })
        .unwrap_err();
        assert_eq!(leaves(&error), ["broken"]);
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_cancelled_child_is_no_failure() -> Result<()> {
    virtual_run(|| {
        let value = task_group(|group| {
            let cancelled = group.create_task(|| sleep(ms(100)));
            let unborn = group.create_task(|| sleep(ms(100)));
            unborn.cancel();
            let sibling = group.create_task(|| {
                sleep(ms(2))?;
                Ok("fine")
            });
            sleep(ms(1))?;
            cancelled.cancel();
            assert!(cancelled.wait().unwrap_err().is_cancelled());
            sibling.wait()
        })?;
        assert_eq!(value, "fine");
        Ok(())
    })
}

#[test]
fn a_failing_body_cancels_the_children_and_is_in_the_group() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let error = task_group(|group| {
            group.create_task(|| {
                let _ended = log.on_drop("child ended");
                sleep(ms(100))
            });
            yield_now()?;
            Err::<(), _>(Error::msg("body"))
        })
        .unwrap_err();
        assert_eq!(leaves(&error), ["body"]);
        assert_eq!(log.take(), ["child ended"]);
        Ok(())
    })
}

#[test]
fn an_exit_that_fails_while_the_group_ends_is_in_the_group_too() -> Result<()> {
    virtual_run(|| {
        let error = task_group(|group| {
            let _failing = group.create_task(|| Err::<(), _>(Error::msg("child")));
            let manager = contextmanager(|co| {
                let outcome = co.yield_(());
                assert!(outcome.is_err_and(|error| error.is_cancelled()));
                sleep(ms(1))?; // the group's cancellation has been told
                Err(Error::msg("exit"))
            });
            with(manager, |()| sleep(ms(100)))
        })
        .unwrap_err();
        let mut errors = leaves(&error);
        errors.sort();
        assert_eq!(errors, ["child", "exit (while handling: cancelled)"]);
        assert_eq!(current_task()?.cancelling(), 0);
        yield_now()
    })
}

#[test]
fn a_body_that_ends_by_a_cancellation_it_was_not_the_target_of_is_cancelled() -> Result<()> {
    virtual_run(|| {
        let stranger = create_task(|| sleep(ms(100)));
        stranger.cancel();
        let log = Log::new();
        let error = task_group(|group| {
            group.create_task(|| {
                let _ended = log.on_drop("child ended");
                sleep(ms(100))
            });
            yield_now()?;
            stranger.wait()
        })
        .unwrap_err();
        assert!(error.is_cancelled() && error.group().is_none());
        assert_eq!(log.take(), ["child ended"]);
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_cancellation_from_outside_ends_the_children_and_stays_a_cancellation() -> Result<()> {
    for in_body in [true, false] {
        virtual_run(|| {
            let log = Log::new();
            let in_task = log.clone();
            let task = create_task(move || {
                let result = task_group(|group| {
                    group.create_task(|| {
                        let _ended = in_task.on_drop("child ended");
                        sleep(ms(100))
                    });
                    if in_body { sleep(ms(100)) } else { Ok(()) }
                });
                assert_eq!(current_task()?.cancelling(), 1);
                result
            });
            sleep(ms(1))?;
            task.cancel_with(Cancelled::with_message("outside"));
            assert_eq!(task.wait().unwrap_err().to_string(), "cancelled: outside");
            assert_eq!(log.take(), ["child ended"]);
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn errors_win_over_a_cancellation_from_outside_which_the_next_wait_delivers() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            let error = task_group(|group| {
                group.create_task(|| sleep(ms(100)).map_err(|_| Error::msg("cleanup failed")));
                Ok(())
            })
            .unwrap_err();
            assert_eq!(leaves(&error), ["cleanup failed"]);
            assert_eq!(current_task()?.cancelling(), 1);
            assert!(sleep(ms(1)).unwrap_err().is_cancelled());
            sleep(ms(1))
        });
        sleep(ms(1))?;
        task.cancel();
        task.wait()
    })
}

#[test]
fn a_second_cancellation_reaches_children_no_more_than_the_first() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let task = create_task(|| {
            task_group(|group| {
                group.create_task(|| {
                    let _cleanup = OnDrop(|| _ = sleep(ms(10)));
                    sleep(ms(100))
                });
                Ok(())
            })
        });
        sleep(ms(1))?;
        task.cancel();
        sleep(ms(1))?;
        task.cancel();
        assert!(task.wait().unwrap_err().is_cancelled());
        assert_eq!(now() - began, ms(11), "the child's cleanup was not disturbed");
        Ok(())
    })
}

#[test]
fn an_inner_group_that_fails_is_one_error_of_the_outer() -> Result<()> {
    virtual_run(|| {
        let error = task_group(|outer| {
            outer.create_task(|| {
                task_group(|inner| {
                    inner.create_task(|| {
                        sleep(ms(1))?;
                        Err::<(), _>(Error::msg("b"))
                    });
                    inner.create_task(|| sleep(ms(5)).map_err(|_| Error::msg("c")));
                    Ok(())
                })
            });
            outer.create_task(|| sleep(ms(9)).map_err(|_| Error::msg("a")));
            Ok(())
        })
        .unwrap_err();
        assert_eq!(leaves(&error), ["b", "c", "a"]);
        let group = error.group().expect("it is one");
        assert!(group.errors()[0].group().is_some(), "the tree is kept");
        Ok(())
    })
}

#[test]
fn a_failing_child_of_the_outer_group_cancels_the_inner_one_quietly() -> Result<()> {
    virtual_run(|| {
        let error = task_group(|outer| {
            outer.create_task(|| {
                sleep(ms(1))?;
                Err::<(), _>(Error::msg("outer"))
            });
            let error = task_group(|inner| {
                inner.create_task(|| sleep(ms(100)));
                Ok(())
            })
            .unwrap_err();
            assert!(error.is_cancelled());
            Err::<(), _>(error)
        })
        .unwrap_err();
        assert_eq!(leaves(&error), ["outer"]);
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn nested_groups_that_fail_at_once_end_with_both_errors() -> Result<()> {
    virtual_run(|| {
        let error = task_group(|outer| {
            outer.create_task(|| {
                sleep(ms(1))?;
                Err::<(), _>(Error::msg("outer"))
            });
            task_group(|inner| {
                inner.create_task(|| {
                    sleep(ms(1))?;
                    Err::<(), _>(Error::msg("inner"))
                });
                Ok(())
            })
        })
        .unwrap_err();
        let mut leaves = leaves(&error);
        leaves.sort();
        assert_eq!(leaves, ["inner", "outer"]);
        assert_eq!(current_task()?.cancelling(), 0);
        sleep(ms(1))
    })
}

#[test]
fn a_failing_group_inside_a_timeout_is_not_taken_for_the_timeout() -> Result<()> {
    virtual_run(|| {
        let error = timeout(ms(5), || {
            task_group(|group| {
                group.create_task(|| sleep(ms(100)).map_err(|_| Error::msg("cleanup failed")));
                Ok(())
            })
        })
        .unwrap_err();
        assert_eq!(leaves(&error), ["cleanup failed"]);
        assert_eq!(current_task()?.cancelling(), 0);
        sleep(ms(1))
    })
}

#[test]
fn a_group_that_shuts_down_refuses_children_and_drops_their_closures() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let result = task_group(|group| {
            group.create_task(|| Err::<(), _>(Error::msg("broken")));
            yield_now()?;
            yield_now().expect_err("a child has failed");
            let captured = log.on_drop("closure dropped");
            let refused = group.create_task(move || {
                let _captured = captured;
                panic!("it is never run")
            });
            let _: &corio::Task<'_, ()> = &refused;
            assert_eq!(log.take(), ["closure dropped"]);
            assert!(refused.done() && refused.cancelled());
            assert!(refused.wait().unwrap_err().is_cancelled());
            Ok(())
        });
        assert_eq!(leaves(&result.unwrap_err()), ["broken"]);
        Ok(())
    })
}

#[test]
fn children_that_a_child_makes_during_the_shutdown_are_refused_too() -> Result<()> {
    virtual_run(|| {
        let result = task_group(|group| {
            group.create_task(|| {
                sleep(ms(100)).expect_err("a sibling fails");
                let late = group.create_task(|| Ok(()));
                late.wait()
            });
            group.create_task(|| Err::<(), _>(Error::msg("broken")));
            Ok(())
        });
        assert_eq!(leaves(&result.unwrap_err()), ["broken"]);
        Ok(())
    })
}

#[test]
fn a_group_cancels_children_that_have_not_begun() -> Result<()> {
    virtual_run(|| {
        let result = task_group(|group| {
            group.create_task(|| Err::<(), _>(Error::msg("broken")));
            yield_now()?;
            group
                .create_task(|| -> Result<()> { panic!("the first child failed before this one") });
            Ok(())
        });
        assert_eq!(leaves(&result.unwrap_err()), ["broken"]);
        Ok(())
    })
}

#[test]
fn a_childs_handle_gives_its_value_and_its_failure_is_the_groups_all_the_same() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let error = task_group(|group| {
            let task = group.create_task(|| Err::<(), _>(Error::msg("broken")));
            // The group cancels its body at once, so that is what interrupts the wait.
            assert!(task.wait().is_err());
            Ok(())
        })
        .unwrap_err();
        assert_eq!(leaves(&error), ["broken"]);
        assert_eq!(log.take(), [""; 0], "the group has seen to it");
        Ok(())
    })
}

#[test]
fn names_reach_the_children() -> Result<()> {
    virtual_run(|| {
        task_group(|group| {
            let options = TaskOptions::new().name("child");
            let task = group.create_task_with(options, || Ok(current_task()?.name()));
            assert_eq!(task.wait()?, "child");
            Ok(())
        })
    })
}

#[test]
fn a_child_that_panics_ends_the_others_first_and_the_panic_goes_on_in_the_parent() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let said = panic_of(|| {
            task_group(|group| {
                group.create_task(|| {
                    let _ended = log.on_drop("sibling ended");
                    let _cleanup = OnDrop(|| sleep(ms(3)).expect("nothing unwinds here"));
                    sleep(ms(100))
                });
                group.create_task(|| -> Result<()> { panic!("ouch") });
                let _body = log.on_drop("body ended");
                sleep(ms(100))
            })
        });
        assert_eq!(said, "ouch");
        assert_eq!(log.take(), ["body ended", "sibling ended"]);
        Ok(())
    })
}

#[test]
fn after_the_panic_of_a_child_was_caught_the_parent_is_not_cancelled() -> Result<()> {
    virtual_run(|| {
        let said = panic_of(|| {
            task_group(|group| {
                group.create_task(|| -> Result<()> { panic!("ouch") });
                Ok(())
            })
        });
        assert_eq!(said, "ouch");
        yield_now()?;
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_body_that_panics_ends_the_children_first() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let local = Cell::new(0);
        let said = panic_of(|| {
            task_group::<()>(|group| {
                group.create_task(|| {
                    let _ended = log.on_drop("child ended");
                    let result = sleep(ms(100));
                    sleep(ms(3)).expect("cleanup may wait");
                    local.set(1);
                    result
                });
                yield_now()?;
                panic!("ouch")
            })
        });
        assert_eq!((said.as_str(), local.get()), ("ouch", 1));
        assert_eq!(log.take(), ["child ended"]);
        Ok(())
    })
}

#[test]
fn after_the_panic_of_a_body_was_caught_the_task_is_not_cancelled() -> Result<()> {
    virtual_run(|| {
        let said = panic_of(|| {
            task_group::<()>(|group| {
                group.create_task(|| Err::<(), _>(Error::msg("broken")));
                panic!("{}", sleep(ms(10)).unwrap_err());
            })
        });
        assert_eq!(said, "cancelled");
        yield_now()?;
        assert_eq!(current_task()?.cancelling(), 0);
        Ok(())
    })
}

#[test]
fn a_group_in_a_destructor_of_an_unwinding_task_is_refused() -> Result<()> {
    virtual_run(|| {
        let seen = Rc::new(RefCell::new(String::new()));
        let saw = Rc::clone(&seen);
        let task = create_task(move || -> Result<()> {
            let _late = OnDrop(|| {
                let refused = task_group(|group| {
                    group.create_task(|| Ok(()));
                    Ok(())
                });
                *saw.borrow_mut() = refused.unwrap_err().to_string();
            });
            panic!("ouch")
        });
        assert_eq!(panic_of(|| task.wait()), "ouch");
        assert!(seen.borrow().contains("while a panic unwinds"), "{}", seen.borrow());
        Ok(())
    })
}

#[test]
fn a_group_in_a_coroutine_inside_a_task_waits_on_the_loop() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let mut numbers = Coroutine::<(), u32, Result<()>>::new(|co, ()| {
            for number in 0..3 {
                let local = Cell::new(number);
                task_group(|group| {
                    group.create_task(|| {
                        sleep(ms(2))?;
                        local.set(local.get() * 10);
                        Ok(())
                    });
                    sleep(ms(1))
                })?;
                co.yield_(local.get());
            }
            Ok(())
        });
        let other = create_task(|| (0..3).try_for_each(|_| sleep(ms(1))));
        let mut seen = Vec::new();
        while let CoroutineState::Yielded(number) = numbers.resume(()) {
            seen.push(number);
            sleep(ms(1))?;
        }
        assert_eq!((seen, now() - began), (vec![0, 10, 20], ms(9)));
        assert!(other.done(), "others ran meanwhile");
        Ok(())
    })
}

#[test]
fn a_coroutine_dropped_half_way_in_a_task_ends_the_group_it_holds_open() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let (in_body, in_child) = (log.clone(), log.clone());
        let mut coroutine = Coroutine::<(), (), Result<()>>::new(move |co, ()| {
            let _body = in_body.on_drop("coroutine unwound");
            let local = Cell::new(1);
            task_group(|group| {
                group.create_task(|| {
                    let _child = in_child.on_drop("child ended");
                    let result = sleep(ms(100));
                    sleep(ms(2))?; // still uses the coroutine's stack
                    local.set(2);
                    result
                });
                co.yield_(());
                Ok(())
            })
        });
        assert_eq!(coroutine.resume(()).yielded(), Some(()));
        sleep(ms(1))?;
        let began = now();
        drop(coroutine);
        assert_eq!(log.take(), ["child ended", "coroutine unwound"]);
        assert_eq!(now() - began, ms(2));
        assert_eq!(current_task()?.cancelling(), 0);
        sleep(ms(1))
    })
}

#[test]
fn a_coroutine_with_an_open_group_may_go_on_in_another_task_and_be_cancelled_there() {
    let name = "groups::\
        a_coroutine_with_an_open_group_may_go_on_in_another_task_and_be_cancelled_there";
    let output = in_a_process(name, || {
        let ended = virtual_run(|| {
            let ended = Rc::new(Cell::new(false));
            let end = Rc::clone(&ended);
            let coroutine = create_task(move || {
                let mut coroutine = Coroutine::<(), (), Result<()>>::new(move |co, ()| {
                    task_group(|group| {
                        group.create_task(|| {
                            let result = sleep(ms(100));
                            end.set(true);
                            result
                        });
                        co.yield_(());
                        Ok(())
                    })
                });
                assert_eq!(coroutine.resume(()).yielded(), Some(()));
                Ok(coroutine)
            })
            .wait()?;
            let other = create_task(move || {
                let mut coroutine = coroutine;
                coroutine.resume(()).complete().expect("it does not yield again")
            });
            sleep(ms(1))?;
            other.cancel();
            let result = other.wait();
            assert!(ended.get());
            assert!(result.unwrap_err().is_cancelled());
            Ok(())
        });
        ended.expect("all went well");
    });
    let Some(output) = output else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_coroutine_with_an_open_group_that_is_dropped_where_nothing_can_wait_aborts() {
    let name =
        "groups::a_coroutine_with_an_open_group_that_is_dropped_where_nothing_can_wait_aborts";
    let output = in_a_process(name, || {
        let coroutine = virtual_run(|| {
            let mut coroutine = Coroutine::<(), (), Result<()>>::new(|co, ()| {
                let local = Cell::new(0);
                task_group(|group| {
                    group.create_task(|| {
                        // Goes on for ever, whatever it is told, and uses what it borrows.
                        while local.replace(local.get() + 1) < 1_000_000 {
                            let _ = sleep(ms(100));
                        }
                        Ok(())
                    });
                    co.yield_(());
                    Ok(())
                })
            });
            coroutine.resume(());
            let drop_me = Rc::new(RefCell::new(Some(coroutine)));
            let in_callback = Rc::clone(&drop_me);
            get_running_loop()?.call_soon(move || drop(in_callback.take()));
            sleep(ms(1))?;
            Ok(drop_me)
        });
        drop(coroutine);
    });
    let Some(output) = output else { return };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(stderr.contains("left a task group by force"), "{stderr}");
}

#[test]
fn deep_nesting_of_groups_ends_in_order() -> Result<()> {
    fn nest(depth: usize, log: &Log) -> Result<usize> {
        if depth == 0 {
            sleep(ms(1))?;
            return Ok(0);
        }
        let below = task_group(|group| group.create_task(|| nest(depth - 1, log)).wait())?;
        log.note(depth.to_string());
        Ok(below + 1)
    }
    virtual_run(|| {
        let log = Log::new();
        assert_eq!(nest(50, &log)?, 50);
        let expected: Vec<_> = (1..=50).map(|depth| depth.to_string()).collect();
        assert_eq!(log.take(), expected);
        Ok(())
    })
}

#[test]
fn ten_thousand_children_of_which_half_fail_all_end_with_every_error_in_the_group() -> Result<()> {
    const CHILDREN: usize = 10_000;
    virtual_run(|| {
        let (begun, ended) = (Cell::new(0), Cell::new(0));
        let error = task_group(|group| {
            for index in 0..CHILDREN {
                let (begun, ended) = (&begun, &ended);
                group.create_task(move || {
                    begun.set(begun.get() + 1);
                    let _ended = OnDrop(|| ended.set(ended.get() + 1));
                    let result = sleep(ms(1 + (index as u64 * 7919) % 100));
                    if index % 2 == 0 { Err(Error::msg(index.to_string())) } else { result }
                });
            }
            Ok(())
        })
        .unwrap_err();
        assert_eq!((begun.get(), ended.get()), (CHILDREN, CHILDREN));
        let errors: HashSet<_> = leaves(&error).into_iter().collect();
        let expected: HashSet<_> = (0..CHILDREN).step_by(2).map(|i| i.to_string()).collect();
        assert_eq!(errors, expected);
        assert_eq!(get_running_loop()?.statistics().tasks, 1, "none is left behind");
        Ok(())
    })
}

#[test]
fn a_group_works_together_with_futures_events_and_locks_on_the_parents_stack() -> Result<()> {
    virtual_run(|| {
        let (event, lock) = (Event::new(), Lock::new(Vec::new()));
        let (promise, future) = create_future();
        let future = future.shared();
        task_group(|group| {
            for index in 0..3 {
                let (event, lock, future) = (&event, &lock, &future);
                group.create_task(move || {
                    event.wait()?;
                    let offset: i32 = future.wait()?;
                    lock.lock()?.push(index + offset);
                    Ok(())
                });
            }
            sleep(ms(1))?;
            event.set();
            promise.set_result(10)?;
            Ok(())
        })?;
        assert_eq!(lock.into_inner(), [10, 11, 12]);
        Ok(())
    })
}

#[test]
fn a_gather_of_groups_in_groups_ends() -> Result<()> {
    virtual_run(|| {
        let count = Cell::new(0);
        let branch = || {
            task_group(|group| {
                for _ in 0..5 {
                    group.create_task(|| {
                        sleep(ms(1))?;
                        count.set(count.get() + 1);
                        Ok(())
                    });
                }
                Ok(())
            })
        };
        task_group(|group| {
            group.create_task(|| gather([branch, branch]).map(drop));
            gather((branch, branch, branch)).map(drop)
        })?;
        assert_eq!(count.get(), 25);
        Ok(())
    })
}

#[test]
fn a_caught_panic_of_a_nested_coroutine_leaves_the_group_usable() -> Result<()> {
    virtual_run(|| {
        let value = task_group(|group| {
            let mut coroutine = Coroutine::<(), (), ()>::new(|_, ()| {
                let _ = sleep(ms(1));
                panic!("inside");
            });
            let caught = catch_unwind(AssertUnwindSafe(|| coroutine.resume(())));
            assert!(caught.is_err());
            group
                .create_task(|| {
                    sleep(ms(1))?;
                    Ok(7)
                })
                .wait()
        })?;
        assert_eq!(value, 7);
        Ok(())
    })
}

#[test]
fn an_error_group_in_an_error_is_found_by_its_type() {
    let error = Error::from(ErrorGroup::new("both", vec![Error::msg("a"), Error::msg("b")]));
    assert_eq!(leaves(&error), ["a", "b"]);
    assert!(error.downcast_ref::<ErrorGroup>().is_some());
}

#[test]
fn a_settled_group_leaves_no_trace_in_the_loop() -> Result<()> {
    virtual_run(|| {
        for _ in 0..100 {
            task_group(|group| {
                group.create_task(|| sleep(ms(1)));
                group.create_task(yield_now);
                settle()
            })?;
        }
        assert_eq!(get_running_loop()?.statistics().tasks, 1);
        Ok(())
    })
}

#[test]
fn children_that_fail_in_the_same_round_are_all_in_the_group() -> Result<()> {
    virtual_run(|| {
        let error = task_group(|group| {
            for message in ["one", "two"] {
                group.create_task(move || {
                    sleep(ms(1))?;
                    Err::<(), _>(Error::msg(message))
                });
            }
            Ok(())
        })
        .unwrap_err();
        assert_eq!(leaves(&error), ["one", "two"]);
        Ok(())
    })
}

#[test]
fn a_group_that_is_cancelled_ends_its_children_and_returns_the_bodys_value() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let value = task_group(|group| {
            for _ in 0..2 {
                group.create_task(|| {
                    let ended = sleep(ms(100));
                    log.note(format!("{}", ended.unwrap_err().is_cancelled()));
                    Ok(())
                });
            }
            group.create_task(|| {
                sleep(ms(1))?;
                group.cancel();
                group.cancel();
                Ok(())
            });
            let interrupted = sleep(ms(50)).unwrap_err();
            assert!(interrupted.is_cancelled());
            Ok("value")
        })?;
        assert_eq!((value, log.take()), ("value", vec!["true".to_owned(); 2]));
        assert_eq!(current_task()?.cancelling(), 0);
        sleep(ms(1))
    })
}

#[test]
fn a_childs_handle_can_be_kept_when_the_group_has_ended() -> Result<()> {
    virtual_run(|| {
        let words = [String::from("to"), String::from("be")];
        let mut kept = Vec::new();
        let owned = task_group(|group| {
            for word in &words {
                kept.push(group.create_task(|| {
                    yield_now()?;
                    Ok(word.as_str())
                }));
            }
            Ok(group.create_task(|| Ok(String::from("owned"))))
        })?;
        assert!(kept.iter().all(corio::Task::done));
        assert_eq!(gather(kept)?, ["to", "be"]);
        assert_eq!(owned.wait()?, "owned");
        Ok(())
    })
}
