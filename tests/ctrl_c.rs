//! Ctrl-C, which `run` handles on the main thread of the process. A test harness keeps that thread
//! for itself, so each of these cases is a process of its own.
#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "the cases speak to their parent")]

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use corio::signal::{SIGINT, Signals, ctrl_c, raise};
use corio::{
    Event, KeyboardInterrupt, Result, create_task, current_task, get_running_loop, run, shield,
    sleep,
};
use corio_tests::{ms, yield_now};
use libtest_mimic::{Arguments, Failed, Trial};

/// What a case does, what it says, and whether it is ended by the signal.
type Case = (&'static str, fn(), &'static str, bool);

/// A case by the name of its function.
macro_rules! case {
    ($body:ident, $says:literal, $killed:literal) => {
        (stringify!($body), $body, $says, $killed)
    };
}

const CASES: &[Case] = &[
    case!(
        the_first_cancels_the_main_task_and_run_says_so_after_the_clean_up,
        "child: cancelled: Ctrl-C\nmain: cancelled\nleftover: cancelled\nafter run\n",
        false
    ),
    case!(a_main_task_that_does_not_wait_is_cancelled_where_it_waits_next, "computed\n", false),
    case!(a_main_task_may_swallow_it, "went on\n", false),
    case!(an_error_of_the_main_tasks_own_stays_what_it_is, "disk full\n", false),
    case!(a_main_task_that_somebody_else_cancelled_too_is_just_cancelled, "cancelled", false),
    case!(the_second_ends_the_process, "once\n", true),
    case!(one_during_the_clean_up_ends_the_process, "cleaning up\n", true),
    case!(after_run_it_has_its_default_meaning_again, "after run\n", true),
    case!(each_run_takes_one, "each\n", false),
    case!(other_threads_leave_it_alone, "", true),
    case!(a_handler_of_the_programs_own_is_left_alone, "before, during\n", false),
    case!(who_listens_to_it_comes_first_and_run_after, "shutting down\nstopped\n", false),
    case!(a_second_run_has_it_although_signal_hook_keeps_it, "listened\ninterrupted\n", true),
    case!(a_handler_of_the_loop_comes_before_run, "handled\n", false),
    case!(a_deadlock_is_still_found, "deadlock: ", false),
    case!(it_comes_at_once_to_a_loop_that_sleeps, "at once\n", false),
];

const LONG: Duration = Duration::from_secs(20);

fn press_later(delay: u64) {
    thread::spawn(move || {
        thread::sleep(ms(delay));
        raise(SIGINT)
    });
}

fn is_interrupted<T>(outcome: &Result<T>) -> bool {
    outcome.as_ref().is_err_and(|error| {
        error.downcast_ref() == Some(&KeyboardInterrupt) && !error.is_cancelled()
    })
}

fn the_first_cancels_the_main_task_and_run_says_so_after_the_clean_up() {
    let outcome = run(|| {
        press_later(5);
        drop(create_task(|| sleep(LONG).inspect_err(|error| println!("leftover: {error}"))));
        let child = create_task(|| sleep(LONG).inspect_err(|error| println!("child: {error}")));
        let ended = child.wait(); // the cancellation is passed on to it
        println!("main: cancelled");
        ended
    });
    assert!(is_interrupted(&outcome), "{outcome:?}");
    println!("after run");
}

fn a_main_task_that_does_not_wait_is_cancelled_where_it_waits_next() {
    let outcome = run(|| {
        raise(SIGINT)?;
        println!("computed");
        sleep(LONG)
    });
    assert!(is_interrupted(&outcome), "{outcome:?}");
    let outcome = run(|| {
        raise(SIGINT)?;
        loop {
            yield_now()?; // the loop never asks the operating system
        }
    });
    assert!(is_interrupted::<()>(&outcome), "{outcome:?}");
    // As in asyncio, one that never waits again ends cancelled.
    let outcome = run(|| Ok(raise(SIGINT)?));
    assert!(is_interrupted(&outcome), "{outcome:?}");
}

fn a_main_task_may_swallow_it() {
    let outcome = run(|| {
        press_later(1);
        assert!(sleep(LONG).unwrap_err().is_cancelled());
        Ok("went on")
    });
    println!("{}", outcome.expect("it was swallowed"));
}

fn an_error_of_the_main_tasks_own_stays_what_it_is() {
    let outcome = run(|| {
        raise(SIGINT)?;
        sleep(LONG).map_err(|_| corio::Error::msg("disk full"))
    });
    println!("{}", outcome.unwrap_err());
}

fn a_main_task_that_somebody_else_cancelled_too_is_just_cancelled() {
    let outcome = run(|| {
        let main = current_task()?;
        raise(SIGINT)?;
        drop(create_task(move || {
            main.cancel();
            Ok(())
        }));
        sleep(LONG).or_else(|_| sleep(ms(1)))
    });
    let error = outcome.unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    println!("{error}");
}

fn the_second_ends_the_process() {
    let outcome = run(|| {
        press_later(1);
        assert!(sleep(LONG).is_err());
        println!("once");
        raise(SIGINT)?;
        Ok(())
    });
    println!("{outcome:?}");
}

fn one_during_the_clean_up_ends_the_process() {
    let outcome = run(|| {
        drop(create_task(|| {
            let ended = sleep(LONG);
            println!("cleaning up");
            raise(SIGINT)?;
            ended
        }));
        yield_now()
    });
    println!("{outcome:?}");
}

fn after_run_it_has_its_default_meaning_again() {
    for _ in 0..3 {
        run(|| sleep(ms(0))).expect("it ends well");
    }
    println!("after run");
    raise(SIGINT).expect("there is such a signal");
}

fn each_run_takes_one() {
    for _ in 0..3 {
        let outcome = run(|| {
            raise(SIGINT)?;
            sleep(LONG)
        });
        assert!(is_interrupted(&outcome), "{outcome:?}");
    }
    println!("each");
}

fn other_threads_leave_it_alone() {
    let thread = thread::spawn(|| {
        run(|| {
            press_later(1);
            sleep(LONG)
        })
    });
    println!("{:?}", thread.join());
}

fn a_handler_of_the_programs_own_is_left_alone() {
    let count = Arc::new(AtomicUsize::new(0));
    let press = |count: &AtomicUsize, expected| -> Result<()> {
        raise(SIGINT)?;
        sleep(ms(1))?;
        assert_eq!(count.load(Ordering::Relaxed), expected);
        Ok(())
    };
    // Set during a run, on top of corio's.
    run(|| {
        let counting = Arc::clone(&count);
        let counting = move || _ = counting.fetch_add(1, Ordering::Relaxed);
        // SAFETY: counting is a thing that a signal handler may do.
        unsafe { signal_hook::low_level::register(SIGINT, counting)? };
        press(&count, 1)
    })
    .expect("it was left alone");
    // Set before.
    run(|| press(&count, 2)).expect("it was left alone");
    println!("before, during");
}

fn who_listens_to_it_comes_first_and_run_after() {
    for _ in 0..2 {
        let outcome = run(|| {
            press_later(1);
            ctrl_c()?;
            println!("shutting down");
            press_later(1);
            sleep(LONG).inspect_err(|_| println!("stopped"))
        });
        assert!(is_interrupted(&outcome), "{outcome:?}");
    }
}

fn a_second_run_has_it_although_signal_hook_keeps_it() {
    run(|| {
        let signals = Signals::new([SIGINT])?;
        raise(SIGINT)?;
        signals.wait()
    })
    .expect("it was listened to");
    println!("listened");
    let outcome = run(|| {
        raise(SIGINT)?;
        sleep(LONG)
    });
    assert!(is_interrupted(&outcome), "{outcome:?}");
    println!("interrupted");
    raise(SIGINT).expect("there is such a signal");
}

fn a_handler_of_the_loop_comes_before_run() {
    let outcome = run(|| {
        let event = Rc::new(Event::new());
        let set = Rc::clone(&event);
        get_running_loop()?.add_signal_handler(SIGINT, move || set.set())?;
        raise(SIGINT)?;
        event.wait()
    });
    outcome.expect("the handler was called instead");
    println!("handled");
}

fn a_deadlock_is_still_found() {
    println!("{}", run(|| Event::new().wait()).unwrap_err());
}

fn it_comes_at_once_to_a_loop_that_sleeps() {
    let began = Instant::now();
    press_later(10);
    let outcome = run(|| shield(create_task(|| sleep(LONG))));
    assert!(is_interrupted(&outcome), "{outcome:?}");
    assert!(began.elapsed() < LONG / 10, "{:?}", began.elapsed());
    println!("at once");
}

/// The environment variable that tells a process which case it is.
const WHICH: &str = "CORIO_CTRL_C_CASE";

fn main() -> ExitCode {
    if let Ok(wanted) = env::var(WHICH) {
        let case = CASES.iter().find(|(name, ..)| *name == wanted);
        case.expect("a known case").1();
        return ExitCode::SUCCESS;
    }
    let trials = CASES.iter().map(|case| Trial::test(case.0, || try_out(case)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Runs a case in a process of its own.
fn try_out(&(name, _, says, killed): &'static Case) -> Result<(), Failed> {
    let program = env::current_exe().expect("the path of this program");
    let output = Command::new(program).env(WHICH, name).output().expect("a child process");
    let ended =
        if killed { output.status.signal() == Some(SIGINT) } else { output.status.success() };
    let said = String::from_utf8_lossy(&output.stdout).contains(says);
    if ended && said { Ok(()) } else { Err(format!("{output:?}").into()) }
}
