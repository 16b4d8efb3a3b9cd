//! `call_soon_threadsafe`, and taking calls back.

use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use corio::{LoopClosed, LoopHandle, Queue, Result, Runner, get_running_loop, run};
use corio_tests::{Log, ms, settle, virtual_run, yield_now};

use super::{count_drops, event, gate, on_a_thread, set_event};

#[test]
fn a_call_from_another_thread_wakes_a_loop_that_sleeps() -> Result<()> {
    run(|| {
        let event_loop = get_running_loop()?.handle();
        let caller = thread::spawn(move || {
            thread::sleep(ms(2));
            event_loop.call_soon_threadsafe(set_event).map(drop)
        });
        event().wait()?;
        Ok(caller.join().unwrap()?)
    })
}

#[test]
fn the_calls_of_a_thread_keep_their_order() -> Result<()> {
    run(|| {
        let event_loop = get_running_loop()?.handle();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let made = Arc::clone(&calls);
        on_a_thread(move || {
            for i in 0..100 {
                let calls = Arc::clone(&calls);
                event_loop.call_soon_threadsafe(move || calls.lock().unwrap().push(i))?;
            }
            event_loop.call_soon_threadsafe(set_event)?;
            Ok(())
        })?;
        event().wait()?;
        assert!(made.lock().unwrap().iter().copied().eq(0..100));
        Ok(())
    })
}

#[test]
fn on_the_loops_own_thread_calls_are_in_line_with_call_soon() -> Result<()> {
    virtual_run(|| {
        let event_loop = get_running_loop()?;
        let calls = Arc::new(Mutex::new(Vec::new()));
        let call = |name| {
            let calls = Arc::clone(&calls);
            move || calls.lock().unwrap().push(name)
        };
        event_loop.call_soon(call("a"));
        event_loop.handle().call_soon_threadsafe(call("b"))?;
        event_loop.call_soon(call("c"));
        event_loop.handle().call_soon_threadsafe(call("d"))?;
        yield_now()?;
        assert_eq!(*calls.lock().unwrap(), ["a", "b", "c", "d"]);
        Ok(())
    })
}

#[test]
fn what_is_handed_in_before_the_loop_runs_comes_first() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    runner.handle().call_soon_threadsafe(move || counted.store(1, Ordering::Relaxed))?;
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    runner.run(|| {
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        Ok(())
    })
}

#[test]
fn a_call_that_is_taken_back_elsewhere_is_not_made() -> Result<()> {
    run(|| {
        let event_loop = get_running_loop()?.handle();
        let (dropped, on_drop) = count_drops();
        let call = event_loop.call_soon_threadsafe(move || {
            let _on_drop = &on_drop;
            unreachable!("it is taken back before the loop has a turn");
        })?;
        // This task keeps the loop from having one.
        let (first, second, is_cancelled) =
            thread::spawn(move || (call.cancel(), call.cancel(), call.is_cancelled()))
                .join()
                .unwrap();
        assert_eq!((first, second, is_cancelled), (true, false, true));
        assert_eq!(dropped.load(Ordering::Relaxed), 1, "at once");
        yield_now()
    })
}

#[test]
fn taking_back_a_call_that_runs_waits_until_it_has_returned() -> Result<()> {
    for look in [false, true] {
        run(|| {
            let event_loop = get_running_loop()?.handle();
            let (begin, begun) = gate();
            let returned = Arc::new(AtomicUsize::new(0));
            let set = Arc::clone(&returned);
            let call = event_loop.call_soon_threadsafe(move || {
                begin.send(()).unwrap();
                thread::sleep(ms(3));
                set.store(1, Ordering::Release);
            })?;
            let asked = on_a_thread(move || {
                begun.recv()?;
                let cancelled = if look { call.is_cancelled() } else { call.cancel() };
                Ok((cancelled, returned.load(Ordering::Acquire)))
            })?;
            assert_eq!(asked, (false, 1));
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_call_that_takes_itself_back_goes_on() -> Result<()> {
    run(|| {
        let event_loop = get_running_loop()?.handle();
        let (give, given) = std::sync::mpsc::channel::<corio::ThreadsafeCallHandle>();
        let (tell, told) = std::sync::mpsc::channel();
        let call = event_loop.call_soon_threadsafe(move || {
            let itself = given.recv().unwrap();
            tell.send((itself.cancel(), itself.is_cancelled())).unwrap();
        })?;
        give.send(call).unwrap();
        yield_now()?;
        assert_eq!(told.recv()?, (false, false));
        Ok(())
    })
}

/// Each call runs, on its own loop, and takes the other back.
#[test]
fn calls_that_take_back_one_another_do_not_wait_in_a_circle() {
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let (to_first, of_second) = std::sync::mpsc::channel::<corio::ThreadsafeCallHandle>();
    let (to_second, of_first) = std::sync::mpsc::channel::<corio::ThreadsafeCallHandle>();
    let threads = [(to_first, of_first), (to_second, of_second)].map(|(give, given)| {
        let barrier = Arc::clone(&barrier);
        thread::spawn(move || {
            run(|| {
                let in_call = Arc::clone(&barrier);
                let call = get_running_loop()?.handle().call_soon_threadsafe(move || {
                    in_call.wait();
                    assert!(!given.recv().unwrap().cancel(), "it runs");
                    in_call.wait();
                    set_event();
                })?;
                give.send(call).unwrap();
                event().wait()
            })
        })
    });
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
}

#[test]
fn a_call_that_panics_is_reported_and_the_loop_goes_on() -> Result<()> {
    let log = Log::new();
    virtual_run(|| {
        log.note_reports();
        let event_loop = get_running_loop()?.handle();
        let call = event_loop.call_soon_threadsafe(|| panic!("oh"))?;
        yield_now()?;
        assert!(!call.cancel() && !call.is_cancelled(), "it has ended");
        Ok(())
    })?;
    let reports = log.take();
    assert_eq!(reports, ["a callback of the event loop failed: task '(callback)' panicked: oh"]);
    Ok(())
}

#[test]
fn a_loop_that_is_closed_takes_no_calls_and_drops_those_it_has() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let event_loop = runner.handle();
    let token = Arc::new(());
    let call = || {
        let token = Arc::clone(&token);
        move || {
            let _token = &token;
            unreachable!("the loop is closed first");
        }
    };
    let waiting = event_loop.call_soon_threadsafe(call())?;
    runner.close();
    assert!(waiting.is_cancelled() && !waiting.cancel());
    assert_eq!(Arc::strong_count(&token), 1);

    assert!(event_loop.is_closed());
    assert_eq!(event_loop.call_soon_threadsafe(call()).unwrap_err(), LoopClosed);
    assert_eq!(event_loop.run_coroutine_threadsafe(|| Ok(())).unwrap_err(), LoopClosed);
    assert_eq!(Arc::strong_count(&token), 1);
    Ok(())
}

#[test]
fn a_call_that_the_loop_has_taken_in_but_not_made_is_dropped_too() -> Result<()> {
    /// Calls itself for as long as there is a loop to do so.
    fn again(event_loop: LoopHandle, token: Arc<()>) {
        assert_eq!(Arc::strong_count(&token), 2);
        let next = event_loop.clone();
        let _ = event_loop.call_soon_threadsafe(move || again(next, token));
    }
    let mut runner = Runner::with_virtual_clock()?;
    let token = Arc::new(());
    again(runner.handle(), Arc::clone(&token));
    runner.run(yield_now)?;
    assert_eq!(Arc::strong_count(&token), 2);
    drop(runner);
    assert_eq!(Arc::strong_count(&token), 1);
    Ok(())
}

#[test]
fn a_function_stays_on_its_loop_and_is_called_from_elsewhere() -> Result<()> {
    run(|| {
        let queue = Rc::new(Queue::unbounded());
        let feed = Rc::clone(&queue);
        let put = get_running_loop()?.threadsafe_function(move |item: u32| {
            feed.put_nowait(item).expect("it has no limit");
        });
        let feeders = [0, 100].map(|first| {
            let put = put.clone();
            thread::spawn(move || (first..first + 100).try_for_each(|i| put.call(i).map(drop)))
        });
        drop(put);
        let mut items = (0..200).map(|_| queue.get()).collect::<Result<Vec<_>>>()?;
        assert!(items.iter().filter(|item| **item < 100).is_sorted());
        items.sort_unstable();
        assert!(items.iter().copied().eq(0..200));
        for feeder in feeders {
            feeder.join().unwrap()?;
        }
        settle()?;
        assert_eq!(Rc::strong_count(&queue), 1, "nobody can call it any more");
        Ok(())
    })
}

#[test]
fn a_function_goes_with_its_loop() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let token = Rc::new(());
    let captured = Rc::clone(&token);
    let function = runner.run(|| {
        let event_loop = get_running_loop()?;
        Ok(event_loop.threadsafe_function(move |()| drop(Rc::clone(&captured))))
    })?;
    assert_eq!(Rc::strong_count(&token), 2);
    drop(runner);
    assert_eq!(Rc::strong_count(&token), 1);
    assert_eq!(function.call(()).unwrap_err(), LoopClosed);
    Ok(())
}
