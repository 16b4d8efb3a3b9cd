//! Events.

use std::rc::Rc;

use corio_futures::Event;

use crate::mini_loop::{Log, Loop, Task, with_loop};

fn waiter(event_loop: &Rc<Loop>, event: &Rc<Event>, log: &Log, name: &'static str) -> Rc<Task> {
    let (event, log) = (Rc::clone(event), log.clone());
    event_loop.spawn(move || match event.wait() {
        Ok(()) => log.note(name),
        Err(error) => log.note(format!("{name} {error}")),
    })
}

#[test]
fn an_event_wakes_all_in_the_order_in_which_they_came() {
    with_loop(|event_loop| {
        let (event, log) = (Rc::new(Event::new()), Log::default());
        let tasks = ["a", "b", "c"].map(|name| waiter(event_loop, &event, &log, name));
        event_loop.run();
        assert!(log.take().is_empty() && !event.is_set());
        event.set();
        assert!(log.take().is_empty(), "waking is not running");
        event_loop.run();
        assert_eq!(log.take(), ["a", "b", "c"]);
        assert!(tasks.iter().all(|task| task.is_done()));
    });
}

#[test]
fn who_waited_goes_on_even_if_the_event_is_cleared_at_once() {
    with_loop(|event_loop| {
        let (event, log) = (Rc::new(Event::new()), Log::default());
        waiter(event_loop, &event, &log, "early");
        event_loop.run();
        event.set();
        event.clear();
        let late = waiter(event_loop, &event, &log, "late");
        event_loop.run();
        assert_eq!(log.take(), ["early"]);
        assert!(!late.is_done());
        event.set();
        event.set(); // twice is once
        event_loop.run();
        assert_eq!(log.take(), ["late"]);
    });
}

#[test]
fn a_wake_up_without_cause_does_not_end_the_wait() {
    with_loop(|event_loop| {
        use corio_futures::contract::Parker;
        let (event, log) = (Rc::new(Event::new()), Log::default());
        let task = waiter(event_loop, &event, &log, "woken");
        for _ in 0..3 {
            event_loop.run();
            task.unpark();
        }
        event_loop.run();
        assert!(log.take().is_empty());
        event.set();
        event_loop.run();
        assert_eq!(log.take(), ["woken"]);
    });
}

#[test]
fn a_cancelled_waiter_leaves_and_the_others_stay() {
    with_loop(|event_loop| {
        let (event, log) = (Rc::new(Event::new()), Log::default());
        let tasks = ["a", "b", "c"].map(|name| waiter(event_loop, &event, &log, name));
        event_loop.run();
        tasks[1].cancel();
        event_loop.run();
        assert_eq!(log.take(), ["b cancelled"]);
        event.set();
        tasks[2].cancel(); // woken as well: the cancellation wins
        event_loop.run();
        assert_eq!(log.take(), ["a", "c cancelled"]);
    });
}

#[test]
fn a_set_event_is_waited_for_without_a_loop() {
    let event = Event::new();
    assert!(event.wait().is_err());
    event.set();
    assert!(event.wait().is_ok());
}
