//! Coroutine objects, and what else can be awaited.

#![expect(clippy::unit_arg, reason = "`Ok(log.note(…))` is what a short body does")]

use std::cell::Cell;
use std::rc::Rc;

use corio::{
    Awaitable, AwaitableFuture, Result, coroutine, create_task, gather, get_running_loop, shield,
    sleep, task_group, timeout, wait_for,
};
use corio_tests::{Log, ms, now, virtual_run, yield_now};

#[test]
fn nothing_runs_before_it_is_awaited() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let lazy = coroutine(|| {
            log.note("runs");
            Ok(5)
        });
        yield_now()?;
        assert!(log.take().is_empty());
        assert_eq!(lazy.wait()?, 5);
        assert_eq!(log.take(), ["runs"]);
        drop(coroutine(|| Ok(log.note("never"))));
        yield_now()?;
        assert!(log.take().is_empty());
        Ok(())
    })
}

#[test]
fn it_runs_in_the_task_that_awaits_it() -> Result<()> {
    virtual_run(|| {
        let statistics = || get_running_loop().map(|event_loop| event_loop.statistics());
        let (steps, made) = (statistics()?.steps, statistics()?.tasks_made);
        let name = coroutine(|| Ok(corio::current_task()?.name())).wait()?;
        assert_eq!(name, corio::current_task()?.name());
        assert_eq!((statistics()?.steps, statistics()?.tasks_made), (steps, made));
        Ok(())
    })
}

#[test]
fn it_can_be_made_a_task_or_gathered_or_run_in_a_group() -> Result<()> {
    virtual_run(|| {
        let after = |n: u64| coroutine(move || sleep(ms(n)).map(|()| n));
        let began = now();
        let task = create_task(after(3).into_fn());
        assert_eq!(gather((after(2), || Ok("closure"), task))?, (2, "closure", 3));
        assert_eq!(now() - began, ms(3));
        let sum = Cell::new(0);
        let (sum, after) = (&sum, &after);
        task_group(|group| {
            for n in 1..=3 {
                let adding = coroutine(move || {
                    let n = after(n).wait()?;
                    Ok(sum.set(sum.get() + n))
                });
                group.create_task(adding.into_fn());
            }
            Ok(())
        })?;
        assert_eq!(sum.get(), 6);
        Ok(())
    })
}

#[test]
fn a_limit_and_a_shield_apply_to_coroutines() -> Result<()> {
    virtual_run(|| {
        let slow = || coroutine(|| sleep(ms(10)).map(|()| 7));
        assert!(wait_for(slow(), ms(5)).unwrap_err().is_timeout());
        assert_eq!(wait_for(slow(), ms(50))?, 7);

        let saved = Rc::new(Cell::new(false));
        let in_task = Rc::clone(&saved);
        let saving = coroutine(move || {
            sleep(ms(10))?;
            in_task.set(true);
            Ok(())
        });
        assert!(timeout(ms(5), || shield(saving)).unwrap_err().is_timeout());
        sleep(ms(10))?;
        assert!(saved.get(), "it went on");
        Ok(())
    })
}

#[test]
fn anything_that_knows_how_to_wait_can_be_awaited() -> Result<()> {
    struct Ticket(u64);
    impl Awaitable for Ticket {
        type Output = String;
        fn wait(self) -> Result<String> {
            sleep(ms(self.0))?;
            Ok(format!("number {}", self.0))
        }
    }
    virtual_run(|| {
        assert_eq!(Ticket(3).wait()?, "number 3");
        assert_eq!(wait_for(Ticket(3), ms(5))?, "number 3");
        assert!(wait_for(Ticket(30), ms(5)).unwrap_err().is_timeout());
        let foreign = coroutine(|| std::future::ready(5).wait());
        assert_eq!(wait_for(foreign, ms(5))?, 5);
        Ok(())
    })
}
