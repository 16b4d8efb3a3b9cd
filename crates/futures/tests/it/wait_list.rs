//! The wait list: first in, first out; nobody stays in it who has left; no wake-up is lost unseen.

use std::cell::RefCell;
use std::rc::Rc;

use corio_futures::WaitList;
use corio_futures::contract::{Parker, Wait};
use proptest::prelude::*;

use crate::mini_loop::{Log, Loop, Task, with_loop};

fn waiter(event_loop: &Rc<Loop>, list: &Rc<WaitList>, log: &Log, name: String) -> Rc<Task> {
    let (list, log) = (Rc::clone(list), log.clone());
    event_loop.spawn(move || match list.wait(&Wait::new("a test")) {
        Ok(()) => log.note(name),
        Err(interrupted) => {
            assert!(interrupted.error.is_cancelled());
            let notified = if interrupted.notified { "though notified" } else { "unnotified" };
            log.note(format!("{name} cancelled {notified}"));
        }
    })
}

fn three(event_loop: &Rc<Loop>, list: &Rc<WaitList>, log: &Log) -> [Rc<Task>; 3] {
    let tasks = ["a", "b", "c"].map(|name| waiter(event_loop, list, log, name.to_owned()));
    event_loop.run();
    assert_eq!(list.len(), 3);
    tasks
}

#[test]
fn each_notification_wakes_the_one_that_has_waited_longest() {
    with_loop(|event_loop| {
        let (list, log) = (Rc::new(WaitList::new()), Log::default());
        assert!(!list.notify_one() && list.notify_all() == 0, "nobody is there");
        three(event_loop, &list, &log);
        assert!(list.notify_one());
        assert_eq!(list.len(), 2, "it has left the list before it runs");
        event_loop.run();
        assert_eq!(log.take(), ["a"]);
        assert!(list.notify_one() && list.notify_one() && !list.notify_one());
        event_loop.run();
        assert_eq!(log.take(), ["b", "c"]);
        assert!(list.is_empty());
    });
}

#[test]
fn a_notification_of_all_wakes_those_who_wait_now_in_order() {
    with_loop(|event_loop| {
        let (list, log) = (Rc::new(WaitList::new()), Log::default());
        three(event_loop, &list, &log);
        assert_eq!(list.notify_all(), 3);
        waiter(event_loop, &list, &log, "late".to_owned());
        event_loop.run();
        assert_eq!(log.take(), ["a", "b", "c"]);
        assert_eq!(list.len(), 1);
        list.notify_all();
        event_loop.run();
    });
}

#[test]
fn a_cancelled_waiter_is_unlinked_wherever_it_stands() {
    for cancelled in 0..3 {
        with_loop(|event_loop| {
            let (list, log) = (Rc::new(WaitList::new()), Log::default());
            let tasks = three(event_loop, &list, &log);
            tasks[cancelled].cancel();
            event_loop.run();
            assert_eq!(list.len(), 2);
            assert_eq!(list.notify_all(), 2);
            event_loop.run();
            let mut expected = ["a", "b", "c"].to_vec();
            let name = expected.remove(cancelled);
            expected.insert(0, "");
            let log = log.take();
            assert_eq!(log[0], format!("{name} cancelled unnotified"));
            assert_eq!(log[1..], expected[1..]);
        });
    }
}

#[test]
fn who_is_cancelled_after_the_notification_is_told_of_both() {
    with_loop(|event_loop| {
        let (list, log) = (Rc::new(WaitList::new()), Log::default());
        let tasks = three(event_loop, &list, &log);
        list.notify_one();
        tasks[0].cancel();
        event_loop.run();
        assert_eq!(log.take(), ["a cancelled though notified"]);
        // In the other order, as long as the task has not run.
        tasks[1].cancel();
        list.notify_one();
        event_loop.run();
        assert_eq!(log.take(), ["b cancelled though notified"]);
        assert_eq!(list.len(), 1);
    });
}

#[test]
fn a_task_that_is_cancelled_before_it_waits_is_never_in_the_list() {
    with_loop(|event_loop| {
        let (list, log) = (Rc::new(WaitList::new()), Log::default());
        waiter(event_loop, &list, &log, "a".to_owned()).cancel();
        event_loop.run();
        assert_eq!(log.take(), ["a cancelled unnotified"]);
        assert!(list.is_empty());
    });
}

#[test]
fn a_wake_up_without_notification_leaves_the_task_where_it_stands() {
    with_loop(|event_loop| {
        let (list, log) = (Rc::new(WaitList::new()), Log::default());
        let tasks = three(event_loop, &list, &log);
        for task in tasks.iter().rev() {
            task.unpark();
        }
        event_loop.run();
        assert!(log.take().is_empty());
        list.notify_all();
        event_loop.run();
        assert_eq!(log.take(), ["a", "b", "c"]);
    });
}

#[test]
fn a_waiter_that_is_unwound_is_unlinked() {
    for unwound in 0..3 {
        with_loop(|event_loop| {
            let (list, log) = (Rc::new(WaitList::new()), Log::default());
            let tasks = three(event_loop, &list, &log);
            tasks[unwound].unwind();
            assert_eq!(list.len(), 2);
            assert_eq!(list.notify_all(), 2);
            event_loop.run();
            assert_eq!(log.take().len(), 2);
        });
    }
}

#[test]
fn one_task_may_wait_again_and_again() {
    with_loop(|event_loop| {
        let (list, log) = (Rc::new(WaitList::new()), Log::default());
        let (in_task, noted) = (Rc::clone(&list), log.clone());
        let task = event_loop.spawn(move || {
            for round in 0..5 {
                in_task.wait(&Wait::new("a test")).expect("nobody cancels");
                noted.note(round.to_string());
            }
        });
        while !task.is_done() {
            event_loop.run();
            list.notify_one();
        }
        assert_eq!(log.take(), ["0", "1", "2", "3", "4"]);
    });
}

#[test]
fn off_the_loop_nobody_can_wait() {
    let interrupted = WaitList::new().wait(&Wait::new("a test")).unwrap_err();
    assert!(!interrupted.notified && !interrupted.error.is_cancelled());
}

#[derive(Clone, Debug)]
enum Operation {
    /// A new task, which has not run yet.
    Wait,
    NotifyOne,
    NotifyAll,
    Cancel(usize),
    Unwind(usize),
    WakeWithoutCause(usize),
    Step(usize),
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        3 => Just(Operation::Wait),
        2 => Just(Operation::NotifyOne),
        1 => Just(Operation::NotifyAll),
        2 => (0..12_usize).prop_map(Operation::Cancel),
        1 => (0..12_usize).prop_map(Operation::Unwind),
        1 => (0..12_usize).prop_map(Operation::WakeWithoutCause),
        6 => (0..12_usize).prop_map(Operation::Step),
    ];
    prop::collection::vec(operation, 0..80)
}

/// What the model knows of a task.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    New,
    Linked,
    Notified,
    Ended,
}

/// The list as a plain vector, and the queue of what is ready.
#[derive(Debug, Default)]
struct Model {
    list: Vec<usize>,
    ready: Vec<usize>,
    states: Vec<State>,
    cancelled: Vec<bool>,
    log: Vec<String>,
}

impl Model {
    fn make_ready(&mut self, task: usize) {
        let ended = self.states[task] == State::Ended;
        if !ended && !self.ready.contains(&task) {
            self.ready.push(task);
        }
    }

    fn notify_one(&mut self) -> bool {
        if self.list.is_empty() {
            return false;
        }
        let task = self.list.remove(0);
        self.states[task] = State::Notified;
        self.make_ready(task);
        true
    }

    fn step(&mut self, which: usize) {
        if self.ready.is_empty() {
            return;
        }
        let task = self.ready.remove(which % self.ready.len());
        let state = self.states[task];
        if state == State::Ended {
            return;
        }
        if self.cancelled[task] {
            let notified = if state == State::Notified { "though notified" } else { "unnotified" };
            self.log.push(format!("{task} cancelled {notified}"));
            self.end(task);
        } else if state == State::Notified {
            self.log.push(task.to_string());
            self.end(task);
        } else if state == State::New {
            self.states[task] = State::Linked;
            self.list.push(task);
        }
    }

    fn end(&mut self, task: usize) {
        self.list.retain(|waiting| *waiting != task);
        self.states[task] = State::Ended;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The list does what a plain vector would, whatever is done to it and in whatever order the
    /// tasks run.
    #[test]
    fn a_wait_list_agrees_with_its_model(operations in operations()) {
        with_loop(|event_loop| {
            let (list, log) = (Rc::new(WaitList::new()), Log::default());
            let tasks = RefCell::new(Vec::<Rc<Task>>::new());
            let task = |index: usize| tasks.borrow().get(index).cloned();
            let mut model = Model::default();
            for operation in operations {
                match operation {
                    Operation::Wait => {
                        let index = tasks.borrow().len();
                        let made = waiter(event_loop, &list, &log, index.to_string());
                        tasks.borrow_mut().push(made);
                        model.states.push(State::New);
                        model.cancelled.push(false);
                        model.ready.push(index);
                    }
                    Operation::NotifyOne => {
                        prop_assert_eq!(list.notify_one(), model.notify_one());
                    }
                    Operation::NotifyAll => {
                        let waiting = model.list.len();
                        prop_assert_eq!(list.notify_all(), waiting);
                        while model.notify_one() {}
                    }
                    Operation::Cancel(index) => {
                        if let Some(task) = task(index) {
                            task.cancel();
                            model.cancelled[index] = true;
                            model.make_ready(index);
                        }
                    }
                    Operation::Unwind(index) => {
                        if let Some(task) = task(index) {
                            task.unwind();
                            model.end(index);
                        }
                    }
                    Operation::WakeWithoutCause(index) => {
                        if let Some(task) = task(index) {
                            task.unpark();
                            model.make_ready(index);
                        }
                    }
                    Operation::Step(which) => {
                        event_loop.step(which);
                        model.step(which);
                    }
                }
                prop_assert_eq!(list.len(), model.list.len());
                prop_assert_eq!(log.take(), std::mem::take(&mut model.log));
            }
            // Whoever is left is found, in order.
            while model.notify_one() {}
            list.notify_all();
            while !model.ready.is_empty() {
                model.step(0);
                while model.notify_one() {}
            }
            loop {
                event_loop.run();
                if list.notify_all() == 0 {
                    break;
                }
            }
            let (mut real, mut expected) = (log.take(), model.log);
            real.sort();
            expected.sort();
            prop_assert_eq!(real, expected);
            Ok(())
        })?;
    }
}
