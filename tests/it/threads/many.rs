//! Many threads at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use corio::{Result, all_tasks, create_task, get_running_loop, run, sleep};
use corio_tests::{ms, yield_now};
use proptest::prelude::*;

/// What a thread does with a loop.
#[derive(Clone, Copy, Debug)]
enum Step {
    Call,
    CallAndTakeBack,
    Task,
    TaskAndCancel,
    /// A task that is not waited for.
    Detach,
    Pause,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::{Call, CallAndTakeBack, Detach, Pause, Task, TaskAndCancel};
    prop::sample::select(vec![Call, CallAndTakeBack, Task, TaskAndCancel, Detach, Pause])
}

/// What was handed in, and what came of it.
#[derive(Default)]
struct Tally {
    calls: AtomicUsize,
    tasks: AtomicUsize,
}

/// Does as it is told; says how many calls and tasks are to run.
fn script(
    event_loop: &corio::LoopHandle,
    steps: &[Step],
    tally: &Arc<Tally>,
) -> Result<[usize; 2]> {
    let [mut calls, mut tasks] = [0, 0];
    let call = || {
        let tally = Arc::clone(tally);
        move || {
            tally.calls.fetch_add(1, Ordering::Relaxed);
        }
    };
    let task = || {
        let tally = Arc::clone(tally);
        move || {
            yield_now()?;
            Ok(tally.tasks.fetch_add(1, Ordering::Relaxed))
        }
    };
    for step in steps {
        match step {
            Step::Call => {
                event_loop.call_soon_threadsafe(call())?;
                calls += 1;
            }
            Step::CallAndTakeBack => {
                let call = event_loop.call_soon_threadsafe(call())?;
                calls += usize::from(!call.cancel());
            }
            Step::Task => {
                event_loop.run_coroutine_threadsafe(task())?.wait()?;
                tasks += 1;
            }
            Step::TaskAndCancel => {
                let task = event_loop.run_coroutine_threadsafe(task())?;
                task.cancel();
                tasks += usize::from(task.wait().is_ok());
            }
            Step::Detach => {
                drop(event_loop.run_coroutine_threadsafe(task())?);
                tasks += 1;
            }
            Step::Pause => thread::yield_now(),
        }
    }
    Ok([calls, tasks])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_that_threads_hand_in_is_lost_or_done_twice(
        scripts in prop::collection::vec(prop::collection::vec(step(), 0..40), 1..4),
    ) {
        let tally = Arc::new(Tally::default());
        let counted = Arc::clone(&tally);
        let expected = run(move || {
            let jobs = scripts.into_iter().map(|steps| {
                let (event_loop, tally) = (get_running_loop()?.handle(), Arc::clone(&tally));
                get_running_loop()?.run_in_executor(None, move || script(&event_loop, &steps, &tally))
            });
            let jobs = jobs.collect::<Result<Vec<_>>>()?;
            let mut expected = [0, 0];
            for job in jobs {
                let [calls, tasks] = job.wait()?;
                expected = [expected[0] + calls, expected[1] + tasks];
            }
            // Those who were detached.
            while all_tasks()?.len() > 1 {
                yield_now()?;
            }
            Ok(expected)
        });
        let done = [&counted.calls, &counted.tasks].map(|count| count.load(Ordering::Relaxed));
        prop_assert_eq!(done, expected.unwrap());
    }
}

#[test]
fn every_loop_knows_its_own_tasks() {
    const LOOPS: usize = 4;
    let start = Arc::new(Barrier::new(LOOPS));
    let threads: Vec<_> = (1..=LOOPS)
        .map(|count| {
            let start = Arc::clone(&start);
            thread::spawn(move || {
                run(|| {
                    start.wait();
                    for _ in 0..20 {
                        let tasks: Vec<_> = (0..count).map(|_| create_task(yield_now)).collect();
                        assert_eq!(all_tasks()?.len(), count + 1);
                        for task in tasks {
                            task.wait()?;
                        }
                        assert_eq!(all_tasks()?.len(), 1);
                    }
                    Ok(())
                })
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
}

#[test]
fn loops_call_one_another() -> Result<()> {
    // A message goes round a ring of loops, a task on each.
    fn pass(ring: &Arc<Vec<corio::LoopHandle>>, hops: usize) -> Result<usize> {
        if hops == 0 {
            return Ok(0);
        }
        let (next, handed_on) = (hops % ring.len(), Arc::clone(ring));
        let rest = ring[next].run_coroutine_threadsafe(move || pass(&handed_on, hops - 1))?;
        Ok(rest.wait()? + 1)
    }
    let (give, given) = std::sync::mpsc::channel();
    let (stop, stops): (Vec<_>, Vec<_>) = (0..3).map(|_| std::sync::mpsc::channel::<()>()).unzip();
    let threads: Vec<_> = stops
        .into_iter()
        .map(|stopped| {
            let give = give.clone();
            thread::spawn(move || {
                run(|| {
                    give.send(get_running_loop()?.handle())?;
                    drop(give);
                    let _ = corio::to_thread(move || Ok(stopped.recv()));
                    sleep(ms(0))
                })
            })
        })
        .collect();
    let ring: Arc<Vec<_>> = Arc::new((0..3).map(|_| given.recv().unwrap()).collect());
    assert_eq!(pass(&ring, 60)?, 60);
    drop(ring);
    drop(stop);
    for thread in threads {
        thread.join().unwrap()?;
    }
    Ok(())
}
