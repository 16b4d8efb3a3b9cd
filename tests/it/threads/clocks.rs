//! Virtual time and the deadlock report, when other threads have a say.

use std::thread;
use std::time::Duration;

use corio::{
    Deadlock, Event, Result, Runner, create_task, get_running_loop, run, sleep, timeout, to_thread,
};
use corio_tests::{ms, now, virtual_run};

use super::{event, gate, set_event};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn virtual_time_stands_still_while_a_job_runs() -> Result<()> {
    virtual_run(|| {
        let began = now();
        timeout(HOUR, || {
            to_thread(|| {
                thread::sleep(ms(5));
                Ok(())
            })
        })?;
        assert_eq!(now(), began);
        Ok(())
    })
}

#[test]
fn virtual_time_does_not_stand_still_for_a_job_that_waits_for_it() -> Result<()> {
    virtual_run(|| {
        let (open, opened) = gate();
        let began = now();
        let job = get_running_loop()?.run_in_executor(None, move || Ok(opened.recv()?))?;
        sleep(ms(3))?;
        assert_eq!(now(), began + ms(3));
        open.send(())?;
        job.wait()?;
        assert_eq!(now(), began + ms(3));
        Ok(())
    })
}

/// A thread that never lets the loop sleep for long must not stop the clock either.
#[test]
fn virtual_time_passes_although_calls_keep_coming_in() -> Result<()> {
    virtual_run(|| {
        let event_loop = get_running_loop()?.handle();
        let (stop, stopped) = gate();
        let job = get_running_loop()?.run_in_executor(None, move || {
            while stopped.recv_timeout(ms(1)).is_err() {
                event_loop.call_soon_threadsafe(|| {})?;
            }
            Ok(())
        })?;
        sleep(ms(10))?;
        stop.send(())?;
        job.wait()
    })
}

#[test]
fn a_job_that_takes_too_long_times_out_in_virtual_time_too() -> Result<()> {
    virtual_run(|| {
        let (open, opened) = gate();
        let began = now();
        let error = timeout(ms(2), || to_thread(move || Ok(opened.recv()?))).unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(now(), began + ms(2));
        // Nobody waits for that job any more, so it does not hold the clock.
        sleep(HOUR)?;
        drop(open);
        Ok(())
    })
}

#[test]
fn a_handle_that_is_alive_does_not_hold_the_clock() -> Result<()> {
    virtual_run(|| {
        let _handle = get_running_loop()?.handle();
        sleep(HOUR)
    })
}

#[test]
fn a_task_that_waits_for_a_thread_is_no_deadlock() -> Result<()> {
    for runner in [Runner::new, Runner::with_virtual_clock] {
        let answer = runner()?.run(|| {
            to_thread(|| {
                thread::sleep(ms(2));
                Ok(42)
            })
        })?;
        assert_eq!(answer, 42);
    }
    Ok(())
}

#[test]
fn a_loop_whose_handle_is_alive_waits_for_a_call() -> Result<()> {
    for runner in [Runner::new, Runner::with_virtual_clock] {
        let mut runner = runner()?;
        let event_loop = runner.handle();
        let caller = thread::spawn(move || {
            thread::sleep(ms(2));
            event_loop.call_soon_threadsafe(set_event).map(drop)
        });
        runner.run(|| event().wait())?;
        caller.join().unwrap()?;
        event().clear();
    }
    Ok(())
}

#[test]
fn a_loop_is_deadlocked_once_its_last_handle_is_gone() -> Result<()> {
    let mut runner = Runner::new()?;
    let handles = [runner.handle(), runner.handle()];
    let holder = thread::spawn(move || {
        for handle in handles {
            thread::sleep(ms(1));
            drop(handle);
        }
    });
    let error = runner.run(|| Event::new().wait()).unwrap_err();
    assert!(error.downcast_ref::<Deadlock>().is_some(), "{error}");
    holder.join().unwrap();
    Ok(())
}

#[test]
fn a_job_that_nobody_waits_for_hides_no_deadlock() {
    let (open, opened) = gate();
    let error = run(|| {
        let job = get_running_loop()?.run_in_executor(None, move || Ok(opened.recv()?))?;
        assert!(job.cancel());
        let waits = Event::new().wait();
        drop(open);
        waits
    })
    .unwrap_err();
    assert!(error.downcast_ref::<Deadlock>().is_some(), "{error}");
}

#[test]
fn tasks_run_while_another_waits_for_a_thread() -> Result<()> {
    run(|| {
        let (open, opened) = gate();
        let opener = create_task(move || Ok(open.send(())?));
        to_thread(move || Ok(opened.recv()?))?;
        opener.wait()
    })
}
