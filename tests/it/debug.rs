//! Debug mode: who held up the loop, and where it was made.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use corio::{
    Deadlock, Error, Event, Result, Runner, SlowStep, TaskOptions, create_task, create_task_with,
    gather, get_running_loop, sleep, task_group,
};
use corio_tests::{ms, process_of, settle, yield_now};

/// What a step may take. Far more than one that does nothing takes on a busy machine.
const LONG: Duration = ms(40);

/// The reports on what `main` does in debug mode, where [`LONG`] is long, and the clock virtual.
fn reports_of(main: impl FnOnce() -> Result<()>) -> Result<Vec<String>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let reports = Rc::clone(&seen);
    Runner::with_virtual_clock()?.debug(true).run(move || {
        let event_loop = get_running_loop()?;
        event_loop.set_slow_callback_duration(LONG);
        event_loop.set_exception_handler(move |report| {
            reports.borrow_mut().push(report.to_string());
        });
        main()
    })?;
    Ok(seen.take())
}

fn block() {
    thread::sleep(LONG + ms(1));
}

fn compute() {
    let began = Instant::now();
    while began.elapsed() < LONG + ms(1) {
        std::hint::spin_loop();
    }
}

/// Something in the program that can be found in a stack.
#[inline(never)]
fn the_culprit() -> Result<()> {
    block();
    sleep(ms(1))
}

#[test]
fn a_slow_step_is_reported_with_its_places_and_its_stack() -> Result<()> {
    let event = Rc::new(Event::new());
    let line = line!();
    let reports = reports_of(|| {
        let waited = Rc::clone(&event);
        let task = create_task_with(TaskOptions::new().name("parser"), move || {
            waited.wait()?;
            the_culprit()
        });
        yield_now()?;
        event.set();
        task.wait()
    })?;
    assert_eq!(reports.len(), 1, "{reports:?}");
    let report = &reports[0];
    let has = |what: &str| assert!(report.contains(what), "{what:?} is not in {report}");
    let here = file!();
    has(&format!("task 'parser' (created at {here}:{}:20) held up the event loop: ", line + 3));
    has(&format!("\n  from {here}:{}:20, where it had waited for an event\n", line + 4));
    has("where it waits for time to pass; the stack there:\n");
    has("debug::the_culprit");
    has("debug::a_slow_step_is_reported_with_its_places_and_its_stack::{{closure}}");
    if cfg!(target_os = "linux") {
        has("\n  help: wait by what corio offers");
    }
    assert!(!report.contains("corio::task"), "frames of the library: {report}");
    assert!(!report.contains("__rust_try"), "frames of the library: {report}");
    Ok(())
}

#[test]
fn a_step_that_computes_is_told_from_one_that_blocks() -> Result<()> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let times = Rc::clone(&seen);
    Runner::with_virtual_clock()?.debug(true).run(move || {
        let event_loop = get_running_loop()?;
        event_loop.set_slow_callback_duration(LONG);
        event_loop.set_exception_handler(move |report| {
            let step: &SlowStep = report.error().downcast_ref().expect("nothing else is reported");
            times.borrow_mut().push((step.on_processor(), report.to_string()));
        });
        compute();
        yield_now()?;
        block();
        yield_now()
    })?;
    let seen = seen.take();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[0].1.contains("\n  from its start\n  to where it lets others run; "));
    assert!(seen[1].1.contains("\n  from where it had let others run\n"), "{}", seen[1].1);
    if cfg!(target_os = "linux") {
        assert!(seen[0].0 > seen[1].0, "{seen:?}");
    }
    Ok(())
}

#[test]
fn a_step_that_ends_the_task_is_reported_by_name_and_creation() -> Result<()> {
    let here = Location::caller();
    let reports = reports_of(|| {
        create_task(|| {
            block();
            Ok(())
        })
        .wait()
    })?;
    assert_eq!(reports.len(), 1, "{reports:?}");
    let place = format!("{}:{}", here.file(), here.line() + 2);
    let expected = format!("task 'Task-2' (created at {place}:");
    assert!(reports[0].starts_with(&expected), "{}", reports[0]);
    assert!(reports[0].contains("\n  from its start\n  to its end"), "{}", reports[0]);
    Ok(())
}

#[test]
fn slow_callbacks_are_reported_with_where_they_were_asked_for() -> Result<()> {
    let line = line!();
    let reports = reports_of(|| {
        let event_loop = get_running_loop()?;
        event_loop.call_soon(block);
        event_loop.call_later(ms(1), block);
        event_loop.call_soon(|| {});
        sleep(ms(2))
    })?;
    assert_eq!(reports.len(), 2, "{reports:?}");
    for (report, line) in reports.iter().zip([line + 3, line + 4]) {
        assert!(report.starts_with("a callback held up the event loop: it ran for "), "{report}");
        let place = format!("from its start, which was asked for at {}:{line}:20\n", file!());
        assert!(report.contains(&place), "{report}");
    }
    Ok(())
}

#[test]
fn what_is_quick_is_not_reported_however_long_it_waits() -> Result<()> {
    let reports = reports_of(|| {
        for _ in 0..100 {
            sleep(ms(1000))?;
        }
        get_running_loop()?.set_slow_callback_duration(ms(1000));
        block();
        yield_now()
    })?;
    assert_eq!(reports, [""; 0]);
    Ok(())
}

#[test]
fn the_report_can_be_taken_apart() -> Result<()> {
    let seen = Rc::new(RefCell::new(None));
    let slow = Rc::clone(&seen);
    Runner::new()?.debug(true).run(move || {
        let event_loop = get_running_loop()?;
        event_loop.set_slow_callback_duration(LONG);
        event_loop.set_exception_handler(move |report| {
            let step: &SlowStep = report.error().downcast_ref().expect("nothing else is reported");
            assert!(step.stack().is_some());
            slow.replace(Some((step.task().map(str::to_owned), step.took(), step.on_processor())));
        });
        block();
        yield_now()
    })?;
    let (task, took, on_processor) = seen.take().expect("a report");
    assert_eq!(task.as_deref(), Some("Task-1"));
    assert!(took > LONG, "{took:?}");
    assert!(on_processor.is_none_or(|time| time < took), "{on_processor:?}");
    Ok(())
}

#[test]
fn a_task_on_the_smallest_stack_has_room_for_the_look() -> Result<()> {
    let reports = reports_of(|| {
        let options = TaskOptions::new().stack_size(16 * 1024);
        create_task_with(options, || {
            let mut most_of_it = [0_u8; 7 * 1024];
            std::hint::black_box(&mut most_of_it);
            block();
            sleep(ms(1))?;
            std::hint::black_box(&most_of_it);
            Ok(())
        })
        .wait()
    })?;
    assert_eq!(reports.len(), 1);
    Ok(())
}

#[test]
fn it_can_be_switched_on_and_off_while_the_loop_runs() -> Result<()> {
    Runner::with_virtual_clock()?.debug(false).run(|| {
        let event_loop = get_running_loop()?;
        assert_eq!(event_loop.slow_callback_duration(), ms(100));
        event_loop.set_slow_callback_duration(Duration::ZERO);
        let count = Rc::new(RefCell::new(0));
        let counting = Rc::clone(&count);
        event_loop.set_exception_handler(move |_| *counting.borrow_mut() += 1);
        settle()?;
        assert_eq!((event_loop.get_debug(), count.take()), (false, 0));
        event_loop.set_debug(true);
        settle()?;
        settle()?;
        assert!(event_loop.get_debug() && count.take() > 0);
        event_loop.set_debug(false);
        settle()?;
        count.take();
        settle()?;
        assert_eq!(count.take(), 0);
        Ok(())
    })
}

#[test]
fn reports_say_where_a_task_was_made() -> Result<()> {
    let line = line!();
    let reports = reports_of(|| {
        drop(create_task(|| Err::<(), _>(Error::msg("unseen"))));
        settle()
    })?;
    let place = format!("{}:{}:14", file!(), line + 2);
    let expected =
        format!("task 'Task-2' (created at {place}) failed and nobody waits for it: unseen");
    assert_eq!(reports, [expected]);
    Ok(())
}

#[test]
fn a_deadlock_says_where_its_tasks_were_made() -> Result<()> {
    let line = line!();
    let mut runner = Runner::with_virtual_clock()?.debug(true);
    let outcome = runner.run(|| {
        let never = || Event::new().wait();
        let _alone = create_task(never);
        task_group(|group| {
            group.create_task(never);
            gather((never,))?;
            Ok(())
        })
    });
    let error = outcome.unwrap_err();
    let error = error.group().map_or_else(|| error.clone(), |group| group.errors()[0].clone());
    assert!(error.downcast_ref::<Deadlock>().is_some(), "{error}");
    let message = error.to_string();
    for line in [2, 4, 6, 7].map(|offset| line + offset) {
        let place = format!("; it was created at {}:{line}:", file!());
        assert!(message.contains(&place), "{place:?} is not in {message}");
    }
    Ok(())
}

#[test]
fn a_handler_that_waits_for_nothing_may_do_anything_else() -> Result<()> {
    let runs = Rc::new(RefCell::new(0));
    let run = Rc::clone(&runs);
    Runner::with_virtual_clock()?.debug(true).run(move || {
        let event_loop = get_running_loop()?;
        event_loop.set_slow_callback_duration(LONG);
        event_loop.set_exception_handler(move |_| {
            let run = Rc::clone(&run);
            drop(create_task(move || {
                *run.borrow_mut() += 1;
                Ok(())
            }));
        });
        for _ in 0..2 {
            block();
            yield_now()?;
        }
        settle()
    })?;
    assert_eq!(runs.take(), 2);
    Ok(())
}

#[test]
fn the_environment_decides_where_nobody_else_does() {
    let name = "debug::the_environment_decides_where_nobody_else_does";
    let is_on = |runner: Result<Runner, std::io::Error>| {
        runner.expect("a loop").run(|| Ok(get_running_loop()?.get_debug())).expect("it ends well")
    };
    for (value, expected) in [("1", true), ("yes", true), ("0", false), ("", false)] {
        let process = process_of(name, || {
            let expected = std::env::var("EXPECTED").expect("it was set below") == "true";
            assert_eq!(is_on(Runner::new()), expected);
            assert_eq!(is_on(Runner::with_virtual_clock()), expected);
            assert!(is_on(Runner::new().map(|runner| runner.debug(true))));
            assert!(!is_on(Runner::new().map(|runner| runner.debug(false))));
        });
        let Some(mut process) = process else { return };
        process.env("CORIO_DEBUG", value).env("EXPECTED", expected.to_string());
        let output = process.output().expect("the test's program can be started again");
        assert!(output.status.success(), "CORIO_DEBUG={value}: {output:?}");
    }
}
