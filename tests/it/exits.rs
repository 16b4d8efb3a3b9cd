//! Waits on stacks within stacks: each leaves by the exit of the task that runs it, or says that it cannot.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use corio::{
    CannotWait, Event, Result, Runner, TaskOptions, create_task, create_task_with, sleep, timeout,
};
use corio_coroutine::{Coroutine, CoroutineState};
use corio_tests::{Log, OnDrop, ms, settle, virtual_run};

fn is_elsewhere(ended: Result<()>) -> bool {
    matches!(ended.unwrap_err().downcast_ref(), Some(CannotWait::Elsewhere(_)))
}

/// Runs `main` twice, the second time in debug mode.
fn both_ways(main: impl Fn() -> Result<()>) -> Result<()> {
    virtual_run(&main)?;
    Runner::with_virtual_clock()?.debug(true).run(&main)
}

#[test]
fn stacks_of_others_are_not_suspended_but_the_tasks_around_them_can_be() -> Result<()> {
    type Foreign = corosensei::Coroutine<(), (), ()>;
    both_ways(|| {
        let event = Rc::new(Event::new());
        let asked = Rc::clone(&event);
        let mut foreign = Foreign::new(move |yielder, ()| {
            for _ in 0..2 {
                assert!(is_elsewhere(asked.wait()));
                assert!(is_elsewhere(sleep(ms(1))));
                let asked = Rc::clone(&asked);
                let mut within =
                    Coroutine::<(), (), bool>::new(move |_, ()| is_elsewhere(asked.wait()));
                assert_eq!(within.resume(()), CoroutineState::Complete(true));
                yielder.suspend(());
            }
        });
        foreign.resume(());
        let again = create_task(move || {
            foreign.resume(());
            foreign.resume(());
            Ok(foreign.done())
        });
        assert!(timeout(ms(1), || event.wait()).unwrap_err().is_timeout());
        assert!(again.wait()?);
        event.set();
        event.wait()
    })
}

/// Waits in vain when it is dropped, and notes why that is.
struct Waits<'a>(&'a Event, Log);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.1.note(match self.0.wait() {
            Ok(()) => "waited".to_owned(),
            Err(error) => error.to_string(),
        });
    }
}

#[test]
fn a_coroutine_that_is_unwound_waits_where_it_has_caught_that_and_not_before() -> Result<()> {
    both_ways(|| {
        let log = Log::new();
        let event = Rc::new(Event::new());
        let (waited_for, noted) = (Rc::clone(&event), log.clone());
        let mut unwound = Coroutine::<(), (), ()>::new(move |co, ()| {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let _waits = Waits(&waited_for, noted.clone());
                co.yield_(());
            }));
            // The task that drops the coroutine stands in the drop.
            let waited = waited_for.wait();
            noted.note(format!("caught {}, then {waited:?}", caught.is_err()));
        });
        assert_eq!(unwound.resume(()), CoroutineState::Yielded(()));
        let drops = create_task(move || {
            drop(unwound);
            Ok(())
        });
        settle()?;
        assert!(!drops.done());
        event.set();
        drops.wait()?;
        let refused = CannotWait::Unwinding("an event").to_string();
        assert_eq!(log.take(), [refused.as_str(), "caught true, then Ok(())"]);
        Ok(())
    })
}

#[test]
fn a_wait_in_a_tower_of_coroutines_is_one_of_the_task_below_them() -> Result<()> {
    fn tower(height: usize, event: &Rc<Event>, log: &Log) -> Result<()> {
        if height == 0 {
            return event.wait();
        }
        let (event, log) = (Rc::clone(event), log.clone());
        let mut floor = Coroutine::<(), (), Result<()>>::new(move |co, ()| {
            let _left = OnDrop(|| log.note(format!("left {height}")));
            co.yield_(());
            tower(height - 1, &event, &log)
        });
        floor.resume(());
        match floor.resume(()) {
            CoroutineState::Complete(ended) => ended,
            CoroutineState::Yielded(()) => unreachable!("it yields once"),
        }
    }
    both_ways(|| {
        let log = Log::new();
        let event = Rc::new(Event::new());
        let task = |eager| {
            let (event, log) = (Rc::clone(&event), log.clone());
            create_task_with(TaskOptions::new().eager(eager), move || tower(3, &event, &log))
        };
        let tasks = [task(false), task(true), task(true)];
        settle()?;
        assert!(log.take().is_empty());
        tasks[1].cancel();
        event.set();
        let ended = tasks.map(|task| task.wait().map_err(|error| error.is_cancelled()));
        assert_eq!(ended, [Ok(()), Err(true), Ok(())]);
        assert_eq!(log.take(), ["left 1", "left 2", "left 3"].repeat(3));
        Ok(())
    })
}
