//! Signals that come while a loop ends, between two, and to several at once.

use std::os::unix::process::ExitStatusExt;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use corio::signal::{SIGHUP, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2, Signals, raise};
use corio::{Event, Runner, create_task, get_running_loop, run, sleep};
use corio_tests::{Log, in_a_process, ms, settle, virtual_run};

/// What the process of a test has printed and how it ended, by a signal or well.
fn ended(name: &str, body: impl FnOnce()) -> Option<(String, Option<i32>)> {
    let output = in_a_process(name, body)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() || output.status.signal().is_some(), "{output:?}");
    Some((said, output.status.signal()))
}

#[test]
fn handlers_are_called_while_the_loop_cleans_up() {
    let name = "ends::handlers_are_called_while_the_loop_cleans_up";
    let ended = ended(name, || {
        let log = Log::new();
        let (in_handler, in_task) = (log.clone(), log.clone());
        let outcome = virtual_run(move || {
            get_running_loop()?.add_signal_handler(SIGTERM, move || in_handler.note("handler"))?;
            let cleanup = create_task(move || {
                let cancelled = sleep(ms(3_600_000)).unwrap_err();
                in_task.note("cleaning up");
                raise(SIGTERM)?;
                sleep(ms(1))?;
                in_task.note("clean");
                Err::<(), _>(cancelled)
            });
            drop(cleanup); // it runs on, until the loop ends it
            settle()
        });
        outcome.expect("it ends well");
        assert_eq!(log.take(), ["cleaning up", "handler", "clean"]);
    });
    assert!(ended.is_none_or(|(_, signal)| signal.is_none()));
}

#[test]
fn a_signal_is_waited_for_while_the_loop_cleans_up() {
    let name = "ends::a_signal_is_waited_for_while_the_loop_cleans_up";
    let ended = ended(name, || {
        let log = Log::new();
        let noting = log.clone();
        let outcome = virtual_run(move || {
            let signals = Signals::new([SIGHUP])?;
            let cleanup = create_task(move || {
                let cancelled = signals.wait().unwrap_err();
                assert!(cancelled.is_cancelled());
                raise(SIGHUP)?;
                noting.note(format!("{}", signals.wait()?));
                Err::<(), _>(cancelled)
            });
            drop(cleanup); // it runs on, until the loop ends it
            settle()
        });
        outcome.expect("it ends well");
        assert_eq!(log.take(), [SIGHUP.to_string()]);
    });
    assert!(ended.is_none_or(|(_, signal)| signal.is_none()));
}

/// It came while somebody listened, so it is not for the one who was there before.
#[test]
fn a_signal_that_comes_as_the_loop_closes_is_dropped_and_ends_nothing() {
    let name = "ends::a_signal_that_comes_as_the_loop_closes_is_dropped_and_ends_nothing";
    let ended = ended(name, || {
        let mut runner = Runner::with_virtual_clock().expect("there is room for a loop");
        let added = runner.run(|| {
            get_running_loop()?.add_signal_handler(SIGTERM, || panic!("the loop is closed"))
        });
        added.expect("it ends well");
        raise(SIGTERM).expect("there is such a signal");
        drop(runner);

        // Nor does the next loop hear of it.
        let next = virtual_run(|| {
            let event_loop = get_running_loop()?;
            event_loop.add_signal_handler(SIGTERM, || panic!("that was for another loop"))?;
            settle()
        });
        next.expect("it ends well");
    });
    assert!(ended.is_none_or(|(_, signal)| signal.is_none()));
}

#[test]
fn a_handler_that_ends_its_own_loop_ends_it_for_good() {
    let name = "ends::a_handler_that_ends_its_own_loop_ends_it_for_good";
    let ended = ended(name, || {
        for _ in 0..3 {
            let stopped = virtual_run(|| {
                let stop = Rc::new(Event::new());
                let stopping = Rc::clone(&stop);
                get_running_loop()?.add_signal_handler(SIGTERM, move || {
                    stopping.set();
                    raise(SIGTERM).expect("there is such a signal");
                })?;
                raise(SIGTERM)?;
                stop.wait()
            });
            stopped.expect("it ends well");
        }
        raise(SIGTERM).expect("there is such a signal");
    });
    assert!(ended.is_none_or(|(_, signal)| signal == Some(SIGTERM)), "nobody listens any more");
}

/// As long as one of them listens, the signal does not do what it did before; and the end of the one
/// is nothing to the other.
#[test]
fn of_two_loops_that_listen_either_may_end_first() {
    let name = "ends::of_two_loops_that_listen_either_may_end_first";
    let ended = ended(name, || {
        for stays in [0, 1] {
            let (ready, wait_until_ready) = mpsc::channel();
            let mut threads = Vec::new();
            let mut handles = Vec::new();
            for _ in 0..2 {
                let ready = ready.clone();
                let (heard, hear) = mpsc::channel();
                threads.push(thread::spawn(move || {
                    run(|| {
                        let end = Rc::new(Event::new());
                        let event_loop = get_running_loop()?;
                        event_loop.add_signal_handler(SIGTERM, move || {
                            heard.send(()).expect("somebody wants to know");
                        })?;
                        let ending = Rc::clone(&end);
                        let stop = event_loop.threadsafe_function(move |()| ending.set());
                        ready.send(stop).expect("somebody waits for it");
                        end.wait()
                    })
                }));
                handles.push((wait_until_ready.recv().expect("it gets there"), hear));
            }
            raise(SIGTERM).expect("there is such a signal");
            for (_, hear) in &handles {
                hear.recv().expect("both get it");
            }
            let mut threads: Vec<_> = threads.into_iter().map(Some).collect();
            for which in [1 - stays, stays] {
                raise(SIGTERM).expect("there is such a signal");
                handles[stays].1.recv().expect("whoever is left gets it");
                handles[which].0.call(()).expect("it runs");
                let thread = threads[which].take().expect("each ends once");
                thread.join().expect("no panic").expect("it ends well");
            }
        }
        raise(SIGTERM).expect("there is such a signal");
    });
    assert!(ended.is_none_or(|(_, signal)| signal == Some(SIGTERM)), "nobody listens any more");
}

/// Loops that come and go on two threads while a third sends signals without a pause. Somebody always
/// listens, so none of them ends the process; and none gets lost in a loop that has just begun.
#[test]
fn loops_come_and_go_under_a_hail_of_signals() {
    const ROUNDS: u32 = 100;
    let name = "ends::loops_come_and_go_under_a_hail_of_signals";
    let ended = ended(name, || {
        let heard = Arc::new(AtomicU32::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let kept = run(|| {
            get_running_loop()?.add_signal_handler(SIGUSR1, || {})?;
            let hail = thread::spawn({
                let over = Arc::clone(&over);
                move || {
                    while !over.load(Ordering::Relaxed) {
                        raise(SIGUSR1).expect("there is such a signal");
                    }
                }
            });
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let heard = Arc::clone(&heard);
                    thread::spawn(move || {
                        for _ in 0..ROUNDS {
                            let round = run(|| {
                                let event = Rc::new(Event::new());
                                let set = Rc::clone(&event);
                                get_running_loop()?
                                    .add_signal_handler(SIGUSR1, move || set.set())?;
                                event.wait()
                            });
                            round.expect("a signal comes");
                            heard.fetch_add(1, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            for thread in threads {
                corio::to_thread(move || {
                    thread.join().expect("no panic");
                    Ok(())
                })?;
            }
            over.store(true, Ordering::Relaxed);
            hail.join().expect("no panic");
            Ok(())
        });
        kept.expect("it ends well");
        assert_eq!(heard.load(Ordering::Relaxed), 2 * ROUNDS);
    });
    assert!(ended.is_none_or(|(_, signal)| signal.is_none()), "somebody always listened");
}

#[test]
fn without_a_loop_a_signal_does_what_it_did_before() {
    let name = "ends::without_a_loop_a_signal_does_what_it_did_before";
    let ended = ended(name, || {
        let mut runner = Runner::with_virtual_clock().expect("there is room for a loop");
        let heard = runner.run(|| {
            let signals = Signals::new([SIGUSR2])?;
            raise(SIGUSR2)?;
            signals.wait()
        });
        assert_eq!(heard.expect("it comes"), SIGUSR2);
        // The loop is still there, but nobody listens.
        raise(SIGUSR2).expect("there is such a signal");
    });
    assert!(ended.is_none_or(|(_, signal)| signal == Some(SIGUSR2)));
}

/// What a library does that is loaded by a program in C: nobody has ignored the signal.
#[test]
fn who_listens_to_sigpipe_gets_an_error_for_a_broken_pipe() {
    use std::io::{self, ErrorKind, Write};

    use corio::net::Async;

    let name = "ends::who_listens_to_sigpipe_gets_an_error_for_a_broken_pipe";
    let ended = ended(name, || {
        // SAFETY: the default action is no handler that could do harm.
        unsafe { libc::signal(SIGPIPE, libc::SIG_DFL) };
        let broken = run(|| {
            let event_loop = get_running_loop()?;
            event_loop.add_signal_handler(SIGPIPE, || {})?;
            let (reader, writer) = io::pipe()?;
            drop(reader);
            let error = Async::new(writer)?.write(b"x").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
            event_loop.remove_signal_handler(SIGPIPE);
            let (reader, writer) = io::pipe()?;
            drop(reader);
            Ok(Async::new(writer)?.write(b"x")?)
        });
        unreachable!("{broken:?}");
    });
    assert!(ended.is_none_or(|(_, signal)| signal == Some(SIGPIPE)));
}
