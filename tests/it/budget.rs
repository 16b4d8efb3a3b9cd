//! What always finds something ready does not starve the others.

use std::cell::Cell;
use std::rc::Rc;

use corio::{
    Barrier, Event, Lock, Queue, Result, Semaphore, Task, create_future, create_task, task_group,
};
use corio_tests::{panic_of, virtual_run, yield_now};

const BUDGET: usize = corio_futures::contract::BUDGET as usize;

/// A task that counts its turns for as long as it gets any.
fn bystander() -> (Rc<Cell<usize>>, Task<'static, ()>) {
    let turns = Rc::new(Cell::new(0));
    let count = Rc::clone(&turns);
    let task = create_task(move || {
        loop {
            count.set(count.get() + 1);
            yield_now()?;
        }
    });
    (turns, task)
}

/// The turns of a third task while `wait`, which always finds what it wants, is called 10,000 times.
fn turns_beside(mut wait: impl FnMut() -> Result<()>) -> Result<usize> {
    virtual_run(|| {
        let (turns, bystander) = bystander();
        for _ in 0..10_000 {
            wait()?;
        }
        bystander.cancel();
        Ok(turns.get())
    })
}

#[test]
fn a_task_yields_after_128_waits_that_are_ready() -> Result<()> {
    const TURNS: usize = (10_000 - 1) / BUDGET;
    let (lock, semaphore, event) = (Lock::new(()), Semaphore::new(1), Event::new());
    event.set();
    let (queue, full, done) = (Queue::unbounded(), Queue::unbounded(), Queue::<()>::unbounded());
    (0..10_000).try_for_each(|item| full.put_nowait(item)).expect("it has no limit");
    let (promise, future) = create_future();
    promise.set_result(())?;
    let future = future.shared();
    let alone = Barrier::new(1)?;

    assert_eq!(turns_beside(|| lock.lock().map(drop))?, TURNS);
    assert_eq!(turns_beside(|| semaphore.acquire().map(drop))?, TURNS);
    assert_eq!(turns_beside(|| event.wait())?, TURNS);
    assert_eq!(turns_beside(|| Ok(queue.put(())?))?, TURNS);
    assert_eq!(turns_beside(|| full.get().map(drop))?, TURNS);
    assert_eq!(turns_beside(|| done.join())?, TURNS);
    assert_eq!(turns_beside(|| future.wait())?, TURNS);
    assert_eq!(turns_beside(|| alone.wait().map(drop))?, TURNS);
    Ok(())
}

#[test]
fn what_never_waits_is_not_charged() -> Result<()> {
    let (lock, queue) = (Lock::new(()), Queue::unbounded());
    let turns = turns_beside(|| {
        drop(lock.try_lock());
        queue.put_nowait(())?;
        Ok(queue.get_nowait()?)
    })?;
    assert_eq!(turns, 0);
    Ok(())
}

#[test]
fn a_producer_and_a_consumer_that_always_find_something_do_not_starve_a_third() -> Result<()> {
    virtual_run(|| {
        let (turns, bystander) = bystander();
        let queue = Queue::bounded(1_000_000);
        (0..1000).try_for_each(|item| queue.put_nowait(item))?;
        task_group(|group| {
            group.create_task(|| {
                for item in 1000..100_000 {
                    queue.put(item)?;
                }
                queue.shutdown();
                Ok(())
            });
            group.create_task(|| {
                for (expected, item) in queue.iter().enumerate() {
                    assert_eq!(item?, expected);
                }
                Ok(())
            });
            Ok(())
        })?;
        assert!(turns.get() >= 100_000 / BUDGET, "it had {} turns", turns.get());
        bystander.cancel();
        Ok(())
    })
}

#[test]
fn who_takes_a_lock_over_and_over_lets_others_have_it() -> Result<()> {
    virtual_run(|| {
        let lock = Rc::new(Lock::new(0));
        let others = Rc::clone(&lock);
        let other = create_task(move || {
            *others.lock()? = 1;
            Ok(())
        });
        let mut waits = 0;
        while *lock.lock()? == 0 {
            waits += 1;
        }
        assert_eq!(waits, BUDGET);
        other.wait()
    })
}

#[test]
fn a_cancellation_at_the_yield_comes_before_the_operation() -> Result<()> {
    virtual_run(|| {
        let queue = Rc::new(Queue::unbounded());
        let putting = Rc::clone(&queue);
        let putter = create_task(move || {
            for item in 0.. {
                if let Err(refused) = putting.put(item) {
                    assert!(refused.error.is_cancelled());
                    return Ok(refused.item);
                }
            }
            unreachable!("it is cancelled before it runs out of numbers")
        });
        yield_now()?;
        putter.cancel();
        let refused = putter.wait()?;
        assert_eq!(refused, BUDGET);
        assert_eq!(queue.len(), BUDGET, "what came back is not in the queue as well");
        Ok(())
    })
}

#[test]
fn a_ready_wait_works_where_no_task_could_yield() -> Result<()> {
    /// Takes a lock more often than a budget lasts.
    struct Busy;
    impl Drop for Busy {
        fn drop(&mut self) {
            let lock = Lock::new(0);
            for _ in 0..3 * BUDGET {
                *lock.lock().expect("it is free") += 1;
            }
        }
    }
    drop(Busy); // off the loop
    virtual_run(|| {
        let message = panic_of(|| {
            let _busy = Busy;
            panic!("on the way out");
        });
        assert_eq!(message, "on the way out");
        corio::get_running_loop()?.call_soon(|| drop(Busy));
        yield_now()
    })
}

#[test]
fn who_waits_for_a_task_that_is_done_over_and_over_lets_others_run() -> Result<()> {
    virtual_run(|| {
        let done = create_task(|| Ok(1)).shared();
        done.wait()?;
        let (turns, bystander) = bystander();
        for _ in 0..10_000 {
            done.wait()?;
        }
        bystander.cancel();
        assert!(turns.get() >= 10_000 / BUDGET - 1, "{turns:?}");
        Ok(())
    })
}
