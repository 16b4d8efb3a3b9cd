//! Code of others that panics, suspends or asks for more where the loop is in the middle of something.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use corio::{
    Cancelled, ContextVar, Deadlock, Error, Result, Runner, SlowStep, capture_call_graph,
    create_task, current_task, get_running_loop, sleep, task_group, timeout,
};
use corio_futures::contract::{Parker, Wait, current_parker, park};
use corio_tests::{Log, OnDrop, ms, settle, virtual_run, yield_now};

/// What is waited for; describing it wakes who waits, and lets others run.
struct Nosy {
    name: String,
    waiter: Rc<dyn Parker>,
    log: Log,
}

impl fmt::Display for Nosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.waiter.unpark();
        for _ in 0..3 {
            yield_now().map_err(|_| fmt::Error)?;
        }
        self.log.note("described");
        f.write_str(&self.name)
    }
}

#[test]
fn a_task_does_not_leave_its_wait_while_that_is_described() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let in_task = log.clone();
        let task = create_task(move || {
            let waiter = current_parker("a look")?;
            let nosy = Nosy { name: "the moon".to_owned(), waiter, log: in_task.clone() };
            park(&Wait::new("a look at").which(&nosy))?;
            drop(nosy);
            in_task.note("went on");
            Ok(())
        });
        yield_now()?;
        let graph = capture_call_graph()?;
        assert!(graph.waits_for("Task-2").all(|wait| wait.starts_with("a look at the moon (")));
        task.wait()?;
        assert_eq!(log.take(), ["described", "went on"]);
        Ok(())
    })
}

struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no words")
    }
}

#[test]
fn a_deadlock_is_reported_although_a_wait_cannot_be_described() {
    let ended = virtual_run(|| park(&Wait::new("something").which(&Unspeakable)));
    let error = ended.expect_err("nobody wakes it");
    let deadlock = error.downcast_ref::<Deadlock>().expect("that is why");
    let waits: Vec<_> = deadlock.waits().collect();
    assert_eq!(waits.len(), 1);
    assert!(waits[0].1.starts_with("something ("), "{waits:?}");
}

/// Waits for what panics when it is told of a cancellation.
fn wait_touchily() -> Result<()> {
    let touchy = |_: &Cancelled| -> bool { panic!("do not touch") };
    park(&Wait::new("a touchy thing").on_cancel(&touchy))
}

fn reported(task: &str) -> String {
    format!(
        "a wait failed as a cancellation was passed on to it: task '{task}' panicked: do not touch"
    )
}

#[test]
fn a_timeout_ends_a_wait_that_panics_when_it_is_told() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        assert!(timeout(ms(5), wait_touchily).unwrap_err().is_timeout());
        assert_eq!(log.take(), [reported("Task-1")]);
        Ok(())
    })
}

#[test]
fn a_group_ends_a_wait_that_panics_when_it_is_told() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let ended = task_group(|group| {
            group.create_task(wait_touchily);
            group.create_task(|| Err::<(), _>(Error::msg("ouch")));
            sleep(ms(5))
        });
        assert!(ended.unwrap_err().to_string().ends_with("(1 error, first: ouch)"));
        assert_eq!(log.take(), [reported("Task-2")]);
        Ok(())
    })
}

#[test]
fn a_wait_that_panics_as_it_begins_is_interrupted_and_forgotten() -> Result<()> {
    let places = Rc::new(RefCell::new(Vec::new()));
    let reported = Rc::clone(&places);
    Runner::with_virtual_clock()?.debug(true).run(|| {
        let event_loop = get_running_loop()?;
        event_loop.set_exception_handler(move |report| {
            if let Some(step) = report.error().downcast_ref::<SlowStep>() {
                reported.borrow_mut().push(step.to_string());
            }
        });
        current_task()?.cancel();
        assert!(wait_touchily().unwrap_err().is_cancelled());
        current_task()?.uncancel();
        yield_now()?;
        event_loop.set_slow_callback_duration(Duration::ZERO);
        yield_now()?;
        event_loop.set_slow_callback_duration(ms(10_000));
        Ok(())
    })?;
    let begins = |step: &String| step.contains("from where it had let others run");
    let places = places.borrow();
    assert!(!places.is_empty() && places.iter().all(begins), "{places:?}");
    Ok(())
}

type Fuse = OnDrop<fn()>;

static BOUND: ContextVar<Rc<Fuse>> = ContextVar::local("bound");

fn bind_what_cannot_be_dropped() {
    BOUND.set(Rc::new(OnDrop(|| panic!("a bad end"))));
}

#[test]
fn a_value_of_a_callbacks_context_that_fails_to_be_dropped_is_reported() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        get_running_loop()?.call_soon(bind_what_cannot_be_dropped);
        settle()?;
        let reports = log.take();
        assert_eq!(reports.len(), 1);
        assert!(reports[0].ends_with("a bad end"), "{reports:?}");
        Ok(())
    })
}

#[test]
fn a_value_of_a_tasks_context_that_fails_to_be_dropped_is_reported() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        drop(create_task(|| {
            bind_what_cannot_be_dropped();
            Ok(())
        }));
        task_group(|group| {
            drop(group.create_task(|| {
                bind_what_cannot_be_dropped();
                Ok(())
            }));
            Ok(())
        })?;
        settle()?;
        let reports = log.take();
        assert_eq!(reports.len(), 2);
        assert!(reports.iter().all(|report| report.ends_with("a bad end")), "{reports:?}");
        Ok(())
    })
}

#[test]
fn a_callback_that_always_calls_itself_at_once_does_not_starve_others() -> Result<()> {
    fn again(calls: Rc<Cell<usize>>) {
        calls.set(calls.get() + 1);
        assert!(calls.get() < 1000, "nobody else runs");
        if let Ok(event_loop) = get_running_loop() {
            let past = event_loop.time() - ms(1000);
            event_loop.call_at(past, move || again(calls));
        }
    }
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let calls = Rc::new(Cell::new(0));
        again(Rc::clone(&calls));
        for _ in 0..10 {
            yield_now()?;
        }
        assert!((5..20).contains(&calls.get()), "{calls:?}");
        assert_eq!(log.take(), [""; 0]);
        Ok(())
    })
}

#[test]
fn a_call_that_is_due_and_has_not_begun_can_be_taken_back() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let event_loop = get_running_loop()?;
        let when = event_loop.time() + ms(1);
        let handle = Rc::new(RefCell::new(None::<corio::CallHandle>));
        let (other, first, second) = (Rc::clone(&handle), log.clone(), log.clone());
        event_loop.call_at(when, move || {
            let cancelled = other.borrow().as_ref().is_some_and(corio::CallHandle::cancel);
            first.note(format!("cancelled: {cancelled}"));
        });
        let later = event_loop.call_at(when, move || second.note("called"));
        handle.replace(Some(later.clone()));
        sleep(ms(2))?;
        assert_eq!(log.take(), ["cancelled: true"]);
        assert!(!later.cancel());
        Ok(())
    })
}
