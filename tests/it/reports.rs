//! Failures that nobody waits for: each is reported once, by name, and nothing else is.

use std::process::Stdio;

use corio::{
    Error, Result, Task, TaskOptions, create_future, create_task, create_task_with,
    get_running_loop, sleep,
};
use corio_tests::{Log, in_a_process, ms, process_of, settle, virtual_run, yield_now};

/// What is reported while `main` runs and after it.
fn reports_of(main: impl FnOnce() -> Result<()>) -> Result<Vec<String>> {
    let log = Log::new();
    virtual_run(|| {
        log.note_reports();
        main()
    })?;
    Ok(log.take())
}

#[test]
fn a_task_that_fails_with_nobody_waiting_is_reported_by_name_when_it_ends() -> Result<()> {
    let log = Log::new();
    virtual_run(|| {
        log.note_reports();
        let options = TaskOptions::new().name("fetcher");
        drop(create_task_with(options, || {
            sleep(ms(5))?;
            Err::<(), _>(Error::msg("no such page"))
        }));
        sleep(ms(4))?;
        assert!(log.take().is_empty());
        sleep(ms(2))?;
        assert_eq!(log.take(), ["task 'fetcher' failed and nobody waits for it: no such page"]);
        Ok(())
    })?;
    assert!(log.take().is_empty(), "once is enough");
    Ok(())
}

#[test]
fn a_task_that_panics_with_nobody_waiting_is_reported_and_the_others_go_on() -> Result<()> {
    let reports = reports_of(|| {
        drop(create_task(|| -> Result<()> { panic!("ouch") }));
        sleep(ms(1))
    })?;
    assert_eq!(
        reports,
        ["task 'Task-2' failed and nobody waits for it: task 'Task-2' panicked: ouch"]
    );
    Ok(())
}

#[test]
fn a_failure_whose_handle_is_dropped_later_is_reported_then() -> Result<()> {
    let log = Log::new();
    virtual_run(|| {
        log.note_reports();
        let task = create_task(|| Err::<(), _>(Error::msg("unseen")));
        sleep(ms(1))?;
        assert!(log.take().is_empty(), "somebody may still ask");
        drop(task);
        assert_eq!(log.take(), ["task 'Task-2' failed and nobody waits for it: unseen"]);
        Ok(())
    })
}

#[test]
fn what_somebody_has_seen_is_not_reported() -> Result<()> {
    let failing = || create_task(|| Err::<(), _>(Error::msg("seen")));
    let reports = reports_of(|| {
        assert!(failing().wait().is_err());
        let looked_at = [failing(), failing()];
        yield_now()?;
        assert!(looked_at[0].result().is_err());
        assert!(looked_at[1].exception()?.is_some());
        drop(looked_at);
        settle()
    })?;
    assert_eq!(reports, [""; 0]);
    Ok(())
}

#[test]
fn successes_and_cancellations_are_not_reported() -> Result<()> {
    let reports = reports_of(|| {
        drop(create_task(|| Ok(1)));
        let cancelled: Task<'_, ()> = create_task(|| sleep(ms(10)));
        let unborn = create_task(|| sleep(ms(10)));
        unborn.cancel();
        yield_now()?;
        cancelled.cancel();
        drop((cancelled, unborn));
        drop(create_task(|| sleep(ms(10)))); // cancelled when main has ended
        settle()
    })?;
    assert_eq!(reports, [""; 0]);
    Ok(())
}

#[test]
fn asking_for_a_result_too_early_does_not_hide_a_later_failure() -> Result<()> {
    let reports = reports_of(|| {
        let task = create_task(|| Err::<(), _>(Error::msg("later")));
        assert!(task.result().is_err(), "it is not there yet");
        drop(task);
        settle()
    })?;
    assert_eq!(reports, ["task 'Task-2' failed and nobody waits for it: later"]);
    Ok(())
}

#[test]
fn a_done_callback_that_sees_the_failure_is_somebody() -> Result<()> {
    let log = Log::new();
    let in_callback = log.clone();
    let reports = reports_of(move || {
        let task = create_task(|| Err::<(), _>(Error::msg("seen")));
        task.add_done_callback(move |outcome| {
            in_callback.note(outcome.unwrap_err().to_string());
        })?;
        drop(task);
        settle()
    })?;
    assert_eq!(log.take(), ["seen"]);
    assert_eq!(reports, [""; 0]);
    Ok(())
}

#[test]
fn a_callback_that_panics_is_reported_and_the_loop_goes_on() -> Result<()> {
    let reports = reports_of(|| {
        get_running_loop()?.call_soon(|| panic!("clumsy"));
        sleep(ms(1))
    })?;
    assert_eq!(reports.len(), 1);
    assert!(reports[0].starts_with("a callback of the event loop failed: "), "{reports:?}");
    assert!(reports[0].ends_with("panicked: clumsy"), "{reports:?}");
    Ok(())
}

#[test]
fn a_future_that_fails_with_nobody_asking_is_reported_when_it_is_dropped() -> Result<()> {
    let reports = reports_of(|| {
        let (promise, future) = create_future::<()>();
        promise.set_exception(Error::msg("unseen"))?;
        drop((promise, future));
        let (promise, future) = create_future::<()>();
        promise.set_exception(Error::msg("seen"))?;
        assert!(future.wait().is_err());
        let (promise, future) = create_future::<()>();
        assert!(future.cancel());
        drop((promise, future));
        let (promise, future) = create_future::<()>();
        drop((future, promise)); // nobody wanted it, and nobody made it
        Ok(())
    })?;
    assert_eq!(reports, ["a future failed and nobody asked why: unseen"]);
    Ok(())
}

#[test]
fn the_handler_is_told_the_error_itself_and_may_be_replaced_by_itself() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let (first, event_loop) = (log.clone(), get_running_loop()?);
        get_running_loop()?.set_exception_handler(move |report| {
            assert!(report.error().downcast_ref::<std::num::ParseIntError>().is_some());
            assert_eq!(report.message(), "task 'Task-2' failed and nobody waits for it");
            first.note("first");
            let second = first.clone();
            event_loop.set_exception_handler(move |_| second.note("second"));
        });
        for _ in 0..2 {
            drop(create_task(|| Ok("x".parse::<u32>()?)));
        }
        settle()?;
        assert_eq!(log.take(), ["first", "second"]);
        Ok(())
    })
}

#[test]
fn the_handler_may_make_tasks() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_handler = log.clone();
        get_running_loop()?.set_exception_handler(move |report| {
            let (log, text) = (in_handler.clone(), report.to_string());
            drop(create_task(move || {
                sleep(ms(1))?;
                log.note(text);
                Ok(())
            }));
        });
        drop(create_task(|| Err::<(), _>(Error::msg("slowly noted"))));
        sleep(ms(5))?;
        assert_eq!(log.take().len(), 1);
        Ok(())
    })
}

#[test]
fn without_a_handler_a_report_goes_to_the_standard_error_stream() {
    let name = "reports::without_a_handler_a_report_goes_to_the_standard_error_stream";
    let output = in_a_process(name, || {
        let ended = virtual_run(|| {
            drop(create_task(|| Err::<(), _>(Error::msg("no such page"))));
            settle()
        });
        ended.expect("main ends well");
    });
    let Some(output) = output else { return };
    let stderr = String::from_utf8_lossy(&output.stderr);
    let expected = "corio: task 'Task-2' failed and nobody waits for it: no such page";
    assert!(stderr.lines().any(|line| line == expected), "{stderr}");
}

#[test]
fn a_report_that_cannot_be_written_is_given_up_and_the_program_goes_on() {
    let name = "reports::a_report_that_cannot_be_written_is_given_up_and_the_program_goes_on";
    let process = process_of(name, || {
        let ended = virtual_run(|| {
            // The other end of the standard error stream is closed when this one is.
            std::io::stdin().read_line(&mut String::new())?;
            drop(create_task(|| Err::<(), _>(Error::msg("nobody can read this"))));
            settle()?;
            Ok(1)
        });
        assert_eq!(ended.ok(), Some(1));
    });
    let Some(mut process) = process else { return };
    process.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = process.spawn().expect("the test's program can be started again");
    drop(child.stderr.take());
    drop(child.stdin.take());
    let status = child.wait().expect("it was started");
    assert!(status.success(), "{status}");
}
