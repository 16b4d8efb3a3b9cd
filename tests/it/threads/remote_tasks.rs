//! `run_coroutine_threadsafe`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use corio::{
    Cancelled, CannotAwait, CannotWait, Error, Event, LoopClosed, LoopHandle, Result, Runner,
    create_task, current_task, get_running_loop, run, sleep, timeout,
};
use corio_tests::{Log, ms, panic_of, virtual_run, yield_now};

use super::{count_drops, event, gate, on_a_thread};

/// Runs a loop that `body` may use, on another thread.
fn with_a_loop<T: Send + 'static>(
    body: impl FnOnce(LoopHandle) -> Result<T> + Send + 'static,
) -> Result<T> {
    run(|| {
        let event_loop = get_running_loop()?.handle();
        on_a_thread(move || body(event_loop))
    })
}

#[test]
fn a_thread_gets_the_result_of_its_task() -> Result<()> {
    let (name, answer) = with_a_loop(|event_loop| {
        let task = event_loop.run_coroutine_threadsafe(|| {
            sleep(ms(1))?;
            Ok((current_task()?.name(), thread::current().id()))
        })?;
        let (name, thread) = task.wait()?;
        assert_ne!(thread, thread::current().id());
        Ok((name, 42))
    })?;
    assert_eq!((name.as_str(), answer), ("Task-2", 42));
    Ok(())
}

#[test]
fn a_thread_gets_the_error_of_its_task() {
    let task = |event_loop: LoopHandle| {
        let task = event_loop.run_coroutine_threadsafe(|| Err::<(), _>(Error::msg("no")))?;
        task.wait()
    };
    assert_eq!(with_a_loop(task).unwrap_err().to_string(), "no");
}

#[test]
fn a_thread_gets_the_panic_of_its_task() -> Result<()> {
    let panic = with_a_loop(|event_loop| {
        let task = event_loop.run_coroutine_threadsafe::<(), _>(|| panic!("oh no"))?;
        Ok(panic_of(|| task.wait()))
    })?;
    assert_eq!(panic, "oh no");
    Ok(())
}

#[test]
fn a_task_that_cancels_itself_is_cancelled() {
    let error = with_a_loop(|event_loop| {
        let task = event_loop.run_coroutine_threadsafe(|| {
            current_task()?.cancel_with(Cancelled::with_message("enough"));
            sleep(ms(1))
        })?;
        task.wait()
    });
    assert_eq!(error.unwrap_err().to_string(), "cancelled: enough");
}

#[test]
fn a_thread_that_has_waited_long_enough_can_cancel() -> Result<()> {
    with_a_loop(|event_loop| {
        let ended = Arc::new(AtomicUsize::new(0));
        let end = Arc::clone(&ended);
        let (begin, begun) = gate();
        let task = event_loop.run_coroutine_threadsafe(move || {
            begin.send(())?;
            let slept = sleep(Duration::MAX);
            end.store(1, Ordering::Release);
            slept
        })?;
        begun.recv()?;
        let task = task.wait_timeout(ms(1)).expect_err("it sleeps for ever");
        assert!(!task.is_done());
        assert!(task.cancel());
        let result = task.wait_timeout(Duration::MAX).expect("it has ended");
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!(ended.load(Ordering::Acquire), 1);
        Ok(())
    })
}

#[test]
fn a_task_may_put_its_cancellation_off() -> Result<()> {
    let answer = with_a_loop(|event_loop| {
        let (begin, begun) = gate();
        let task = event_loop.run_coroutine_threadsafe(move || {
            begin.send(())?;
            assert!(sleep(Duration::MAX).unwrap_err().is_cancelled());
            sleep(ms(1))?;
            Ok(42)
        })?;
        begun.recv()?;
        assert!(task.cancel());
        let answer = task.wait()?;
        Ok(answer)
    })?;
    assert_eq!(answer, 42);
    Ok(())
}

#[test]
fn a_task_that_is_cancelled_before_it_begins_never_does() -> Result<()> {
    let mut runner = Runner::new()?;
    let (dropped, on_drop) = count_drops();
    let task = runner.handle().run_coroutine_threadsafe(move || {
        let _on_drop = &on_drop;
        unreachable!("it is cancelled before");
        #[expect(unreachable_code, reason = "says what it would return")]
        Ok(())
    })?;
    assert!(task.cancel());
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert!(task.is_done() && !task.cancel());
    assert!(task.wait().unwrap_err().is_cancelled());
    runner.run(yield_now)
}

#[test]
fn a_loop_that_closes_first_leaves_no_thread_waiting() -> Result<()> {
    let runner = Runner::new()?;
    let event_loop = runner.handle();
    let task = event_loop.run_coroutine_threadsafe(|| Ok(()))?;
    let (begin, begun) = gate();
    let waiter = thread::spawn(move || {
        begin.send(()).unwrap();
        task.wait()
    });
    begun.recv()?;
    drop(runner);
    let error = waiter.join().unwrap().unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&LoopClosed));
    Ok(())
}

#[test]
fn a_task_that_runs_when_its_loop_is_closed_is_cancelled() -> Result<()> {
    let mut runner = Runner::new()?;
    let task = runner.handle().run_coroutine_threadsafe(|| sleep(Duration::MAX))?;
    runner.run(yield_now)?;
    runner.close();
    assert!(task.wait().unwrap_err().is_cancelled());
    Ok(())
}

#[test]
fn a_task_that_is_left_behind_leaves_no_thread_waiting() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let task = runner.handle().run_coroutine_threadsafe(|| {
        let never = Event::new();
        #[expect(clippy::infinite_loop, reason = "a task that will not end")]
        loop {
            let _ = never.wait();
        }
        #[expect(unreachable_code, reason = "says what it would return")]
        Ok(())
    })?;
    let waiter = thread::spawn(move || task.wait_timeout(Duration::from_secs(60)).unwrap());
    runner.run(|| {
        get_running_loop()?.set_exception_handler(|_| {});
        yield_now()
    })?;
    // Nobody can run it here.
    run(|| {
        runner.close();
        Ok(())
    })?;
    let error = waiter.join().unwrap().unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&LoopClosed));
    Ok(())
}

#[test]
fn a_thread_does_not_wait_for_what_it_would_have_to_run_itself() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let answer = runner.handle().run_coroutine_threadsafe(|| Ok(42))?;
    let error = answer.wait().unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&CannotAwait::OwnThread));

    let answer = runner.handle().run_coroutine_threadsafe(|| Ok(42))?;
    runner.run(yield_now)?;
    assert_eq!(answer.wait()?, 42, "it has run meanwhile");
    Ok(())
}

#[test]
fn a_callback_cannot_wait_for_it() -> Result<()> {
    virtual_run(|| {
        let event_loop = get_running_loop()?;
        let (tell, told) = std::sync::mpsc::channel();
        let handle = event_loop.handle();
        event_loop.call_soon(move || {
            let task = handle.run_coroutine_threadsafe(|| Ok(())).unwrap();
            tell.send(task.wait().unwrap_err()).unwrap();
        });
        yield_now()?;
        assert!(matches!(told.recv()?.downcast_ref(), Some(CannotWait::InCallback(_))));
        Ok(())
    })
}

#[test]
fn a_task_of_the_same_loop_just_waits() -> Result<()> {
    virtual_run(|| {
        let event_loop = get_running_loop()?.handle();
        let hour = Duration::from_secs(3600);
        let task = event_loop.run_coroutine_threadsafe(move || {
            sleep(hour)?;
            Ok(42)
        })?;
        assert_eq!(task.wait()?, 42);
        let task = event_loop.run_coroutine_threadsafe(move || sleep(hour))?;
        let task = task.wait_timeout(ms(1)).expect_err("that is too short");
        task.cancel();
        assert!(task.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn a_task_waits_for_one_of_another_loop_and_nobody_else_does() -> Result<()> {
    with_a_loop(|other| {
        run(move || {
            let task = other.run_coroutine_threadsafe(|| {
                event().wait()?;
                Ok(42)
            })?;
            let beside = create_task(move || {
                sleep(ms(1))?;
                other.call_soon_threadsafe(super::set_event)?;
                Ok(())
            });
            assert_eq!(task.wait()?, 42);
            beside.wait()
        })
    })
}

#[test]
fn cancelling_a_task_cancels_what_it_waits_for_on_another_loop() -> Result<()> {
    with_a_loop(|other| {
        run(move || {
            let (begin, begun) = gate();
            let (end, ended) = std::sync::mpsc::channel();
            let task = other.run_coroutine_threadsafe(move || {
                begin.send(())?;
                let slept = sleep(Duration::MAX);
                end.send(slept.clone().unwrap_err().is_cancelled())?;
                slept
            })?;
            corio::to_thread(move || Ok(begun.recv()?))?;
            assert!(timeout(ms(1), || task.wait()).unwrap_err().is_timeout());
            assert!(corio::to_thread(move || Ok(ended.recv()?))?);
            Ok(())
        })
    })
}

#[test]
fn a_failure_that_nobody_waits_for_is_reported() -> Result<()> {
    let log = Log::new();
    virtual_run(|| {
        log.note_reports();
        let event_loop = get_running_loop()?.handle();
        let fail = || Err::<(), _>(Error::msg("no"));
        drop(event_loop.run_coroutine_threadsafe(fail)?);
        sleep(ms(1))?;
        let unasked = event_loop.run_coroutine_threadsafe(fail)?;
        sleep(ms(1))?;
        drop(unasked);
        sleep(ms(1))?;
        let cancelled = event_loop.run_coroutine_threadsafe(|| sleep(Duration::MAX))?;
        yield_now()?;
        cancelled.cancel();
        drop(cancelled);
        sleep(ms(1))
    })?;
    let unasked = "a task that another thread had asked for failed and nobody waits for it: no";
    let dropped = "task 'Task-2' failed and nobody waits for it: no";
    assert_eq!(log.take(), [dropped, unasked]);
    Ok(())
}
