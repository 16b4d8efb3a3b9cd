//! Dropping an iterator half-way: it waits for its tasks where it can, and loses nothing by it.

use std::iter::repeat;
use std::panic::{AssertUnwindSafe, catch_unwind};

use corio::iter::{Background, IteratorExt};
use corio::{Cancelled, Error, Result, all_tasks, create_task, get_running_loop, sleep};
use corio_coroutine::Generator;
use corio_tests::{Log, OnDrop, ms, now, settle, virtual_run, yield_now};

use super::{assert_at_rest, run_to_rest, secs};

/// An iterator that is loading, and whose source takes a second to be cleaned up.
fn loading(log: &Log) -> Result<Background<'static, Result<()>>> {
    let noted = log.clone();
    let cleanup = OnDrop(move || {
        noted.note(match sleep(secs(1)) {
            Ok(()) => "cleaned up",
            Err(_) => "cut short",
        });
    });
    let mut items = repeat(())
        .map(move |()| {
            let _in_the_source = &cleanup;
            sleep(ms(10))
        })
        .buffered(1);
    items.next().transpose()?.transpose()?;
    Ok(items)
}

#[test]
fn a_drop_waits_for_cleanup() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        let items = loading(&log)?;
        let began = now();
        drop(items);
        assert_eq!((now() - began, log.take()), (secs(1), vec!["cleaned up".to_owned()]));
        Ok(())
    })
}

#[test]
fn a_cancellation_that_comes_during_the_drop_is_kept_for_the_next_wait() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        let noted = log.clone();
        let task = create_task(move || {
            drop(loading(&noted)?);
            noted.note("dropped");
            sleep(secs(60))
        });
        sleep(ms(500))?;
        task.cancel_with(Cancelled::with_message("enough"));
        let error = task.wait().unwrap_err();
        assert_eq!(error.to_string(), "cancelled: enough");
        assert_eq!(log.take(), ["cleaned up", "dropped"]);
        Ok(())
    })
}

#[test]
fn a_cancellation_that_came_before_the_drop_is_kept_for_the_next_wait() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        let noted = log.clone();
        let task = create_task(move || {
            let items = loading(&noted)?;
            let this = corio::current_task()?;
            this.cancel();
            drop(items);
            assert_eq!(this.cancelling(), 1);
            noted.note(if yield_now().is_err() { "cancelled" } else { "not cancelled" });
            assert_eq!(this.uncancel(), 0);
            yield_now()
        });
        task.wait()?;
        assert_eq!(log.take(), ["cleaned up", "cancelled"]);
        Ok(())
    })
}

#[test]
fn a_timeout_that_ends_during_the_drop_is_none_of_the_next_waits_business() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        corio::timeout(ms(500), || {
            drop(loading(&log)?);
            Ok(())
        })?;
        assert_eq!(log.take(), ["cleaned up"]);
        yield_now()
    })
}

#[test]
fn the_drop_of_a_consumer_that_panics_does_not_wait() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let items = loading(&log)?;
        let began = now();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _items = items;
            panic!("the consumer");
        }));
        assert!(panicked.is_err());
        assert_eq!((now(), log.take()), (began, vec![]));
        sleep(secs(2))?;
        assert_eq!(log.take(), ["cleaned up"]);
        assert_at_rest()
    })
}

#[test]
fn the_drop_in_a_callback_does_not_wait() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        let items = loading(&log)?;
        get_running_loop()?.call_soon(move || drop(items));
        settle()?;
        assert_eq!(log.take(), [""; 0]);
        sleep(secs(2))?;
        assert_eq!(log.take(), ["cleaned up"]);
        Ok(())
    })
}

#[test]
fn the_drop_off_the_loop_does_not_wait() -> Result<()> {
    let log = Log::new();
    let items = virtual_run(|| loading(&log))?;
    assert_eq!(log.take(), ["cleaned up"], "by the end of the run");
    drop(items);
    Ok(())
}

#[test]
fn between_two_runs_a_drop_has_the_next_run_end_the_tasks() -> Result<()> {
    let log = Log::new();
    let mut runner = corio::Runner::with_virtual_clock()?;
    let items = runner.run(|| loading(&log))?;
    drop(items);
    assert_eq!(log.take(), [""; 0]);
    runner.run(|| {
        sleep(secs(2))?;
        assert_eq!(log.take(), ["cleaned up"]);
        assert_at_rest()
    })
}

#[test]
fn on_another_loop_a_drop_does_not_wait() -> Result<()> {
    let log = Log::new();
    let mut runner = corio::Runner::with_virtual_clock()?;
    let items = runner.run(|| loading(&log))?;
    run_to_rest(|| {
        drop(items);
        Ok(())
    })?;
    runner.run(|| sleep(secs(2)))?;
    assert_eq!(log.take(), ["cleaned up"]);
    Ok(())
}

#[test]
fn a_generator_that_is_dropped_half_way_stops_the_iterator_it_holds() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        let items = loading(&log)?;
        let mut generator = Generator::new(move |co| {
            for item in items {
                co.yield_(item);
            }
        });
        generator.next();
        drop(generator);
        sleep(secs(2))?;
        assert_eq!(log.take(), ["cleaned up"]);
        Ok(())
    })
}

#[test]
fn an_iterator_that_its_own_source_drops_does_not_wait_for_itself() -> Result<()> {
    use std::cell::RefCell;
    use std::rc::Rc;

    run_to_rest(|| {
        let own = Rc::new(RefCell::new(None::<Background<'static, ()>>));
        let its_own = Rc::clone(&own);
        let source = repeat(()).inspect(move |()| {
            if yield_now().is_ok() {
                drop(its_own.borrow_mut().take());
            }
        });
        let mut items = source.buffered(1);
        assert!(items.next().is_some());
        own.replace(Some(items));
        sleep(ms(1))?;
        assert!(own.borrow().is_none());
        Ok(())
    })
}

#[test]
fn an_iterator_that_an_eager_task_of_its_own_drops_does_not_wait_for_itself() -> Result<()> {
    use std::cell::RefCell;
    use std::rc::Rc;

    let main = || {
        let own = Rc::new(RefCell::new(None));
        let its_own = Rc::clone(&own);
        let mut items = repeat(()).map_concurrent(2, move |()| {
            drop(its_own.borrow_mut().take());
            sleep(ms(1))
        });
        assert!(items.next().is_some());
        own.replace(Some(items));
        let event_loop = get_running_loop()?;
        let deadlocks = Rc::new(RefCell::new(Vec::new()));
        let reports = Rc::clone(&deadlocks);
        event_loop.set_exception_handler(move |report| {
            reports.borrow_mut().push(report.message().to_owned());
        });
        sleep(ms(5))?;
        assert!(own.borrow().is_none());
        assert_eq!(*deadlocks.borrow(), [""; 0]);
        assert_at_rest()
    };
    corio::Runner::with_virtual_clock()?.eager_tasks(true).run(main)
}

#[test]
fn an_error_of_what_was_cancelled_is_dropped_and_a_panic_reported() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        log.note_reports();
        let mut items = [0, 1, 2].into_iter().map_concurrent_unordered(3, |n| {
            let slept = sleep(secs(n));
            assert!(n < 2 || slept.is_ok(), "while it was cancelled");
            slept.map_err(|_| Error::msg("while it was cancelled"))
        });
        items.next();
        drop(items);
        let reports = log.take();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].contains("panicked: while it was cancelled"), "{reports:?}");
        Ok(())
    })
}

#[test]
fn the_tasks_of_an_iterator_that_refuse_to_end_hold_up_the_drop_until_they_do() -> Result<()> {
    run_to_rest(|| {
        let mut items = repeat(())
            .inspect(|()| {
                let until = now() + secs(1);
                while now() < until {
                    drop(sleep(until - now())); // takes no for an answer
                }
            })
            .buffered(1);
        items.next();
        settle()?;
        let began = now();
        drop(items);
        assert!(now() - began > ms(900));
        assert_eq!(all_tasks()?.len(), 1);
        Ok(())
    })
}

#[test]
fn tasks_that_wait_for_what_never_comes_are_reported_and_left_to_the_loop() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let never = std::rc::Rc::new(corio::Event::new());
        let mut items = repeat(())
            .inspect(move |()| {
                drop(sleep(ms(1)));
                if corio::current_task().is_ok_and(|task| task.cancelling() > 0) {
                    drop(never.wait()); // cleanup that is too careful
                }
            })
            .buffered(1);
        items.next().transpose()?;
        settle()?;
        drop(items);
        let reports = log.take();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].starts_with("the tasks of an iterator do not end: deadlock"));
        assert_eq!(all_tasks()?.len(), 2);
        Ok(())
    })
}

#[test]
fn a_group_whose_iterator_was_forgotten_says_that_it_waits_for_ever() -> Result<()> {
    run_to_rest(|| {
        let error = corio::task_group(|group| {
            let mut items = repeat(()).within(group).buffered(1);
            items.next().transpose()?;
            std::mem::forget(items);
            Ok(())
        });
        assert!(error.unwrap_err().to_string().contains("room for the next item of an iterator"));
        Ok(())
    })
}
