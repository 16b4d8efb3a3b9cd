//! Futures of the async world on the loop, and tasks and futures of the loop in async code.

#![expect(clippy::unit_arg, reason = "`Ok(log.note(…))` is what a short body does")]

use std::cell::{Cell, RefCell};
use std::future::{self, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use corio::{
    AwaitableFuture, CannotAwait, Deadlock, Error, Event, InvalidState, Result, Runner,
    create_future, create_task, get_running_loop, sleep, timeout,
};
use corio_tests::{Log, OnDrop, ms, now, panic_of, virtual_run, yield_now};
use futures_lite::future::{or, zip};
use proptest::prelude::*;

/// Never ready, keeps its waker, and says when it is dropped.
struct Pending {
    wakers: Rc<RefCell<Vec<Waker>>>,
    _on_drop: OnDrop<Box<dyn FnMut()>>,
}

impl Future for Pending {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.wakers.borrow_mut().push(context.waker().clone());
        Poll::Pending
    }
}

fn pending(log: &Log) -> (Pending, Rc<RefCell<Vec<Waker>>>) {
    let (log, wakers) = (log.clone(), Rc::default());
    let on_drop: Box<dyn FnMut()> = Box::new(move || log.note("dropped"));
    (Pending { wakers: Rc::clone(&wakers), _on_drop: OnDrop(on_drop) }, wakers)
}

/// What any `async` code does with a future that it is given.
async fn awaiting<F: Future>(future: F) -> F::Output {
    future.await
}

/// Counts its wakes.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_future_that_is_ready_does_not_yield() -> Result<()> {
    virtual_run(|| {
        let steps = || get_running_loop().map(|event_loop| event_loop.statistics().steps);
        let before = steps()?;
        let five: u8 = future::ready(5).wait()?;
        assert_eq!((five, steps()?), (5, before));
        Ok(())
    })
}

#[test]
fn awaiting_off_the_loop_is_an_error() {
    let error = future::ready(5).wait().unwrap_err();
    assert!(error.downcast_ref::<corio::NoRunningLoop>().is_some(), "{error}");
}

#[test]
fn a_channel_of_the_async_world_connects_tasks() -> Result<()> {
    virtual_run(|| {
        let (sender, receiver) = async_channel::bounded(1);
        let producer = create_task(move || {
            for n in 0..5 {
                sleep(ms(1))?;
                sender.send(n).wait()??;
            }
            Ok(())
        });
        let mut received = Vec::new();
        while let Ok(n) = receiver.recv().wait()? {
            received.push(n);
        }
        assert_eq!(received, [0, 1, 2, 3, 4]);
        producer.wait()
    })
}

#[test]
fn another_thread_wakes_the_task() -> Result<()> {
    // In real time, as the thread knows no other.
    corio::run(|| {
        let (to_thread, in_thread) = async_channel::unbounded::<u32>();
        let (from_thread, back) = async_channel::unbounded();
        let worker = thread::spawn(move || {
            while let Ok(n) = in_thread.recv_blocking() {
                from_thread.send_blocking(n + 1).unwrap();
            }
        });
        let mut n = 0;
        for _ in 0..100 {
            to_thread.send(n).wait()??;
            n = back.recv().wait()??;
        }
        assert_eq!(n, 100);
        drop(to_thread);
        worker.join().unwrap();
        Ok(())
    })
}

#[test]
fn a_busy_loop_hears_other_threads_too() -> Result<()> {
    corio::run(|| {
        let (sender, receiver) = async_channel::bounded(1);
        let waiting = create_task(move || receiver.recv().wait());
        yield_now()?;
        let worker = thread::spawn(move || sender.send_blocking(7).unwrap());
        // Something is always ready, and no file descriptor is watched.
        while !waiting.done() {
            yield_now()?;
        }
        worker.join().unwrap();
        assert_eq!(waiting.wait()??, 7);
        Ok(())
    })
}

#[test]
fn a_future_that_asks_for_another_poll_at_once_lets_others_run() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let other = log.clone();
        let task = create_task(move || {
            for _ in 0..3 {
                other.note("other");
                yield_now()?;
            }
            Ok(())
        });
        let mut polls = 0;
        poll_fn(|context| {
            polls += 1;
            log.note("poll");
            context.waker().wake_by_ref();
            if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
        })
        .wait()?;
        task.wait()?;
        assert_eq!(log.take(), ["poll", "other", "poll", "other", "poll", "other"]);
        Ok(())
    })
}

#[test]
fn cancelling_the_task_drops_the_future() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let (future, wakers) = pending(&log);
        let in_task = log.clone();
        let task = create_task(move || {
            let error = future.wait().unwrap_err();
            in_task.note("interrupted");
            Err::<(), _>(error)
        });
        yield_now()?;
        task.cancel();
        assert!(task.wait().unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["dropped", "interrupted"]);
        for waker in wakers.take() {
            waker.wake(); // too late, and harmless
        }
        yield_now()
    })
}

#[test]
fn a_timeout_ends_the_wait_for_a_future() -> Result<()> {
    virtual_run(|| {
        let (_sender, receiver) = async_channel::bounded::<()>(1);
        let error = timeout(ms(5), || receiver.recv().wait()).unwrap_err();
        assert!(error.is_timeout());
        Ok(())
    })
}

#[test]
fn wakes_without_cause_and_after_the_end_change_nothing() -> Result<()> {
    virtual_run(|| {
        let wakers = Rc::new(RefCell::new(Vec::<Waker>::new()));
        let kept = Rc::clone(&wakers);
        let open = Rc::new(Cell::new(false));
        let is_open = Rc::clone(&open);
        let task = create_task(move || {
            poll_fn(|context| {
                kept.borrow_mut().push(context.waker().clone());
                if is_open.get() { Poll::Ready(()) } else { Poll::Pending }
            })
            .wait()?;
            sleep(ms(10))
        });
        yield_now()?;
        for _ in 0..3 {
            wakers.borrow()[0].wake_by_ref();
            yield_now()?;
        }
        assert_eq!(wakers.borrow().len(), 4, "polled once a wake");
        open.set(true);
        wakers.borrow()[0].wake_by_ref();
        yield_now()?;
        let asleep = now();
        wakers.borrow().iter().for_each(Waker::wake_by_ref); // it sleeps by now, and goes on to
        task.wait()?;
        assert_eq!(now() - asleep, ms(10));
        Ok(())
    })
}

#[test]
fn a_waker_outlives_its_loop() -> Result<()> {
    let log = Log::new();
    let (future, wakers) = pending(&log);
    virtual_run(|| {
        drop(create_task(move || future.wait()));
        yield_now()
    })?;
    assert_eq!(log.take(), ["dropped"]);
    let wakers: Vec<_> = wakers.take();
    let other = wakers[0].clone();
    wakers[0].wake_by_ref();
    thread::spawn(move || other.wake()).join().unwrap();
    Ok(())
}

#[test]
fn a_wake_between_two_runs_is_not_lost() -> Result<()> {
    let log = Log::new();
    let (sender, receiver) = async_channel::bounded(1);
    let mut runner = Runner::with_virtual_clock()?;
    runner.run(|| {
        let log = log.clone();
        drop(create_task(move || Ok(log.note(format!("got {}", receiver.recv().wait()??)))));
        yield_now()
    })?;
    thread::spawn(move || sender.send_blocking(3).unwrap()).join().unwrap();
    runner.run(|| sleep(ms(1)))?;
    assert_eq!(log.take(), ["got 3"]);
    Ok(())
}

#[test]
fn a_panic_of_a_poll_comes_out_of_the_wait() -> Result<()> {
    virtual_run(|| {
        let broken = async {
            futures_lite::future::yield_now().await;
            panic!("in the poll")
        };
        assert_eq!(panic_of(|| broken.wait()), "in the poll");
        sleep(ms(1))
    })
}

#[test]
fn code_inside_a_poll_may_wait_like_any_other() -> Result<()> {
    virtual_run(|| {
        let began = now();
        let slept = async { sleep(ms(5)).map(|()| now()) };
        assert_eq!(slept.wait()?? - began, ms(5));
        Ok(())
    })
}

#[test]
fn a_future_that_nobody_can_wake_is_a_deadlock() {
    let error = virtual_run(|| future::pending::<()>().wait()).unwrap_err();
    let deadlock = error.downcast_ref::<Deadlock>().expect("a deadlock");
    let (_, wait) = deadlock.waits().next().unwrap();
    assert!(wait.starts_with("a std future (tests/it/std_futures.rs"), "{wait}");
}

#[test]
fn always_ready_futures_do_not_starve_others() -> Result<()> {
    virtual_run(|| {
        let ran = Rc::new(Cell::new(false));
        let in_task = Rc::clone(&ran);
        let task = create_task(move || {
            in_task.set(true);
            Ok(())
        });
        for _ in 0..1000 {
            future::ready(()).wait()?;
        }
        assert!(ran.get());
        task.wait()
    })
}

#[test]
fn a_task_and_a_future_can_be_awaited_in_async_code() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            sleep(ms(5))?;
            Ok(20)
        });
        let (promise, future) = create_future();
        let later = create_task(move || {
            sleep(ms(3))?;
            Ok(promise.set_result(22)?)
        });
        let sum = async {
            let (left, right) = zip(task, future).await;
            Ok::<_, Error>(left? + right?)
        };
        let began = now();
        assert_eq!(sum.wait()??, 42);
        assert_eq!(now() - began, ms(5), "side by side");
        later.wait()
    })
}

#[test]
fn several_can_await_what_is_shared() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            sleep(ms(5))?;
            Ok(String::from("shared"))
        })
        .shared();
        let (promise, future) = create_future();
        let future = future.shared();
        let both = async {
            let (left, right) = zip(zip(&task, &task), zip(&future, &future)).await;
            Ok::<_, Error>([left.0?, left.1?, right.0?, right.1?].join(" "))
        };
        promise.set_result(String::from("now"))?;
        assert_eq!(both.wait()??, "shared shared now now");
        assert_eq!(task.wait()?, "shared", "the handle's own `wait` wins");
        Ok(())
    })
}

#[test]
fn the_loser_of_a_race_is_detached() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = log.clone();
        let slow = create_task(move || {
            sleep(ms(5))?;
            in_task.note("slow");
            Ok("slow")
        });
        let quick = create_task(|| sleep(ms(1)).map(|()| "quick"));
        assert_eq!(or(slow, quick).wait()??, "quick");
        assert!(log.take().is_empty());
        sleep(ms(10))?;
        assert_eq!(log.take(), ["slow"]);
        Ok(())
    })
}

#[test]
fn a_failure_and_a_panic_of_an_awaited_task_come_out() -> Result<()> {
    virtual_run(|| {
        let failing = create_task(|| Err::<(), _>(Error::msg("no")));
        assert_eq!(awaiting(failing).wait()?.unwrap_err().to_string(), "no");
        let panicking = create_task(|| -> Result<()> { panic!("broken") });
        assert_eq!(panic_of(|| awaiting(panicking).wait()), "broken");
        Ok(())
    })
}

#[test]
fn an_outcome_is_given_away_once() -> Result<()> {
    virtual_run(|| {
        let mut task = create_task(|| Ok(5));
        assert_eq!((&mut task).wait()??, 5);
        let again = (&mut task).wait()?.unwrap_err();
        assert_eq!(again.downcast_ref(), Some(&InvalidState::Taken));
        assert_eq!(task.result().unwrap_err().downcast_ref(), Some(&InvalidState::Taken));
        assert!(task.done());

        let (promise, mut future) = create_future();
        promise.set_result(5)?;
        assert_eq!((&mut future).wait()??, 5);
        let again = (&mut future).wait()?.unwrap_err();
        assert_eq!(again.downcast_ref(), Some(&InvalidState::Taken));
        Ok(())
    })
}

#[test]
fn a_task_that_polls_itself_is_told_so() -> Result<()> {
    virtual_run(|| {
        let slot = Rc::new(Cell::new(None::<corio::Task<'static, ()>>));
        let own = Rc::clone(&slot);
        let heard = Rc::new(RefCell::new(None));
        let hear = Rc::clone(&heard);
        slot.set(Some(create_task(move || {
            let me = own.take().expect("it was put there");
            hear.replace(me.into_future().now_or_never());
            Ok(())
        })));
        yield_now()?;
        let error = heard.take().expect("an answer at once").unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(CannotAwait::Itself(_))));
        Ok(())
    })
}

/// One poll, with a waker that does nothing.
trait NowOrNever: Future + Unpin + Sized {
    fn now_or_never(mut self) -> Option<Self::Output> {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut self).poll(&mut context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

impl<F: Future + Unpin> NowOrNever for F {}

#[test]
fn any_executor_of_the_thread_may_poll_a_task() -> Result<()> {
    virtual_run(|| {
        let mut task = create_task(|| sleep(ms(1)).map(|()| 5));
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&counter));
        for _ in 0..3 {
            let poll = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
            assert!(poll.is_pending());
        }
        sleep(ms(2))?;
        assert_eq!(counter.0.load(Ordering::SeqCst), 1, "known once, woken once");
        assert_eq!(task.now_or_never().transpose()?, Some(5));
        Ok(())
    })
}

#[test]
fn who_polls_is_woken_after_the_done_callbacks() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let task = create_task(|| Ok(5));
        let in_callback = log.clone();
        task.add_done_callback(move |_| in_callback.note("callback"))?;
        let five = awaiting(task);
        assert_eq!(five.wait()??, 5);
        assert_eq!(log.take(), ["callback"]);
        Ok(())
    })
}

#[test]
fn a_waker_that_panics_hurts_nobody() -> Result<()> {
    struct Explosive;
    impl Wake for Explosive {
        fn wake(self: Arc<Self>) {
            panic!("in the waker");
        }
    }
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let mut task = create_task(|| Ok(5));
        let waker = Waker::from(Arc::new(Explosive));
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(task.wait()?, 5);
        assert_eq!(log.take(), ["a waker failed: it panicked"]);
        Ok(())
    })
}

#[test]
fn waits_of_both_worlds_mix_in_one_task() -> Result<()> {
    virtual_run(|| {
        let (sender, receiver) = async_channel::unbounded();
        let event = Rc::new(Event::new());
        let set = Rc::clone(&event);
        let task = create_task(move || {
            let n: u32 = receiver.recv().wait()??;
            set.set();
            sleep(ms(n.into()))?;
            Ok(n)
        });
        sender.send(3).wait()??;
        event.wait()?;
        assert_eq!(awaiting(task).wait()??, 3);
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Tasks and threads hand numbers round; no wake-up is lost, whichever thread it comes from,
    /// whatever else the loop does.
    #[test]
    fn no_wake_up_is_lost(
        lanes in prop::collection::vec((1_usize..3, 1_u32..40, any::<bool>()), 1..6),
        busy in any::<bool>(),
    ) {
        let sum = corio::run(|| {
            let mut threads = Vec::new();
            let tasks: Vec<_> = lanes
                .iter()
                .map(|&(capacity, count, from_thread)| {
                    let (sender, receiver) = async_channel::bounded(capacity);
                    if from_thread {
                        threads.push(thread::spawn(move || {
                            (0..count).for_each(|n| sender.send_blocking(n).unwrap());
                        }));
                    } else {
                        drop(create_task(move || {
                            for n in 0..count {
                                sender.send(n).wait()??;
                            }
                            Ok(())
                        }));
                    }
                    create_task(move || {
                        let mut sum = 0;
                        while let Ok(n) = receiver.recv().wait()? {
                            sum += n;
                        }
                        Ok(sum)
                    })
                })
                .collect();
            let idler = create_task(move || -> Result<()> {
                if !busy {
                    return Ok(());
                }
                loop {
                    yield_now()?;
                }
            });
            let sums = timeout(std::time::Duration::from_secs(20), || corio::gather(tasks))?;
            idler.cancel();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            Ok(sums.into_iter().sum::<u32>())
        });
        let expected = lanes.iter().map(|(_, count, _)| count * (count - 1) / 2).sum::<u32>();
        prop_assert_eq!(sum.unwrap(), expected);
    }
}
