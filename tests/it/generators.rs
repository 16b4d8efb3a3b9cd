//! Generators whose bodies wait: steps, endings, and what becomes of one that is left half-way.

mod properties;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use corio::CoroutineState::{Complete, Yielded};
use corio::{
    Co, Error, Generator, GeneratorError, GeneratorExit, Result, Runner, ScopeLeftOpen,
    create_task, current_task, generator, get_running_loop, sleep, task_group, timeout,
};
use corio_coroutine::Interrupted;
use corio_tests::{Log, OnDrop, ms, now, panic_of, settle, virtual_run, yield_now};

/// Yields 0, 1, 2, …, one a millisecond; says when it is closed, which takes it a millisecond.
fn counter(log: &Log) -> Generator<u32> {
    let log = log.clone();
    generator(move |co| {
        for n in 0.. {
            sleep(ms(1))?;
            if let Err(error) = co.yield_(n) {
                log.note(format!("{n}: {error}"));
                sleep(ms(1))?;
                log.note("cleaned up");
                return Err(error);
            }
        }
        Ok(())
    })
}

fn is<E: std::error::Error + 'static>(error: &Error) -> bool {
    error.downcast_ref::<E>().is_some()
}

fn refusal(error: &Error) -> String {
    match error.downcast_ref::<GeneratorError>() {
        Some(refused) => format!("{refused:?}"),
        None => panic!("not a refusal: {error:?}"),
    }
}

#[test]
fn yields_and_waits_interleave_and_other_tasks_run_meanwhile() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let other = log.clone();
        let task = create_task(move || {
            for n in 0..3 {
                sleep(ms(1))?;
                other.note(format!("other {n}"));
            }
            Ok(())
        });
        let began = now();
        for n in counter(&log).take(3) {
            log.note(format!("got {}", n?));
        }
        assert_eq!(now() - began, ms(4), "three values, and the cleanup");
        task.wait()?;
        let log = log.take();
        assert_eq!(log[..4], ["got 0", "other 0", "got 1", "other 1"]);
        assert_eq!(log.last().map(String::as_str), Some("cleaned up"));
        Ok(())
    })
}

#[test]
fn it_works_off_the_loop_as_long_as_it_does_not_wait() {
    let squares = generator(|co| {
        for n in 1..=3 {
            co.yield_(n * n)?;
        }
        sleep(ms(1))
    });
    let items: Vec<_> = squares.collect();
    assert_eq!(items.iter().flatten().copied().collect::<Vec<_>>(), [1, 4, 9]);
    let error = items[3].as_ref().unwrap_err();
    assert!(is::<corio::NoRunningLoop>(error), "{error}");
}

#[test]
fn an_error_of_the_body_is_its_last_item() -> Result<()> {
    virtual_run(|| {
        let mut failing = generator(|co| {
            co.yield_(1)?;
            sleep(ms(1))?;
            Err::<(), _>(Error::msg("no more"))
        });
        assert_eq!(failing.next().transpose()?, Some(1));
        assert_eq!(failing.next().unwrap().unwrap_err().to_string(), "no more");
        assert!(failing.next().is_none() && failing.is_done());
        Ok(())
    })
}

#[test]
fn a_value_that_is_sent_is_what_the_yield_returns() -> Result<()> {
    virtual_run(|| {
        let echo = Generator::two_way(|co| {
            let mut sent = co.yield_(String::from("ready"))?;
            while sent > 0 {
                sleep(ms(sent))?;
                sent = co.yield_(format!("slept {sent}"))?;
            }
            Ok(7)
        });
        assert_eq!(refusal(&echo.send(1).unwrap_err()), "NotStarted");
        assert_eq!(echo.start()?, Yielded("ready".to_owned()));
        assert_eq!(refusal(&echo.start().unwrap_err()), "AlreadyStarted");
        assert_eq!(echo.send(3)?, Yielded("slept 3".to_owned()));
        assert_eq!(echo.send(0)?, Complete(7));
        assert_eq!(refusal(&echo.send(1).unwrap_err()), "Finished");
        Ok(())
    })
}

#[test]
fn the_two_way_program_of_the_tutorial() -> Result<()> {
    virtual_run(|| {
        let generator = Generator::two_way(|co| {
            let mut y = 1;
            for _ in 0..10 {
                sleep(ms(1))?;
                y = co.yield_(y * 10)?;
            }
            Ok(())
        });
        let mut seen = Vec::new();
        let mut step = generator.start()?;
        while let Yielded(x) = step {
            sleep(ms(1))?;
            seen.push(x);
            step = generator.send(x + 1)?;
        }
        assert_eq!(seen.len(), 10);
        assert_eq!(seen[..3], [10, 110, 1110_u64]);
        Ok(())
    })
}

#[test]
fn an_error_that_is_thrown_arrives_at_the_yield_and_comes_out_as_it_was() -> Result<()> {
    virtual_run(|| {
        let thrown = Error::msg("line is busy");
        let plain = generator(|co| co.yield_(1));
        plain.start()?;
        let out = plain.throw(thrown.clone()).unwrap_err();
        assert!(std::ptr::eq(out.as_error(), thrown.as_error()), "the very same");
        assert!(plain.is_done());

        let stubborn = generator(|co| {
            let mut heard = Vec::new();
            while heard.len() < 2 {
                if let Err(error) = co.yield_(heard.len()) {
                    sleep(ms(1))?;
                    heard.push(error.to_string());
                }
            }
            Ok(heard)
        });
        assert_eq!(stubborn.start()?, Yielded(0));
        assert_eq!(stubborn.throw(Error::msg("a"))?, Yielded(1));
        assert_eq!(stubborn.throw(Error::msg("b"))?, Complete(vec!["a".into(), "b".into()]));
        Ok(())
    })
}

#[test]
fn what_is_thrown_into_one_that_cannot_take_it_comes_out_and_ends_it() -> Result<()> {
    let ran = Rc::new(Cell::new(false));
    let in_body = Rc::clone(&ran);
    let fresh = generator(move |co| {
        in_body.set(true);
        co.yield_(1)
    });
    assert_eq!(fresh.throw(Error::msg("early")).unwrap_err().to_string(), "early");
    assert!(fresh.is_done() && !ran.get());
    assert_eq!(fresh.throw(Error::msg("late")).unwrap_err().to_string(), "late");
    Ok(())
}

#[test]
fn close_runs_a_cleanup_that_waits_and_may_be_called_at_any_time() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let fresh = counter(&log);
        assert_eq!(fresh.close()?, None);
        assert!(fresh.is_done() && (&fresh).next().is_none());

        let counter = counter(&log);
        counter.start()?;
        let began = now();
        assert_eq!(counter.close()?, None);
        assert_eq!(now() - began, ms(1));
        assert_eq!(
            log.take(),
            ["0: the generator is being closed: clean up and return", "cleaned up"]
        );
        assert_eq!((counter.close()?, counter.close()?), (None, None));
        assert!((&counter).next().is_none());
        Ok(())
    })
}

#[test]
fn close_returns_the_value_and_the_error_of_the_cleanup() -> Result<()> {
    virtual_run(|| {
        let returning = generator(|co| Ok(if co.yield_(1).is_err() { "closed" } else { "ended" }));
        returning.start()?;
        assert_eq!(returning.close()?, Some("closed"));

        let failing = generator(|co| {
            let closed = co.yield_(1);
            sleep(ms(1))?;
            closed.map_err(|_| Error::msg("cannot tidy up"))
        });
        failing.start()?;
        assert_eq!(failing.close().unwrap_err().to_string(), "cannot tidy up");
        assert_eq!(failing.close()?, None);
        Ok(())
    })
}

#[test]
fn a_generator_that_yields_on_being_closed_is_told_off() -> Result<()> {
    virtual_run(|| {
        let dropped = Rc::new(Cell::new(0));
        let in_body = Rc::clone(&dropped);
        let ignoring = generator(move |co| {
            let _held = OnDrop(move || in_body.set(in_body.get() + 1));
            for n in 0..10 {
                let _ignored = co.yield_(n);
            }
            Ok(())
        });
        ignoring.start()?;
        assert_eq!(refusal(&ignoring.close().unwrap_err()), "IgnoredClose");
        assert_eq!(dropped.get(), 0);

        let log = Log::new();
        log.note_reports();
        drop(ignoring);
        assert_eq!(dropped.get(), 1, "in the end it is unwound");
        let report = log.take().concat();
        assert!(report.contains("yielded again instead of ending"), "{report}");
        assert!(report.contains("tests/it/generators.rs"), "{report}");
        Ok(())
    })
}

#[test]
fn a_cleanup_may_wait_for_tasks_that_the_generator_has_made() -> Result<()> {
    virtual_run(|| {
        let producer = generator(|co| {
            let task = create_task(|| sleep(ms(5)).map(|()| "flushed"));
            let closed = co.yield_(1);
            let flushed = task.wait()?;
            closed.map(|()| "never").or(Ok(flushed))
        });
        producer.start()?;
        assert_eq!(producer.close()?, Some("flushed"));
        Ok(())
    })
}

#[test]
fn a_step_of_one_that_runs_is_refused() -> Result<()> {
    virtual_run(|| {
        // From another task, while the body waits on behalf of the first.
        let slow = Rc::new(counter(&Log::new()));
        let in_task = Rc::clone(&slow);
        let first = create_task(move || in_task.start());
        yield_now()?;
        assert!(slow.is_running());
        for error in [
            slow.start().unwrap_err(),
            slow.send(()).unwrap_err(),
            slow.throw(Error::msg("?")).unwrap_err(),
            slow.close().unwrap_err(),
            slow.next_or(7).unwrap_err(),
            (&*slow).next().unwrap().unwrap_err(),
        ] {
            assert_eq!(refusal(&error), "Running");
        }
        assert_eq!(first.wait()?, Yielded(0), "the first is none the worse for it");
        slow.close()?;

        // From its own body.
        let snake = Rc::new_cyclic(|tail: &std::rc::Weak<Generator<String>>| {
            let tail = tail.clone();
            generator(move |co| {
                let bitten = tail.upgrade().unwrap().close().unwrap_err();
                co.yield_(refusal(&bitten))
            })
        });
        assert_eq!((&*snake).next().transpose()?.as_deref(), Some("Running"));
        Ok(())
    })
}

#[test]
fn a_cancellation_passes_through_the_cleanup_and_out_of_the_step() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_body = log.clone();
        let endless = Rc::new(generator(move |co| {
            co.yield_(1)?;
            let slept = sleep(Duration::MAX);
            in_body.note("interrupted");
            sleep(ms(1))?;
            in_body.note("cleaned up");
            slept
        }));
        let in_task = Rc::clone(&endless);
        let task = create_task(move || {
            for item in &*in_task {
                item?;
            }
            Ok(())
        });
        sleep(ms(1))?;
        task.cancel();
        assert!(task.wait().unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["interrupted", "cleaned up"]);
        assert!(endless.is_done());
        Ok(())
    })
}

#[test]
fn a_generator_may_go_from_task_to_task() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let mut counter = counter(&log);
        for n in 0..3 {
            let (next, back) = create_task(move || Ok((counter.next(), counter))).wait()?;
            assert_eq!(next.transpose()?, Some(n));
            counter = back;
        }
        create_task(move || {
            drop(counter);
            Ok(())
        })
        .wait()?;
        assert_eq!(log.take().last().map(String::as_str), Some("cleaned up"));
        Ok(())
    })
}

#[test]
fn leaving_a_loop_over_a_reference_leaves_the_generator_open() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let mut counter = counter(&log);
        for n in &mut counter {
            if n? == 1 {
                break;
            }
        }
        assert!(log.take().is_empty());
        assert_eq!(counter.next().transpose()?, Some(2));
        Ok(())
    })
}

#[test]
fn next_or_gives_the_default_at_the_end_as_often_as_it_is_asked() -> Result<()> {
    let two = generator(|co| co.yield_all([1, 2]));
    let values = [(); 5].map(|()| two.next_or(0));
    assert_eq!(values.into_iter().collect::<Result<Vec<_>>>()?, [1, 2, 0, 0, 0]);
    assert_eq!(two.take_return_value(), Some(()));
    Ok(())
}

#[test]
fn a_generator_dropped_in_a_task_is_closed_there_and_then() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let counter = counter(&log);
        counter.start()?;
        let began = now();
        drop(counter);
        assert_eq!(now() - began, ms(1));
        assert_eq!(log.take().last().map(String::as_str), Some("cleaned up"));
        Ok(())
    })
}

#[test]
fn an_error_of_a_cleanup_that_nobody_waits_for_is_reported() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let failing = generator(|co| co.yield_(1).map_err(|_| Error::msg("cannot tidy up")));
        failing.start()?;
        drop(failing);
        let reports = log.take();
        assert_eq!(reports.len(), 1);
        assert!(reports[0].starts_with("the generator made at "), "{reports:?}");
        assert!(reports[0].ends_with(" failed as it was closed: cannot tidy up"), "{reports:?}");
        Ok(())
    })
}

#[test]
fn a_cancellation_that_meets_the_cleanup_of_a_destructor_is_not_lost() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            let slow = generator(|co| {
                let closed = co.yield_(1);
                sleep(ms(10))?;
                closed
            });
            slow.start()?;
            drop(slow); // cancelled here
            let requests = current_task()?.cancelling();
            Ok((requests, sleep(ms(1)).unwrap_err().is_cancelled()))
        });
        sleep(ms(5))?;
        task.cancel();
        assert_eq!(task.wait()?, (1, true));
        Ok(())
    })
}

#[test]
fn a_cancellation_that_was_due_before_the_destructor_is_not_lost_either() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            let slow = generator(|co| {
                let closed = co.yield_(1);
                sleep(ms(10))?;
                closed
            });
            slow.start()?;
            current_task()?.cancel();
            drop(slow);
            sleep(ms(1))
        });
        assert!(task.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn a_cancellation_that_meets_the_cleanup_of_a_delegate_is_not_lost() -> Result<()> {
    fn delegating() -> Generator<u32> {
        let slow = || {
            generator(|co| {
                let closed = co.yield_(1);
                sleep(ms(10))?;
                closed
            })
        };
        generator(move |co| co.yield_from(slow()))
    }
    let dropped = |generator| {
        drop::<Generator<u32>>(generator);
        Ok(())
    };
    let ends: [fn(Generator<u32>) -> Result<()>; 2] =
        [dropped, |generator| generator.close().map(drop)];
    for end in ends {
        virtual_run(|| {
            let task = create_task(move || {
                let generator = delegating();
                generator.start()?;
                let cancelled = end(generator).is_err_and(|error| error.is_cancelled());
                let requests = current_task()?.cancelling();
                Ok((requests, cancelled || sleep(ms(1)).is_err_and(|error| error.is_cancelled())))
            });
            sleep(ms(5))?;
            task.cancel();
            assert_eq!(task.wait()?, (1, true));
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_generator_that_was_started_off_the_loop_may_wait_in_its_cleanup_on_it() -> Result<()> {
    let log = Log::new();
    let noting = log.clone();
    let early = generator(move |co| {
        let closed = co.yield_(1);
        sleep(ms(1))?;
        noting.note("cleaned up");
        closed
    });
    early.start()?;
    virtual_run(|| {
        get_running_loop()?.call_soon(move || drop(early));
        sleep(ms(5))?;
        assert_eq!(log.take(), ["cleaned up"]);
        Ok(())
    })
}

#[test]
fn a_generator_dropped_in_a_callback_is_closed_by_a_task() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let counter = counter(&log);
        counter.start()?;
        get_running_loop()?.call_soon(move || drop(counter));
        sleep(ms(2))?;
        assert_eq!(log.take().last().map(String::as_str), Some("cleaned up"));
        assert_eq!(get_running_loop()?.statistics().tasks, 1);
        Ok(())
    })
}

#[test]
fn a_generator_dropped_by_a_panic_is_closed_by_a_task() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let counter = counter(&log);
        counter.start()?;
        let task = create_task(move || -> Result<()> {
            let _counter = counter;
            panic!("out of luck")
        });
        assert_eq!(panic_of(|| task.wait()), "out of luck");
        sleep(ms(2))?;
        assert_eq!(log.take().last().map(String::as_str), Some("cleaned up"));
        Ok(())
    })
}

#[test]
fn a_generator_of_a_main_task_that_panics_is_closed_before_run_does() {
    let log = Log::new();
    let in_main = log.clone();
    let panic = panic_of(|| {
        virtual_run(move || -> Result<()> {
            let counter = counter(&in_main);
            counter.start()?;
            panic!("out of luck")
        })
    });
    assert_eq!(panic, "out of luck");
    assert_eq!(log.take().last().map(String::as_str), Some("cleaned up"));
}

#[test]
fn a_generator_owned_by_a_task_that_never_begins_is_closed_by_another() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let mut counter = counter(&log);
        counter.next();
        let task = create_task(move || Ok(counter.count()));
        task.cancel();
        assert!(task.wait().unwrap_err().is_cancelled());
        sleep(ms(2))?;
        assert_eq!(log.take().last().map(String::as_str), Some("cleaned up"));
        Ok(())
    })
}

#[test]
fn a_generator_dropped_between_two_runs_is_closed_in_the_second() -> Result<()> {
    let log = Log::new();
    let mut runner = Runner::with_virtual_clock()?;
    let counter = runner.run(|| {
        let counter = counter(&log);
        counter.start()?;
        Ok(counter)
    })?;
    drop(counter);
    assert!(log.take().is_empty());
    runner.run(|| sleep(ms(2)))?;
    assert_eq!(log.take().last().map(String::as_str), Some("cleaned up"));
    Ok(())
}

#[test]
fn generators_that_outlive_the_run_are_closed_at_its_end_all_at_once() -> Result<()> {
    let log = Log::new();
    let began = Cell::new(None);
    let ended = Rc::new(Cell::new(None));
    let last = Rc::clone(&ended);
    let slow = |ms_: u64| {
        let last = Rc::clone(&last);
        generator(move |co| {
            let closed = co.yield_(ms_);
            sleep(ms(ms_))?;
            last.set(Some(now()));
            closed
        })
    };
    let failing = generator(|co| co.yield_(0).map_err(|_| Error::msg("cannot tidy up")));
    let survivors = virtual_run(|| {
        log.note_reports();
        began.set(Some(now()));
        let survivors = vec![slow(30), slow(10), failing, slow(20)];
        for generator in &survivors {
            generator.start()?;
        }
        Ok(survivors)
    })?;
    assert!(survivors.iter().all(Generator::is_done));
    assert_eq!(ended.get().zip(began.get()).map(|(end, begin)| end - begin), Some(ms(30)));
    let reports = log.take();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("tests/it/generators.rs") && reports[0].ends_with("tidy up"));
    Ok(())
}

#[test]
fn one_that_will_not_be_closed_at_the_end_of_run_is_told_off_once() -> Result<()> {
    let log = Log::new();
    let ignoring = virtual_run(|| {
        log.note_reports();
        let ignoring = generator(|co| -> Result<()> {
            loop {
                let _ignored = co.yield_(());
            }
        });
        ignoring.start()?;
        Ok(ignoring)
    })?;
    assert_eq!(log.take().len(), 1);
    assert!(!ignoring.is_done());
    Ok(())
}

#[test]
fn a_generator_dropped_after_the_last_run_is_closed_with_the_runner() -> Result<()> {
    let log = Log::new();
    let mut runner = Runner::with_virtual_clock()?;
    let counter = runner.run(|| {
        let counter = counter(&log);
        counter.start()?;
        Ok(counter)
    })?;
    drop(counter);
    assert!(log.take().is_empty());
    runner.close();
    assert_eq!(log.take().last().map(String::as_str), Some("cleaned up"));
    Ok(())
}

#[test]
fn a_cleanup_at_the_end_of_run_may_use_generators_and_tasks_itself() -> Result<()> {
    let log = Log::new();
    let in_body = log.clone();
    let outer = virtual_run(|| {
        let outer = generator(move |co| {
            let closed = co.yield_(());
            let inner = counter(&in_body);
            inner.start()?;
            std::mem::forget(inner);
            drop(create_task(|| sleep(Duration::MAX)));
            closed
        });
        outer.start()?;
        Ok(outer)
    })?;
    assert!(outer.is_done());
    assert_eq!(log.take().last().map(String::as_str), Some("cleaned up"));
    Ok(())
}

#[test]
fn a_generator_forgotten_by_its_owner_is_closed_at_the_end_of_run() -> Result<()> {
    let log = Log::new();
    virtual_run(|| {
        let counter = counter(&log);
        counter.start()?;
        std::mem::forget(counter);
        Ok(())
    })?;
    assert_eq!(log.take().last().map(String::as_str), Some("cleaned up"));
    Ok(())
}

#[test]
fn a_generator_started_off_the_loop_and_dropped_there_cannot_wait() -> Result<()> {
    let outcome = Rc::new(RefCell::new(None));
    let in_body = Rc::clone(&outcome);
    let lonely = generator(move |co| {
        let closed = co.yield_(1);
        in_body.replace(Some(sleep(ms(1))));
        closed
    });
    lonely.start()?;
    drop(lonely);
    let slept = outcome.take().expect("the cleanup ran").unwrap_err();
    assert!(is::<corio::NoRunningLoop>(&slept));
    Ok(())
}

#[test]
fn delegating_passes_everything_on() -> Result<()> {
    fn inner(log: &Log) -> Generator<u32, u32, &'static str> {
        let log = log.clone();
        Generator::two_way(move |co| {
            let mut sent = 0;
            loop {
                match co.yield_(sent) {
                    Ok(0) => return Ok("inner"),
                    Ok(next) => sent = next,
                    Err(error) => {
                        sleep(ms(1))?;
                        log.note(format!("inner: {error}"));
                        return Err(error);
                    }
                }
            }
        })
    }
    fn outer(log: &Log) -> Generator<u32, u32, String> {
        let log = log.clone();
        Generator::two_way(move |co| {
            let returned = co.yield_from(inner(&log));
            sleep(ms(1))?;
            log.note("outer");
            Ok(format!("{}, outer", returned?))
        })
    }
    virtual_run(|| {
        let log = Log::new();
        let sent = outer(&log);
        assert_eq!((sent.start()?, sent.send(5)?), (Yielded(0), Yielded(5)));
        assert_eq!(sent.send(0)?, Complete("inner, outer".to_owned()));
        assert_eq!(log.take(), ["outer"]);

        let thrown = outer(&log);
        thrown.start()?;
        assert_eq!(thrown.throw(Error::msg("busy")).unwrap_err().to_string(), "busy");
        assert_eq!(log.take(), ["inner: busy", "outer"]);

        let closed = outer(&log);
        closed.start()?;
        assert_eq!(closed.close()?, None);
        assert_eq!(log.take().len(), 2);
        Ok(())
    })
}

#[test]
fn an_error_of_a_delegate_that_is_being_closed_is_reported() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let outer = generator(|co| {
            co.yield_from(generator(|co| co.yield_(1).map_err(|_| Error::msg("cannot tidy up"))))
        });
        outer.start()?;
        assert_eq!(outer.close()?, None);
        assert!(log.take().concat().ends_with("failed as it was closed: cannot tidy up"));
        Ok(())
    })
}

#[test]
fn what_cannot_be_delegated_to_is_refused() -> Result<()> {
    virtual_run(|| {
        let outer = generator(|co| {
            let over = generator(|co: &Co<'_, u8>| co.yield_(1));
            over.close()?;
            let refused = co.yield_from(over).unwrap_err();
            Ok(refusal(&refused))
        });
        assert_eq!(outer.start()?, Complete("Finished".to_owned()));
        Ok(())
    })
}

#[test]
fn a_panic_of_the_body_resurfaces_in_who_asked_for_the_value() -> Result<()> {
    virtual_run(|| {
        let dropped = Rc::new(Cell::new(false));
        let in_body = Rc::clone(&dropped);
        let mut fragile = generator(move |co| -> Result<()> {
            let _held = OnDrop(move || in_body.set(true));
            co.yield_(1)?;
            sleep(ms(1))?;
            panic!("broken")
        });
        fragile.next();
        assert_eq!(panic_of(|| fragile.next()), "broken");
        assert!(dropped.get() && fragile.next().is_none());
        sleep(ms(1))
    })
}

#[test]
fn another_task_cannot_yield_for_the_generator() -> Result<()> {
    virtual_run(|| {
        let helped = generator(|co| {
            let refused = task_group(|group| {
                let child = group.create_task(|| Ok(co.yield_(1).unwrap_err()));
                child.wait()
            })?;
            co.yield_(2)?;
            Ok(matches!(refused.downcast_ref(), Some(Interrupted::Outside)))
        });
        assert_eq!(helped.start()?, Yielded(2));
        assert_eq!(helped.send(())?, Complete(true));
        Ok(())
    })
}

#[test]
fn yielding_out_of_a_timeout_or_a_group_is_refused() -> Result<()> {
    virtual_run(|| {
        let limited = generator(|co| {
            let in_timeout = timeout(ms(1), || co.yield_(1)).unwrap_err();
            let in_group = task_group(|_| co.yield_(1)).unwrap_err();
            let nested = timeout(ms(10), || {
                // Its own, and none of the outer one's.
                generator(|co| co.yield_(3)).collect::<Result<Vec<_>>>()
            })?;
            co.yield_(2)?;
            Ok((is::<ScopeLeftOpen>(&in_timeout), is_scope_error_of_group(&in_group), nested))
        });
        // Scopes around the use of it are nothing to it.
        let step = timeout(ms(50), || task_group(|_| limited.start()))?;
        assert_eq!(step, Yielded(2));
        assert_eq!(limited.send(())?, Complete((true, true, vec![3])));
        sleep(ms(100)) // and nothing was left to cancel this
    })
}

fn is_scope_error_of_group(error: &Error) -> bool {
    error.group().is_some_and(|group| group.errors().iter().all(is::<ScopeLeftOpen>))
}

#[test]
fn a_generator_stopped_inside_the_step_of_another_may_outlive_its_task() -> Result<()> {
    // The inner one yields through the outer one's `co`, so that the frames of its step are left
    // standing in the outer one; the task that began all this ends.
    virtual_run(|| {
        let outer = generator(|co| {
            let (send, inner) = (Cell::new(1), co);
            corio_coroutine::scope(|scope| {
                let mut nested = scope.generator::<u32, _, _>(|_| {
                    let sum: Result<Vec<u32>> = (0..2)
                        .map(|_| inner.yield_(send.get()).map(|()| send.replace(send.get() + 1)))
                        .collect();
                    sum
                });
                nested.next();
                nested.take_return_value().expect("it has ended")
            })
        });
        let (step, outer) = create_task(move || Ok((outer.start()?, outer))).wait()?;
        assert_eq!(step, Yielded(1));
        settle()?;
        let (step, outer) = create_task(move || Ok((outer.send(())?, outer))).wait()?;
        assert_eq!(step, Yielded(2));
        settle()?;
        assert_eq!(outer.send(())?, Complete(vec![1, 2]));
        Ok(())
    })
}

#[test]
fn a_generator_stopped_in_the_step_of_a_generator_may_outlive_its_task() -> Result<()> {
    fn step_within(co: &Co<'_, u32>) -> Result<u32> {
        // Safe code cannot lend `co` to a body that owns all it uses, but a scoped one may borrow.
        corio_coroutine::scope(|scope| {
            let mut nested = scope.generator::<(), _, _>(|_| co.yield_(1).map(|()| 7));
            nested.next();
            nested.take_return_value().expect("it has ended")
        })
    }
    virtual_run(|| {
        let outer = generator(step_within);
        let outer = create_task(move || outer.start().map(|_| outer)).wait()?;
        settle()?;
        assert_eq!(outer.send(())?, Complete(7));
        Ok(())
    })
}

#[test]
fn an_exit_that_leaks_out_of_a_body_is_an_error_like_any_other() -> Result<()> {
    let odd = generator(|co| {
        co.yield_(1)?;
        Err::<(), _>(GeneratorExit.into())
    });
    odd.start()?;
    assert!(is::<GeneratorExit>(&odd.send(()).unwrap_err()));
    Ok(())
}

#[test]
fn dropping_a_generator_whose_cleanup_panics_lets_the_panic_out() -> Result<()> {
    virtual_run(|| {
        let explosive = generator(|co| -> Result<()> {
            let _closed = co.yield_(1);
            sleep(ms(1))?;
            panic!("in the cleanup")
        });
        explosive.start()?;
        let caught = catch_unwind(AssertUnwindSafe(|| drop(explosive)));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"in the cleanup"));
        sleep(ms(1))
    })
}
