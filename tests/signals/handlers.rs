//! Callbacks for signals.
#![expect(clippy::print_stdout, reason = "processes of these tests say how far they get")]

use std::cell::Cell;
use std::os::unix::process::ExitStatusExt;
use std::rc::Rc;
use std::thread;

use corio::signal::{
    BadSignal, SIGALRM, SIGCHLD, SIGHUP, SIGTERM, SIGURG, SIGUSR1, SIGWINCH, raise,
};
use corio::{Event, Result, Runner, get_running_loop, run, sleep};
use corio_tests::{Log, in_a_process, ms, settle, virtual_run};

#[test]
fn a_handler_is_called_in_the_loop_and_wakes_it() -> Result<()> {
    run(|| {
        let (event, log) = (Rc::new(Event::new()), Log::new());
        let (set, in_handler) = (Rc::clone(&event), log.clone());
        get_running_loop()?.add_signal_handler(SIGUSR1, move || {
            in_handler.note("called");
            assert!(corio::current_task().is_err(), "no task runs");
            set.set();
        })?;
        let thread = thread::spawn(|| {
            thread::sleep(ms(5));
            raise(SIGUSR1)
        });
        event.wait()?; // no deadlock, although nothing in the process could set it
        assert_eq!(log.take(), ["called"]);
        thread.join().expect("no panic")?;
        assert!(get_running_loop()?.remove_signal_handler(SIGUSR1));
        Ok(())
    })
}

#[test]
fn a_handler_replaces_the_previous_one_and_is_called_each_time() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        for name in ["first", "second"] {
            let log = log.clone();
            get_running_loop()?.add_signal_handler(SIGHUP, move || log.note(name))?;
        }
        for _ in 0..2 {
            raise(SIGHUP)?;
            settle()?;
        }
        assert_eq!(log.take(), ["second", "second"]);
        Ok(())
    })
}

#[test]
fn a_handler_that_is_removed_in_time_is_not_called() -> Result<()> {
    virtual_run(|| {
        let event_loop = get_running_loop()?;
        assert!(!event_loop.remove_signal_handler(SIGURG));
        event_loop.add_signal_handler(SIGURG, || panic!("it was removed"))?;
        raise(SIGURG)?;
        assert!(event_loop.remove_signal_handler(SIGURG));
        assert!(!event_loop.remove_signal_handler(SIGURG));
        settle()
    })
}

#[test]
fn a_busy_loop_hears_signals_too() -> Result<()> {
    run(|| {
        let stop = Rc::new(Cell::new(false));
        let stopping = Rc::clone(&stop);
        get_running_loop()?.add_signal_handler(SIGALRM, move || stopping.set(true))?;
        raise(SIGALRM)?;
        while !stop.get() {
            corio_tests::yield_now()?;
        }
        Ok(())
    })
}

#[test]
fn each_loop_that_asked_gets_the_signal() -> Result<()> {
    let (ready, wait_until_ready) = std::sync::mpsc::channel();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let ready = ready.clone();
            thread::spawn(move || {
                run(|| {
                    let event = Rc::new(Event::new());
                    let set = Rc::clone(&event);
                    get_running_loop()?.add_signal_handler(SIGWINCH, move || set.set())?;
                    ready.send(()).expect("somebody waits for it");
                    event.wait()
                })
            })
        })
        .collect();
    for _ in &threads {
        wait_until_ready.recv().expect("they all get there");
    }
    raise(SIGWINCH)?;
    for thread in threads {
        thread.join().expect("no panic")?;
    }
    Ok(())
}

#[test]
fn a_signal_between_two_runs_is_handled_in_the_next() -> Result<()> {
    let log = Log::new();
    let mut runner = Runner::with_virtual_clock()?;
    let in_handler = log.clone();
    runner.run(move || {
        get_running_loop()?.add_signal_handler(SIGCHLD, move || in_handler.note("called"))
    })?;
    raise(SIGCHLD)?;
    assert!(log.take().is_empty());
    runner.run(settle)?;
    assert_eq!(log.take(), ["called"]);
    Ok(())
}

#[test]
fn signals_that_cannot_be_handled_are_refused() -> Result<()> {
    virtual_run(|| {
        let event_loop = get_running_loop()?;
        let refused = |signal| {
            let error = event_loop.add_signal_handler(signal, || {}).unwrap_err();
            *error.downcast_ref::<BadSignal>().expect("a bad signal")
        };
        assert_eq!(refused(9), BadSignal::Uncatchable(9));
        assert!(refused(9).to_string().starts_with("SIGKILL cannot be listened to: "));
        for fault in [4, 7, 8, 11] {
            assert!(matches!(refused(fault), BadSignal::Fault(_) | BadSignal::Unknown(_)));
        }
        for unknown in [i32::MIN, -1, 0, 32, 65, 1000, i32::MAX] {
            assert_eq!(refused(unknown), BadSignal::Unknown(unknown));
        }
        assert!(!event_loop.remove_signal_handler(9));
        // The greatest there is, on Linux.
        event_loop.add_signal_handler(64, || {})?;
        raise(64)?;
        Ok(())
    })
}

#[test]
fn a_closed_loop_takes_no_handlers() -> Result<()> {
    let mut event_loop = None;
    virtual_run(|| {
        event_loop = Some(get_running_loop()?);
        Ok(())
    })?;
    let error = event_loop.expect("it ran").add_signal_handler(SIGHUP, || {}).unwrap_err();
    assert!(error.downcast_ref::<corio::LoopClosed>().is_some(), "{error}");
    Ok(())
}

#[test]
fn a_signal_does_what_it_did_before_when_its_handler_is_removed() {
    let name = "handlers::a_signal_does_what_it_did_before_when_its_handler_is_removed";
    let output = in_a_process(name, || {
        let ended = run(|| {
            let event_loop = get_running_loop()?;
            event_loop.add_signal_handler(SIGTERM, || println!("handled"))?;
            raise(SIGTERM)?;
            sleep(ms(1))?;
            event_loop.remove_signal_handler(SIGTERM);
            println!("removed");
            raise(SIGTERM)?;
            sleep(ms(1))
        });
        println!("{ended:?}");
    });
    let Some(output) = output else { return };
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("handled\nremoved\n"), "{stdout}");
    assert_eq!(output.status.signal(), Some(SIGTERM), "{stdout}");
}

#[test]
fn a_loop_that_ends_gives_its_signals_back() {
    let name = "handlers::a_loop_that_ends_gives_its_signals_back";
    let output = in_a_process(name, || {
        let held = run(|| {
            let event_loop = get_running_loop()?;
            event_loop.add_signal_handler(64, || {})?;
            Ok(event_loop)
        });
        held.expect("it ends well");
        raise(64).expect("there is such a signal");
    });
    let Some(output) = output else { return };
    assert_eq!(output.status.signal(), Some(64), "{output:?}");
}
