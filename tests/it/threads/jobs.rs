//! `to_thread`, `run_in_executor` and the end of the default executor.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use corio::{
    CannotWait, Error, ExecutorShutDown, JobDropped, NoRunningLoop, Panicked, Result, ReturnWhen,
    Runner, Work, create_task, gather, get_running_loop, run, shield, sleep, timeout, to_thread,
    wait, wait_for,
};
use corio_tests::{Log, ms, panic_of, settle, virtual_run, yield_now};

use super::{count_drops, gate};

/// An executor that keeps its work until it is told to do it.
#[derive(Clone, Default)]
struct Desk(Rc<RefCell<Vec<Work>>>);

impl Desk {
    fn take(&self) -> Vec<Work> {
        self.0.take()
    }
}

impl corio::Executor for Desk {
    fn execute(&self, work: Work) {
        self.0.borrow_mut().push(work);
    }
}

#[test]
fn a_job_runs_on_another_thread_and_returns_its_value() -> Result<()> {
    let there = virtual_run(|| to_thread(|| Ok(thread::current().id())))?;
    assert_ne!(there, thread::current().id());
    Ok(())
}

#[test]
fn the_error_of_a_job_is_its_waiters() {
    let error = virtual_run(|| to_thread(|| Err::<(), _>(Error::msg("no")))).unwrap_err();
    assert_eq!(error.to_string(), "no");
}

#[test]
fn the_panic_of_a_job_resurfaces_in_its_waiter() {
    let panic = panic_of(|| virtual_run(|| to_thread::<(), _>(|| panic!("oh no"))));
    assert_eq!(panic, "oh no");
}

#[test]
fn the_panic_of_a_job_can_be_looked_at() -> Result<()> {
    virtual_run(|| {
        let job =
            get_running_loop()?.run_in_executor(None, || -> Result<()> { panic!("oh no") })?;
        let (done, _) = wait([&job], ReturnWhen::AllCompleted, None)?;
        assert_eq!(done.len(), 1);
        let error = job.exception()?.expect("it has panicked");
        assert_eq!(error.downcast_ref::<Panicked>().unwrap().message(), "oh no");
        Ok(())
    })
}

#[test]
fn off_the_loop_and_in_callbacks_no_job_is_made() -> Result<()> {
    let never = || -> Result<()> { unreachable!("nobody could wait for it") };
    let error = to_thread(never).unwrap_err();
    assert!(error.downcast_ref::<NoRunningLoop>().is_some());
    virtual_run(|| {
        let (tell, told) = std::sync::mpsc::channel();
        get_running_loop()?.call_soon(move || tell.send(to_thread(never).unwrap_err()).unwrap());
        yield_now()?;
        assert!(matches!(told.recv()?.downcast_ref(), Some(CannotWait::InCallback(_))));
        Ok(())
    })
}

#[test]
fn cancelling_the_waiter_takes_effect_at_once_and_the_job_goes_on() -> Result<()> {
    let (dropped, on_drop) = count_drops();
    virtual_run(|| {
        let (begin, begun) = gate();
        let (open, opened) = gate();
        let task = create_task(move || {
            to_thread(move || {
                begin.send(())?;
                opened.recv()?;
                Ok(on_drop)
            })
        });
        yield_now()?;
        begun.recv()?;
        task.cancel();
        assert!(task.wait().map(drop).unwrap_err().is_cancelled());
        assert_eq!(dropped.load(Ordering::Relaxed), 0, "the job has it still");
        open.send(())?;
        Ok(())
    })?;
    assert_eq!(dropped.load(Ordering::Relaxed), 1, "the end of the run waits for the job");
    Ok(())
}

#[test]
fn a_job_that_is_cancelled_before_it_begins_never_does() -> Result<()> {
    virtual_run(|| {
        let desk = Desk::default();
        let event_loop = get_running_loop()?;
        let (dropped, on_drop) = count_drops();
        let job = event_loop.run_in_executor(Some(&desk), move || {
            let _on_drop = on_drop;
            Err::<(), _>(Error::msg("it is cancelled before"))
        })?;
        assert!(job.cancel() && job.cancelled() && !job.cancel());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        for work in desk.take() {
            work();
        }
        settle()?;
        assert!(job.wait().unwrap_err().is_cancelled());

        // The same, by cancelling who waits for it.
        let (dropped, on_drop) = count_drops();
        event_loop.set_default_executor(desk.clone());
        let waiter = || to_thread(move || Ok(on_drop));
        assert!(timeout(ms(1), waiter).map(drop).unwrap_err().is_timeout());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        Ok(())
    })
}

#[test]
fn a_task_that_is_to_be_cancelled_makes_a_job_in_vain() -> Result<()> {
    virtual_run(|| {
        let desk = Desk::default();
        get_running_loop()?.set_default_executor(desk.clone());
        let (dropped, on_drop) = count_drops();
        let task = create_task(move || {
            corio::current_task()?.cancel();
            to_thread(move || Ok(on_drop))
        });
        assert!(task.wait().map(drop).unwrap_err().is_cancelled());
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        Ok(())
    })
}

#[test]
fn an_executor_that_drops_a_job_leaves_nobody_waiting() -> Result<()> {
    virtual_run(|| {
        let refuse = |work: Work| drop(work);
        let (dropped, on_drop) = count_drops();
        let job = get_running_loop()?.run_in_executor(Some(&refuse), move || Ok(on_drop))?;
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert_eq!(job.wait().map(drop).unwrap_err().downcast_ref(), Some(&JobDropped));
        Ok(())
    })
}

#[test]
fn more_jobs_than_asyncio_has_threads_run_at_once() -> Result<()> {
    run(|| {
        let all = Arc::new(Barrier::new(33));
        let members = (0..33).map(|_| {
            let all = Arc::clone(&all);
            || to_thread(move || Ok(all.wait().is_leader()))
        });
        let leaders = timeout(Duration::from_secs(30), || gather(members.collect::<Vec<_>>()))?;
        assert_eq!(leaders.into_iter().filter(|&leads| leads).count(), 1);
        Ok(())
    })
}

#[test]
fn an_executor_may_do_the_work_on_the_spot() -> Result<()> {
    virtual_run(|| {
        let on_the_spot = |work: Work| work();
        let job = get_running_loop()?.run_in_executor(Some(&on_the_spot), || Ok(42))?;
        assert!(!job.done(), "its loop has not heard of it");
        assert_eq!(job.wait()?, 42);
        Ok(())
    })
}

#[test]
fn a_job_can_be_waited_for_as_everything_can() -> Result<()> {
    run(|| {
        let event_loop = get_running_loop()?;
        assert_eq!(wait_for(event_loop.run_in_executor(None, || Ok(1))?, ms(60_000))?, 1);
        assert_eq!(shield(event_loop.run_in_executor(None, || Ok(2))?)?, 2);
        let job = event_loop.run_in_executor(None, || Ok(3))?;
        while !job.done() {
            sleep(ms(1))?;
        }
        assert_eq!((job.result()?, job.exception()?.is_none()), (&3, true));
        Ok(())
    })
}

#[test]
fn a_shielded_wait_for_a_job_leaves_the_job_alone() -> Result<()> {
    virtual_run(|| {
        let desk = Desk::default();
        let (begin, begun) = gate();
        let job = get_running_loop()?.run_in_executor(Some(&desk), move || Ok(begin.send(())?))?;
        assert!(timeout(ms(1), || shield(job)).unwrap_err().is_timeout());
        desk.take().into_iter().for_each(|work| work());
        Ok(begun.recv()?)
    })
}

#[test]
fn a_job_that_fails_and_that_nobody_waits_for_is_reported() -> Result<()> {
    let log = Log::new();
    run(|| {
        log.note_reports();
        drop(get_running_loop()?.run_in_executor(None, || Err::<(), _>(Error::msg("no")))?);
        sleep(ms(5))
    })?;
    assert_eq!(log.take(), ["a future failed and nobody asked why: no"]);
    Ok(())
}

#[test]
fn cancelling_a_job_of_a_closed_loop_touches_nothing() -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let desk = Desk::default();
    let there = desk.clone();
    let (run, was_run) = gate();
    let job = runner.run(move || {
        get_running_loop()?.run_in_executor(Some(&there), move || Ok(run.send(())?))
    })?;
    drop(runner);
    assert!(!job.cancel(), "it is done: the loop is gone");
    desk.take().into_iter().for_each(|work| work());
    was_run.recv()?;
    assert!(job.exception()?.is_some());
    Ok(())
}

#[test]
fn the_end_of_a_run_waits_for_jobs() -> Result<()> {
    for runner in [Runner::new, Runner::with_virtual_clock] {
        let ended = Arc::new(AtomicUsize::new(0));
        let end = Arc::clone(&ended);
        let mut runner = runner()?;
        runner.run(|| {
            let job = get_running_loop()?.run_in_executor(None, move || {
                thread::sleep(ms(3));
                end.store(1, Ordering::Release);
                Ok(())
            })?;
            drop(job);
            Ok(())
        })?;
        drop(runner);
        assert_eq!(ended.load(Ordering::Acquire), 1);
    }
    Ok(())
}

#[test]
fn a_job_may_ask_a_loop_for_a_task_while_that_is_closed() -> Result<()> {
    let (tell, told) = std::sync::mpsc::channel();
    run(|| {
        let event_loop = get_running_loop()?.handle();
        let (begin, begun) = gate();
        let job = get_running_loop()?.run_in_executor(None, move || {
            begin.send(())?;
            thread::sleep(ms(3));
            let task = event_loop.run_coroutine_threadsafe(|| Ok(42))?;
            drop(event_loop);
            tell.send(task.wait()?)?;
            Ok(())
        })?;
        drop(job);
        Ok(begun.recv()?)
    })?;
    assert_eq!(told.recv()?, 42);
    Ok(())
}

#[test]
fn a_job_that_does_not_end_is_reported_and_abandoned() -> Result<()> {
    for runner in [Runner::new, Runner::with_virtual_clock] {
        let log = Log::new();
        let (open, opened) = gate();
        let began = Instant::now();
        let line = line!() + 6;
        let mut runner = runner()?;
        runner.run(|| {
            log.note_reports();
            let event_loop = get_running_loop()?;
            let wait = move || Ok(opened.recv()?);
            let job = event_loop.run_in_executor(None, wait)?;
            event_loop.shutdown_default_executor(ms(2))?;
            let error = event_loop.run_in_executor(None, || Ok(())).unwrap_err();
            assert_eq!(error.downcast_ref(), Some(&ExecutorShutDown));
            open.send(())?;
            job.wait()
        })?;
        drop(runner);
        assert!(began.elapsed() >= ms(2) && began.elapsed() < Duration::from_secs(60));
        let place = format!("{}:{line}:34", file!());
        let report = format!(
            "a job was left behind in the default executor: it was made at {place} and has not \
             ended after 2ms"
        );
        assert_eq!(log.take(), [report]);
    }
    Ok(())
}

#[test]
fn shutting_the_default_executor_down_twice_is_no_harm() -> Result<()> {
    virtual_run(|| {
        let event_loop = get_running_loop()?;
        let sleep = || {
            thread::sleep(ms(2));
            Ok(())
        };
        drop(event_loop.run_in_executor(None, sleep)?);
        event_loop.shutdown_default_executor(Duration::from_secs(60))?;
        event_loop.shutdown_default_executor(Duration::ZERO)?;
        assert!(to_thread(|| Ok(())).is_err());
        // Others are no concern of it.
        let on_the_spot = |work: Work| work();
        event_loop.run_in_executor(Some(&on_the_spot), || Ok(()))?.wait()
    })
}
