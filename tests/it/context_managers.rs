//! Context managers: order, what each sees, and what becomes of errors and panics.

#![expect(clippy::unit_arg, reason = "`Ok(log.note(…))` is what a short body does")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use corio::{
    BodyPanicked, ContextManager, ContextManagerMisused, Error, ExitFailed, ExitStack,
    GeneratorContextManager, Result, ScopeLeftOpen, Suppressed, closing, contextmanager,
    create_future, create_task, decorate, exit_stack, generator, get_running_loop, nullcontext,
    sleep, task_group, timeout, with, with_suppressing,
};
use corio_tests::{Log, ms, now, panic_of, virtual_run, yield_now};

/// Notes what happens to it, and takes a millisecond each way.
#[derive(Clone)]
struct Noted {
    name: &'static str,
    log: Log,
    enter_fails: bool,
    exit: Exit,
}

#[derive(Clone, Copy)]
enum Exit {
    HandOn,
    Swallow,
    Replace(&'static str),
    Panic,
}

fn noted(name: &'static str, log: &Log) -> Noted {
    Noted { name, log: log.clone(), enter_fails: false, exit: Exit::HandOn }
}

impl Noted {
    fn on_exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    fn failing(self) -> Self {
        Self { enter_fails: true, ..self }
    }
}

impl ContextManager for Noted {
    type Value = &'static str;

    fn enter(&mut self) -> Result<&'static str> {
        sleep(ms(1))?;
        self.log.note(format!("enter {}", self.name));
        if self.enter_fails { Err(Error::msg("cannot enter")) } else { Ok(self.name) }
    }

    fn exit(self, outcome: Result<()>) -> Result<()> {
        sleep(ms(1))?;
        match &outcome {
            Ok(()) => self.log.note(format!("exit {}", self.name)),
            Err(error) => self.log.note(format!("exit {} on: {error}", self.name)),
        }
        match self.exit {
            Exit::HandOn => outcome,
            Exit::Swallow => Ok(()),
            Exit::Replace(text) => Err(Error::msg(text)),
            Exit::Panic => panic!("in the exit"),
        }
    }
}

fn fail<T>() -> Result<T> {
    Err(Error::msg("no"))
}

fn earlier(error: &Error) -> Vec<String> {
    let failed = error.downcast_ref::<ExitFailed>().expect("an exit failed");
    failed.earlier().iter().map(ToString::to_string).collect()
}

#[test]
fn the_body_has_the_value_and_the_manager_the_last_word() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let began = now();
        let length = with(noted("one", &log), |name| {
            log.note("body");
            Ok(name.len())
        })?;
        assert_eq!((length, now() - began), (3, ms(2)));
        assert_eq!(log.take(), ["enter one", "body", "exit one"]);
        Ok(())
    })
}

#[test]
fn an_error_of_the_body_is_seen_and_handed_on_as_it_was() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let thrown = Error::msg("no");
        let error = with(noted("one", &log), |_| Err::<(), _>(thrown.clone())).unwrap_err();
        assert!(std::ptr::eq(error.as_error(), thrown.as_error()), "the very same");
        assert_eq!(log.take(), ["enter one", "exit one on: no"]);
        Ok(())
    })
}

#[test]
fn an_exit_may_replace_the_error_which_is_kept_beside_the_new_one() -> Result<()> {
    virtual_run(|| {
        let manager = noted("one", &Log::new()).on_exit(Exit::Replace("worse"));
        let error = with(manager.clone(), |_| fail::<()>()).unwrap_err();
        assert_eq!(error.to_string(), "worse (while handling: no)");
        assert_eq!(earlier(&error), ["no"]);
        let error = with(manager, |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "worse", "there was no other");
        Ok(())
    })
}

#[test]
fn an_exit_may_swallow_the_error_and_there_is_no_value_then() -> Result<()> {
    virtual_run(|| {
        let manager = noted("one", &Log::new()).on_exit(Exit::Swallow);
        assert_eq!(with_suppressing(manager.clone(), |_| fail::<u8>())?, None);
        assert_eq!(with_suppressing(manager.clone(), |_| Ok(5))?, Some(5));
        assert_eq!(with(manager.clone(), |_| Ok(5))?, 5);
        let error = with(manager, |_| fail::<u8>()).unwrap_err();
        assert!(error.downcast_ref::<Suppressed>().is_some());
        assert!(error.to_string().ends_with("use `with_suppressing` (the error: no)"), "{error}");
        Ok(())
    })
}

#[test]
fn if_entering_fails_neither_body_nor_exit_runs() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let manager = noted("one", &log).failing();
        let error = with(manager, |_| Ok(log.note("body"))).unwrap_err();
        assert_eq!(error.to_string(), "cannot enter");
        assert_eq!(log.take(), ["enter one"]);
        Ok(())
    })
}

#[test]
fn several_managers_are_as_if_nested() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let (one, two, three) = (noted("one", &log), noted("two", &log), noted("three", &log));
        let all = (one.clone(), two.clone(), three.clone());
        assert_eq!(with(all, |(a, b, c)| Ok([a, b, c].concat()))?, "onetwothree");
        let order = ["enter one", "enter two", "enter three", "exit three", "exit two", "exit one"];
        assert_eq!(log.take(), order);

        // What one makes of the error, the next sees.
        let all = (
            one.clone(),
            two.clone().on_exit(Exit::Swallow),
            three.clone().on_exit(Exit::Replace("worse")),
        );
        assert_eq!(with_suppressing(all, |_| fail::<()>())?, None);
        let exits = ["exit three on: no", "exit two on: worse (while handling: no)", "exit one"];
        assert_eq!(log.take()[3..], exits);

        // One that cannot be entered is an error to those that were.
        let all = (one, two.on_exit(Exit::Swallow), three.failing());
        assert_eq!(with_suppressing(all, |_| Ok(log.note("body")))?, None);
        assert_eq!(log.take()[3..], ["exit two on: cannot enter", "exit one"]);
        Ok(())
    })
}

#[test]
fn a_tuple_and_nested_calls_agree_on_every_outcome() -> Result<()> {
    let exits = [Exit::HandOn, Exit::Swallow, Exit::Replace("worse")];
    virtual_run(|| {
        for outer in exits {
            for inner in exits {
                for body_fails in [false, true] {
                    let body = || if body_fails { fail() } else { Ok(5) };
                    let log = Log::new();
                    let managers = || {
                        let (outer, inner) =
                            (noted("o", &log).on_exit(outer), noted("i", &log).on_exit(inner));
                        (outer, inner)
                    };
                    let flat = with_suppressing(managers(), |_| body());
                    let seen_flat = log.take();
                    let (outer, inner) = managers();
                    let nested = with_suppressing(outer, |_| with_suppressing(inner, |_| body()));
                    let nested = nested.map(Option::flatten);
                    assert_eq!(log.take(), seen_flat);
                    assert_eq!(format!("{flat:?}"), format!("{nested:?}"));
                }
            }
        }
        Ok(())
    })
}

#[test]
fn a_panic_of_the_body_goes_on_when_the_managers_have_been_left() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let managers = (noted("one", &log), noted("two", &log).on_exit(Exit::Swallow));
        let began = now();
        let panic = panic_of(|| with(managers, |_| -> Result<()> { panic!("broken") }));
        assert_eq!((panic.as_str(), now() - began), ("broken", ms(4)), "and they could wait");
        let exits =
            ["exit two on: the body panicked: broken", "exit one on: the body panicked: broken"];
        assert_eq!(log.take()[2..], exits, "a panic cannot be swallowed");
        sleep(ms(1))
    })
}

#[test]
fn a_panic_of_an_exit_does_not_keep_the_others_from_running() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let managers = (noted("one", &log), noted("two", &log).on_exit(Exit::Panic));
        assert_eq!(panic_of(|| with(managers, |_| Ok(()))), "in the exit");
        assert_eq!(log.take()[3..], ["exit one on: the body panicked: in the exit"]);
        Ok(())
    })
}

#[test]
fn a_cancellation_reaches_the_exit_which_may_wait() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = noted("one", &log);
        let task = create_task(move || with(in_task, |_| sleep(Duration::MAX)));
        sleep(ms(5))?;
        task.cancel();
        assert!(task.wait().unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["enter one", "exit one on: cancelled"]);
        Ok(())
    })
}

/// A generator that notes what it does.
fn tagged(name: &'static str, log: &Log) -> GeneratorContextManager<&'static str> {
    let log = log.clone();
    contextmanager(move |co| {
        sleep(ms(1))?;
        log.note(format!("<{name}>"));
        let outcome = co.yield_(name);
        sleep(ms(1))?;
        log.note(format!("</{name}>"));
        outcome
    })
}

#[test]
fn a_generator_is_a_manager() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let both = (tagged("ul", &log), tagged("li", &log));
        assert_eq!(with(both, |(ul, li)| Ok([ul, li].concat()))?, "ulli");
        assert_eq!(log.take(), ["<ul>", "<li>", "</li>", "</ul>"]);

        let thrown = Error::msg("no");
        let error = with(tagged("p", &log), |_| Err::<(), _>(thrown.clone())).unwrap_err();
        assert!(std::ptr::eq(error.as_error(), thrown.as_error()), "the very same");
        assert_eq!(log.take(), ["<p>", "</p>"]);

        let swallowing = contextmanager(|co| Ok(co.yield_(1).unwrap_or(())));
        assert_eq!(with_suppressing(swallowing, |_| fail::<()>())?, None);
        let replacing = contextmanager(|co| co.yield_(1).map_err(|_| Error::msg("worse")));
        let error = with(replacing, |_| fail::<()>()).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), earlier(&error)),
            ("worse (while handling: no)", vec!["no".into()])
        );
        Ok(())
    })
}

#[test]
fn a_generator_that_does_not_yield_once_is_told_where_it_was_made() -> Result<()> {
    virtual_run(|| {
        let misused =
            |error: Error| *error.downcast_ref::<ContextManagerMisused>().expect("misuse");
        let never = contextmanager(|_: &corio::Co<'_, ()>| Ok(()));
        let error = with(never, |()| Ok(())).unwrap_err();
        assert!(error.to_string().contains("made at tests/it/context_managers.rs"), "{error}");
        assert!(matches!(misused(error), ContextManagerMisused::DidNotYield(_)));

        let log = Log::new();
        let in_body = log.clone();
        let twice = contextmanager(move |co| {
            co.yield_(1)?;
            co.yield_(2).inspect_err(|error| in_body.note(error.to_string()))
        });
        let error = with(twice, |_| Ok(())).unwrap_err();
        assert!(matches!(misused(error), ContextManagerMisused::DidNotStop(_)));
        assert!(log.take().concat().contains("is being closed"));

        let stubborn = contextmanager(|co| co.yield_(1).or_else(|_| co.yield_(2)));
        let error = with(stubborn, |_| fail::<()>()).unwrap_err();
        assert_eq!(earlier(&error), ["no"]);
        assert!(matches!(misused(error), ContextManagerMisused::DidNotStopAfterError(_)));
        Ok(())
    })
}

#[test]
fn a_generator_that_fails_to_set_up_says_why() {
    let failing = contextmanager(|co| {
        fail::<()>()?;
        co.yield_(())
    });
    assert_eq!(with(failing, |()| Ok(())).unwrap_err().to_string(), "no");
}

#[test]
fn a_manager_that_is_entered_and_dropped_closes_its_generator() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let mut manager = tagged("p", &log);
        manager.enter()?;
        drop(manager);
        assert_eq!(log.take(), ["<p>", "</p>"]);
        Ok(())
    })
}

#[test]
fn a_timeout_or_a_group_of_a_manager_holds_for_the_body() -> Result<()> {
    virtual_run(|| {
        let limited = || contextmanager(|co| timeout(ms(5), || co.yield_(())));
        assert!(with(limited(), |()| sleep(ms(50))).unwrap_err().is_timeout());
        with(limited(), |()| sleep(ms(4)))?;

        // A task in the background, whose failure ends the body.
        let ticks = Rc::new(Cell::new(0));
        let ticking = |fails_at: u32| {
            let ticks = Rc::clone(&ticks);
            contextmanager(move |co| {
                task_group(|group| {
                    let ticker = group.create_task(|| -> Result<()> {
                        loop {
                            sleep(ms(1))?;
                            ticks.set(ticks.get() + 1);
                            if ticks.get() == fails_at {
                                return fail();
                            }
                        }
                    });
                    co.yield_(())?;
                    ticker.cancel();
                    Ok(())
                })
            })
        };
        with(ticking(0), |()| sleep(Duration::from_micros(3500)))?;
        assert_eq!(ticks.get(), 3);
        let error = with(ticking(10), |()| sleep(ms(50))).unwrap_err();
        assert!(error.group().is_some_and(|group| group.leaves().next().is_some()), "{error:?}");
        assert_eq!(ticks.get(), 10);
        sleep(ms(100))
    })
}

#[test]
fn a_generator_cannot_yield_out_of_such_a_manager() -> Result<()> {
    virtual_run(|| {
        let refused = generator(|co| {
            let limited = contextmanager(|inner| timeout(ms(5), || inner.yield_(())));
            let refused = with(limited, |()| co.yield_(1)).unwrap_err();
            Ok(refused.downcast_ref::<ScopeLeftOpen>().is_some())
        });
        assert_eq!(refused.start()?.complete(), Some(true));
        Ok(())
    })
}

#[test]
fn a_decorated_function_has_a_manager_for_each_call_also_when_it_recurses() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let factorial = Rc::new_cyclic(|own: &std::rc::Weak<Box<dyn Fn(u64) -> Result<u64>>>| {
            let (own, log) = (own.clone(), log.clone());
            Box::new(decorate(
                move || tagged("call", &log),
                move |n: u64| match n {
                    0 => Ok(1),
                    _ => Ok(n * own.upgrade().expect("it is being called")(n - 1)?),
                },
            )) as Box<dyn Fn(u64) -> Result<u64>>
        });
        assert_eq!(factorial(3)?, 6);
        let log = log.take();
        assert_eq!(
            (&log[..4], &log[4..]),
            (&["<call>"; 4].map(String::from)[..], &["</call>"; 4].map(String::from)[..])
        );
        Ok(())
    })
}

#[test]
fn an_exit_stack_is_left_from_the_top_with_the_outcome_of_the_body() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let error = exit_stack(|stack| {
            assert_eq!(stack.enter(noted("one", &log))?, "one");
            stack.push(|outcome| {
                log.note(format!("push {outcome:?}"));
                outcome.map_err(|_| Error::msg("worse"))
            });
            stack.callback(|| {
                sleep(ms(1))?;
                Ok(log.note("callback"))
            });
            assert!(stack.enter(noted("two", &log).failing()).is_err(), "and is not on the stack");
            fail::<()>()
        })
        .unwrap_err();
        assert_eq!(earlier(&error), ["no"]);
        let seen = [
            "enter one",
            "enter two",
            "callback",
            "push Err(no)",
            "exit one on: worse (while handling: no)",
        ];
        assert_eq!(log.take(), seen);
        Ok(())
    })
}

#[test]
fn an_exit_stack_may_swallow_the_error_of_the_body() {
    let error = exit_stack(|stack| {
        stack.push(|_| Ok(()));
        fail::<u8>()
    })
    .unwrap_err();
    assert!(error.downcast_ref::<Suppressed>().is_some());
}

#[test]
fn what_is_popped_off_an_exit_stack_is_left_by_who_has_it() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let mut kept = exit_stack(|stack| {
            stack.enter(noted("one", &log))?;
            stack.enter(tagged("p", &log))?;
            Ok(stack.pop_all())
        })?;
        assert_eq!(log.take(), ["enter one", "<p>"]);
        kept.close()?;
        assert_eq!(log.take(), ["</p>", "exit one"]);
        assert!(kept.is_empty());
        kept.close()
    })
}

#[test]
fn an_exit_stack_that_is_dropped_is_closed_and_reports_what_fails() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let mut stack = ExitStack::new();
        stack.enter(noted("one", &log))?;
        stack.callback(fail);
        drop(stack);
        let seen = [
            "enter one",
            "exit one on: no",
            "an exit stack was dropped, and failed as it was closed: no",
        ];
        assert_eq!(log.take(), seen);
        Ok(())
    })
}

#[test]
fn a_cancellation_that_meets_an_exit_stack_as_it_is_dropped_is_not_lost() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let task = create_task(|| {
            let mut stack = ExitStack::new();
            stack.callback(|| sleep(ms(10)));
            drop(stack); // cancelled here
            let requests = corio::current_task()?.cancelling();
            Ok((requests, sleep(ms(1)).is_err_and(|error| error.is_cancelled())))
        });
        sleep(ms(5))?;
        task.cancel();
        assert_eq!(task.wait()?, (1, true));
        assert_eq!(log.take(), [""; 0]);
        Ok(())
    })
}

#[test]
fn an_exit_stack_dropped_by_a_panic_tells_its_exits() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let panic = panic_of(|| {
            let mut stack = ExitStack::new();
            stack.push(|outcome| {
                log.note(format!("{}", outcome.as_ref().unwrap_err()));
                outcome
            });
            stack.callback(|| panic!("second"));
            panic!("first")
        });
        assert_eq!(panic, "first");
        assert!(log.take()[0].starts_with("the body panicked: second (while handling: "));
        Ok(())
    })
}

#[test]
fn every_exit_of_a_stack_runs_whatever_the_others_do() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let panic = panic_of(|| {
            exit_stack(|stack| {
                stack.callback(|| Ok(log.note("last")));
                stack.callback(|| panic!("second"));
                stack.callback(fail);
                stack.callback(|| panic!("first"));
                Ok(())
            })
        });
        assert_eq!(panic, "first");
        assert_eq!(log.take(), ["last"]);
        Ok(())
    })
}

#[test]
fn a_stack_of_many_failing_exits_does_not_recurse() -> Result<()> {
    virtual_run(|| {
        const MANY: usize = 1000;
        let error = exit_stack(|stack| {
            for n in 0..MANY {
                stack.callback(move || Err(Error::msg(format!("{n}"))));
            }
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.to_string(), "0 (while handling: 1)");
        assert_eq!(earlier(&error).len(), MANY - 1);
        assert!(format!("{error:?}").starts_with("0 (while handling: 1)"));
        Ok(())
    })
}

#[test]
fn an_exit_stack_may_borrow_and_put_more_on_itself_later() -> Result<()> {
    let order = RefCell::new(Vec::new());
    let mut stack = ExitStack::new();
    for n in 0..3 {
        let order = &order;
        stack.callback(move || Ok(order.borrow_mut().push(n)));
    }
    stack.close()?;
    stack.callback(|| Ok(order.borrow_mut().push(3)));
    stack.close()?;
    drop(stack);
    assert_eq!(order.take(), [2, 1, 0, 3]);
    Ok(())
}

#[test]
fn closing_closes_whatever_the_body_does() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let endless = |fails: bool| {
            let log = log.clone();
            generator(move |co| {
                let closed = co.yield_all(0..);
                sleep(ms(1))?;
                log.note("closed");
                if fails { fail() } else { closed }
            })
        };
        let numbers = endless(false);
        let third = with(closing(&numbers), |mut numbers| numbers.nth(2).transpose())?;
        assert_eq!((third, numbers.is_done(), log.take().len()), (Some(2), true, 1));

        let failing = endless(true);
        failing.start()?;
        let error = with(closing(&failing), |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "no", "returned, not only reported");
        assert_eq!(with(nullcontext(5), |five| Ok(five + 1))?, 6);
        Ok(())
    })
}

#[test]
fn the_error_of_a_panicking_body_can_be_told_from_others() -> Result<()> {
    virtual_run(|| {
        let seen = Rc::new(Cell::new(false));
        let in_manager = Rc::clone(&seen);
        let manager = contextmanager(move |co| {
            let outcome = co.yield_(());
            let error = outcome.as_ref().unwrap_err();
            in_manager
                .set(error.downcast_ref::<BodyPanicked>().is_some_and(|p| p.message() == "broken"));
            outcome
        });
        panic_of(|| with(manager, |()| -> Result<()> { panic!("broken") }));
        assert!(seen.get());
        Ok(())
    })
}

#[test]
fn nothing_is_left_behind() -> Result<()> {
    let stacks = || corio_coroutine::statistics().live;
    let before = stacks();
    virtual_run(|| {
        let log = Log::new();
        for _ in 0..10 {
            let both = (tagged("a", &log), tagged("b", &log));
            drop(with(both, |_| fail::<()>()));
        }
        yield_now()?;
        assert_eq!((stacks(), get_running_loop()?.statistics().tasks), (before + 1, 1));
        let (_promise, never) = create_future::<()>();
        let asleep = now();
        assert!(never.wait().is_err(), "a deadlock");
        assert_eq!(now(), asleep, "no timer is left to wait for");
        Ok(())
    })
}
