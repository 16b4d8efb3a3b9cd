//! What errors say: each names what was tried, where, and what to do instead.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use corio::net::{TcpListener, TcpStream};
use corio::{
    BrokenPromise, CannotAwait, Error, Event, InvalidState, Lock, NoRunningLoop, Panicked, Result,
    Runner, Task, create_future, create_task, current_task, gather, get_running_loop, run, sleep,
    task_group, timeout,
};
use corio_tests::{Log, OnDrop, ms, panic_of, settle, virtual_run, yield_now};

fn says<T>(result: Result<T, impl Into<Error>>, message: &str) {
    match result {
        Ok(_) => panic!("no error, where this was expected: {message}"),
        Err(error) => assert_eq!(error.into().to_string(), message),
    }
}

fn off_the_loop(what: &str) -> String {
    format!(
        "no running event loop: waiting for {what} needs one on this thread, so call it from inside `run`"
    )
}

#[test]
fn run_inside_run_says_who_called_it_and_what_to_do() -> Result<()> {
    virtual_run(|| {
        let line = line!() + 1;
        let error = run(|| Ok(())).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "an event loop runs on this thread already ({}:{line}:21): call the function as \
                 it is, every function can wait; or run the other loop on a thread of its own",
                file!(),
            ),
        );
        let mut runner = Runner::new()?;
        assert!(runner.run(|| Ok(())).is_err());
        let seen = Rc::new(RefCell::new(None));
        let saw = Rc::clone(&seen);
        get_running_loop()?.call_soon(move || *saw.borrow_mut() = Some(run(|| Ok(()))));
        yield_now()?;
        let in_callback = seen.take().expect("the callback ran");
        assert!(in_callback.unwrap_err().downcast_ref::<corio::AlreadyRunning>().is_some());
        Ok(())
    })
}

#[test]
fn whatever_must_wait_off_the_loop_says_that_there_is_none() {
    says(sleep(ms(1)), &off_the_loop("time to pass"));
    says(sleep(ms(0)), &off_the_loop("time to pass"));
    let lock = Lock::new(());
    let _guard = lock.lock().expect("a free lock needs no loop");
    says(lock.lock().map(drop), &off_the_loop("a lock"));
    says(Event::new().wait(), &off_the_loop("an event"));
    let (_promise, future) = create_future::<()>();
    says(future.wait(), &off_the_loop("a future"));
    says(task_group(|_| Ok(())), &off_the_loop("the tasks of a group"));
    says(gather([|| Ok(())]), &off_the_loop("the members of a gather"));
    says(timeout(ms(1), || Ok(())), &off_the_loop("a timeout"));
    says(current_task(), &off_the_loop("the current task"));
    says(get_running_loop(), &off_the_loop("the running loop"));
    says(TcpListener::bind("127.0.0.1:0"), &off_the_loop("a connection"));
    let error = sleep(ms(1)).unwrap_err();
    assert!(error.downcast_ref::<NoRunningLoop>().is_some());
}

#[test]
fn a_task_created_off_the_loop_is_born_failed() {
    let log = Log::new();
    let captured = log.on_drop("closure dropped");
    let task = create_task(move || {
        let _captured = captured;
        Ok(())
    });
    assert_eq!(log.take(), ["closure dropped"]);
    assert!(task.done() && !task.cancel());
    assert_eq!(task.name(), "(never made)");
    says(task.wait(), &off_the_loop("a new task"));
}

#[test]
fn a_task_that_cannot_end_any_more_says_so_off_the_loop() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let task = runner.run(|| Ok(create_task(|| sleep(ms(1)))))?;
    says(task.wait(), &off_the_loop("a task"));
    Ok(())
}

#[test]
fn binding_a_used_port_names_the_address() -> Result<()> {
    virtual_run(|| {
        let first = TcpListener::bind("127.0.0.1:0")?;
        let address = first.local_addr()?;
        let error = TcpListener::bind(address).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let message = error.to_string();
        assert!(message.starts_with(&format!("cannot listen at {address}: ")), "{message}");
        Ok(())
    })
}

#[test]
fn a_refused_connection_names_the_address() -> Result<()> {
    virtual_run(|| {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // and it is closed again
        let error = TcpStream::connect(address).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let message = error.to_string();
        assert!(message.starts_with(&format!("cannot connect to {address}: ")), "{message}");
        says(TcpStream::connect(&[][..]), "[] stands for no address");
        Ok(())
    })
}

#[test]
fn a_panic_resurfaces_in_who_waits_with_its_payload() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| -> Result<()> { std::panic::panic_any(42_u8) });
        let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task.wait()))
            .map(drop)
            .unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&42_u8));
        let task = create_task(|| -> Result<()> { panic!("after {} steps", 3) });
        assert_eq!(panic_of(|| task.wait()), "after 3 steps");
        Ok(())
    })
}

#[test]
fn a_panic_that_is_looked_at_names_the_task() -> Result<()> {
    virtual_run(|| {
        let options = corio::TaskOptions::new().name("digger");
        let task = corio::create_task_with(options, || -> Result<()> { panic!("hit a pipe") });
        yield_now()?;
        let error = task.exception()?.cloned().expect("it failed");
        assert_eq!(error.to_string(), "task 'digger' panicked: hit a pipe");
        let panicked = error.downcast_ref::<Panicked>().expect("a panic");
        assert_eq!((panicked.task(), panicked.message()), ("digger", "hit a pipe"));
        assert_eq!(panic_of(|| task.wait()), "hit a pipe");
        Ok(())
    })
}

#[test]
fn a_task_that_waits_for_itself_is_told_so() -> Result<()> {
    virtual_run(|| {
        let slot = Rc::new(RefCell::new(None::<Task<'static, ()>>));
        let own = Rc::clone(&slot);
        let outcome = Rc::new(RefCell::new(None));
        let note = Rc::clone(&outcome);
        *slot.borrow_mut() = Some(create_task(move || {
            let own = own.take().expect("it is there");
            *note.borrow_mut() = Some(own.wait());
            Ok(())
        }));
        settle()?;
        let error = outcome.take().expect("it ran").unwrap_err();
        assert_eq!(error.to_string(), "task 'Task-2' cannot wait for itself");
        assert!(matches!(error.downcast_ref(), Some(CannotAwait::Itself(_))));
        Ok(())
    })
}

#[test]
fn a_task_of_another_loop_cannot_be_waited_for() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let task = runner.run(|| Ok(create_task(|| sleep(ms(1)))))?;
    let result = virtual_run(|| task.wait());
    says(result, "task 'Task-2' belongs to another event loop");
    Ok(())
}

#[test]
fn a_socket_of_another_loop_cannot_be_waited_for() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let listener = runner.run(|| Ok(TcpListener::bind("127.0.0.1:0")?))?;
    let result = virtual_run(|| Ok(listener.accept().map(drop)?));
    says(result, "this socket belongs to another event loop: make it on the loop that uses it");
    says(listener.accept().map(drop), &off_the_loop("a connection"));
    Ok(())
}

#[test]
fn a_callback_cannot_wait_and_is_told_what_to_do() -> Result<()> {
    virtual_run(|| {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let saw = Rc::clone(&seen);
        let (promise, future) = create_future::<()>();
        let task = create_task(yield_now);
        get_running_loop()?.call_soon(move || {
            let mut saw = saw.borrow_mut();
            let mut note = |what: &'static str, result: Result<()>| {
                saw.push((what, result.unwrap_err().to_string()));
            };
            note("time to pass", sleep(ms(1)));
            note("time to pass", sleep(ms(0)));
            note("an event", Event::new().wait());
            note("a future", future.wait());
            note("a task", task.wait());
            note("the tasks of a group", task_group(|_| Ok(())));
            note("the members of a gather", gather([|| Ok(())]).map(drop));
            note("a timeout", timeout(ms(1), || Ok(())));
            note("the current task", current_task().map(drop));
        });
        yield_now()?;
        drop(promise);
        assert_eq!(seen.borrow().len(), 9);
        for (what, message) in seen.borrow().iter() {
            let expected = format!(
                "cannot wait for {what} in a callback of the event loop: create a task there \
                 instead"
            );
            assert_eq!(*message, expected);
        }
        Ok(())
    })
}

#[test]
fn waiting_in_a_destructor_while_a_panic_unwinds_is_an_error_and_not_an_abort() -> Result<()> {
    virtual_run(|| {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let saw = Rc::clone(&seen);
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let task = create_task(move || -> Result<()> {
            let _late = OnDrop(move || {
                let (_promise, future) = create_future::<()>();
                let results = [
                    sleep(ms(1)),
                    sleep(ms(0)),
                    Event::new().wait(),
                    future.wait(),
                    create_task(|| Ok(())).wait(),
                    task_group(|_| Ok(())),
                    gather([|| Ok(())]).map(drop),
                    listener.accept().map(drop).map_err(Error::from),
                ];
                saw.borrow_mut().extend(results.map(|result| result.map_err(|e| e.to_string())));
            });
            panic!("ouch")
        });
        assert_eq!(panic_of(|| task.wait()), "ouch");
        assert_eq!(seen.borrow().len(), 8);
        for result in seen.borrow().iter() {
            let message = result.as_ref().unwrap_err();
            assert!(message.starts_with("cannot wait for "), "{message}");
            assert!(message.ends_with(" while a panic unwinds this task"), "{message}");
        }
        // The others never noticed.
        assert!(!std::thread::panicking());
        sleep(ms(1))
    })
}

#[test]
fn a_dropped_promise_ends_the_wait_for_its_future() -> Result<()> {
    virtual_run(|| {
        let (promise, future) = create_future::<()>();
        let task = create_task(move || future.wait());
        settle()?;
        drop(promise);
        let error = task.wait().unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&BrokenPromise));
        assert_eq!(
            error.to_string(),
            "the promise was dropped: nobody is left who could complete this future",
        );
        Ok(())
    })
}

#[test]
fn a_future_that_is_asked_too_early_or_completed_twice_says_so() -> Result<()> {
    let (promise, future) = create_future();
    says(future.result(), "the result is not there yet: wait for it, or ask `done()` first");
    says(future.exception(), "the result is not there yet: wait for it, or ask `done()` first");
    promise.set_result(1)?;
    says(
        promise.set_result(2),
        "the future is done already: its result was set before, or it was cancelled",
    );
    assert_eq!(promise.set_result(3), Err(InvalidState::Done));
    Ok(())
}
