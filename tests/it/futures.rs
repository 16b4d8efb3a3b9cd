//! Futures and promises on the loop. How they behave on any loop is tested beside them.

use std::cell::RefCell;
use std::rc::Rc;

use corio::{
    Cancelled, Error, InvalidState, Result, create_future, create_task, get_running_loop, sleep,
};
use corio_tests::{Log, ms, settle, virtual_run, yield_now};

#[test]
fn a_future_wakes_its_waiter_with_the_value_of_the_promise() -> Result<()> {
    virtual_run(|| {
        let (promise, future) = create_future();
        let task = create_task(move || future.wait());
        sleep(ms(5))?;
        assert!(!task.done());
        promise.set_result(vec!["value"])?;
        assert!(!task.done(), "waking is not running");
        assert_eq!(task.wait()?, ["value"]);
        Ok(())
    })
}

#[test]
fn a_shared_future_wakes_all_its_waiters_in_the_order_in_which_they_came() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let (promise, future) = create_future();
        let future = future.shared();
        let tasks = ["a", "b", "c"].map(|name| {
            let (future, log) = (future.clone(), log.clone());
            create_task(move || {
                let value = future.wait()?;
                log.note(format!("{name}{value}"));
                future.wait() // twice is fine, and does not suspend
            })
        });
        settle()?;
        promise.set_result(7)?;
        for task in tasks {
            assert_eq!(task.wait()?, 7);
        }
        assert_eq!(log.take(), ["a7", "b7", "c7"]);
        Ok(())
    })
}

#[test]
fn a_future_that_is_done_is_waited_for_without_yielding() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = log.clone();
        drop(create_task(move || {
            in_task.note("other");
            Ok(())
        }));
        let (promise, future) = create_future();
        promise.set_result(1)?;
        assert_eq!(future.wait()?, 1);
        log.note("waited");
        yield_now()?;
        assert_eq!(log.take(), ["waited", "other"]);
        Ok(())
    })
}

#[test]
fn a_future_is_completed_once_and_says_so_the_second_time() -> Result<()> {
    let (promise, future) = create_future();
    promise.set_result(1)?;
    assert_eq!(promise.set_result(2), Err(InvalidState::Done));
    assert_eq!(promise.set_exception(Error::msg("late")), Err(InvalidState::Done));
    assert!(!future.cancel() && !future.cancelled());
    assert_eq!(future.wait()?, 1);
    Ok(())
}

#[test]
fn cancelling_a_future_takes_effect_at_once() {
    let (promise, future) = create_future::<()>();
    assert!(future.cancel());
    assert!(future.done() && future.cancelled() && promise.done() && promise.cancelled());
    assert!(future.result().unwrap_err().is_cancelled());
    assert!(future.exception().unwrap_err().is_cancelled());
    assert_eq!(promise.set_result(()), Err(InvalidState::Done));
    assert!(future.wait().unwrap_err().is_cancelled());
}

#[test]
fn one_waiter_that_is_cancelled_cancels_the_future_for_all() -> Result<()> {
    virtual_run(|| {
        let (promise, future) = create_future::<()>();
        let future = future.shared();
        let [first, second] = [future.clone(), future].map(|f| create_task(move || f.wait()));
        settle()?;
        first.cancel_with(Cancelled::with_message("first"));
        assert!(promise.cancelled());
        assert!(first.wait().unwrap_err().is_cancelled());
        assert_eq!(second.wait().unwrap_err().to_string(), "cancelled: first");
        Ok(())
    })
}

#[test]
fn callbacks_and_tasks_share_one_queue() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let (promise, future) = create_future();
        let future = future.shared();
        let (in_task, waited) = (log.clone(), future.clone());
        let task = create_task(move || {
            waited.wait()?;
            in_task.note("waiter");
            Ok(())
        });
        settle()?;
        let event_loop = get_running_loop()?;
        let first = log.clone();
        event_loop.call_soon(move || first.note("before"));
        let in_callback = log.clone();
        future.add_done_callback(move |_| in_callback.note("callback"))?;
        promise.set_result(())?;
        let last = log.clone();
        event_loop.call_soon(move || last.note("after"));
        assert!(log.take().is_empty(), "nothing runs inline");
        task.wait()?;
        let log = log.take();
        assert_eq!(log[..2], ["before", "callback"], "{log:?}");
        assert!(log.contains(&"waiter".into()) && log.contains(&"after".into()), "{log:?}");
        Ok(())
    })
}

#[test]
fn a_callback_may_add_and_remove_callbacks() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let (promise, future) = create_future();
        let future = future.shared();
        let (in_first, in_second, adder) = (log.clone(), log.clone(), future.clone());
        future.add_done_callback(move |_| {
            in_first.note("first");
            let log = in_first.clone();
            adder.add_done_callback(move |_| log.note("third")).expect("a loop runs");
        })?;
        future.add_done_callback(move |_| in_second.note("second"))?;
        promise.set_result(())?;
        settle()?;
        assert_eq!(log.take(), ["first", "second", "third"]);
        Ok(())
    })
}

#[test]
fn a_callback_that_panics_is_reported_and_the_others_and_the_waiter_go_on() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let (promise, future) = create_future();
        future.add_done_callback(|_| panic!("clumsy"))?;
        let second = log.clone();
        future.add_done_callback(move |_| second.note("second"))?;
        promise.set_result(4)?;
        assert_eq!(future.wait()?, 4);
        let log = log.take();
        assert!(log[0].contains("callback") && log[0].contains("clumsy"), "{log:?}");
        assert_eq!(log[1..], ["second"]);
        Ok(())
    })
}

#[test]
fn a_future_may_be_completed_by_a_callback_of_another() -> Result<()> {
    virtual_run(|| {
        let (first, future) = create_future();
        let (second, chained) = create_future();
        future.add_done_callback(move |outcome| {
            let value: i32 = *outcome.expect("it went well");
            second.set_result(value + 1).expect("nobody else completes it");
        })?;
        drop(create_task(move || Ok(first.set_result(1)?)));
        assert_eq!(chained.wait()?, 2);
        assert_eq!(future.wait()?, 1);
        Ok(())
    })
}

#[test]
fn callbacks_that_never_run_are_dropped_with_the_loop() -> Result<()> {
    let log = Log::new();
    let kept = Rc::new(RefCell::new(None));
    virtual_run(|| {
        let (promise, future) = create_future::<()>();
        let dropped = log.on_drop("dropped");
        future.add_done_callback(move |_| drop(dropped))?;
        *kept.borrow_mut() = Some((promise, future));
        Ok(())
    })?;
    assert!(log.take().is_empty());
    drop(kept.take()); // the promise completes the future, and there is no loop to tell
    assert_eq!(log.take(), ["dropped"]);
    Ok(())
}
