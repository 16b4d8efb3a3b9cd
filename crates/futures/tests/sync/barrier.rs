//! Barriers: cycles of filling and draining, and what breaks them.

use std::cell::RefCell;
use std::rc::Rc;

use corio_futures::{Barrier, BrokenBarrier, NoParties};
use proptest::prelude::*;

use crate::mini_loop::{Log, Loop, Task, with_loop};

type Shared = Rc<Barrier>;

fn barrier(parties: usize) -> Shared {
    Rc::new(Barrier::new(parties).expect("there are parties"))
}

fn party(event_loop: &Rc<Loop>, barrier: &Shared, log: &Log, name: &'static str) -> Rc<Task> {
    let (barrier, log) = (Rc::clone(barrier), log.clone());
    event_loop.spawn(move || match barrier.wait() {
        Ok(index) => log.note(format!("{name}{index}")),
        Err(error) if error.is_cancelled() => log.note(format!("{name} cancelled")),
        Err(error) => {
            assert!(error.downcast_ref::<BrokenBarrier>().is_some());
            log.note(format!("{name} broken"));
        }
    })
}

fn sorted(log: &Log) -> Vec<String> {
    let mut log = log.take();
    log.sort();
    log
}

#[test]
fn a_barrier_for_nobody_is_refused() {
    assert_eq!(Barrier::new(0).map(drop), Err(NoParties));
}

#[test]
fn a_barrier_for_one_never_waits() {
    let barrier = barrier(1); // no loop: a wait would be an error
    for _ in 0..3 {
        assert_eq!(barrier.wait().expect("no wait"), 0);
    }
    assert_eq!(barrier.n_waiting(), 0);
    assert!(self::barrier(2).wait().is_err(), "this would have to wait");
}

#[test]
fn all_leave_together_with_different_numbers_and_the_last_does_not_wait() {
    with_loop(|event_loop| {
        let (barrier, log) = (barrier(3), Log::default());
        for (n, name) in ["a", "b"].into_iter().enumerate() {
            party(event_loop, &barrier, &log, name);
            event_loop.run();
            assert_eq!(barrier.n_waiting(), n + 1);
        }
        assert!(log.take().is_empty());
        party(event_loop, &barrier, &log, "c");
        event_loop.step(0);
        assert_eq!(log.take(), ["c2"]);
        event_loop.run();
        assert_eq!(log.take(), ["a0", "b1"]);
        assert_eq!((barrier.n_waiting(), barrier.parties(), barrier.broken()), (0, 3, false));
    });
}

#[test]
fn a_barrier_serves_cycle_after_cycle() {
    with_loop(|event_loop| {
        let (barrier, log) = (barrier(2), Log::default());
        for name in ["a", "b"] {
            let (barrier, log) = (Rc::clone(&barrier), log.clone());
            event_loop.spawn(move || {
                for round in 0..3 {
                    let index = barrier.wait().expect("nobody breaks it");
                    log.note(format!("{round}:{name}{index}"));
                }
            });
        }
        event_loop.run();
        let log = sorted(&log);
        assert_eq!(log.len(), 6);
        for (round, pair) in log.chunks(2).enumerate() {
            assert!(pair.iter().all(|event| event.starts_with(&format!("{round}:"))));
            let indices: Vec<_> = pair.iter().map(|event| event.chars().last()).collect();
            assert_ne!(indices[0], indices[1]);
        }
    });
}

#[test]
fn who_comes_while_it_drains_waits_for_the_next_cycle() {
    with_loop(|event_loop| {
        let (barrier, log) = (barrier(2), Log::default());
        party(event_loop, &barrier, &log, "a");
        event_loop.run();
        for name in ["b", "c", "d"] {
            party(event_loop, &barrier, &log, name);
        }
        event_loop.step(0); // b fills it
        assert_eq!(log.take(), ["b1"]);
        assert!(format!("{barrier:?}").contains("Draining") && barrier.n_waiting() == 0);
        event_loop.step(0); // c comes before a has left
        assert_eq!(
            format!("{barrier:?}"),
            "Barrier { parties: 2, state: Draining, waiting: 0, .. }"
        );
        event_loop.run();
        assert_eq!(sorted(&log), ["a0", "c0", "d1"].map(str::to_owned).to_vec());
    });
}

#[test]
fn a_cancelled_waiter_frees_its_place() {
    with_loop(|event_loop| {
        let (barrier, log) = (barrier(2), Log::default());
        let task = party(event_loop, &barrier, &log, "a");
        event_loop.run();
        task.cancel();
        event_loop.run();
        assert_eq!((log.take(), barrier.n_waiting()), (vec!["a cancelled".to_owned()], 0));
        party(event_loop, &barrier, &log, "b");
        event_loop.run();
        assert!(log.take().is_empty());
        let unwound = party(event_loop, &barrier, &log, "c");
        event_loop.run();
        assert!(unwound.is_done());
        assert_eq!(sorted(&log), ["b0", "c1"]);
    });
}

#[test]
fn who_is_cancelled_when_released_does_not_hold_the_others_up() {
    with_loop(|event_loop| {
        let (barrier, log) = (barrier(3), Log::default());
        let tasks = ["a", "b"].map(|name| party(event_loop, &barrier, &log, name));
        event_loop.run();
        party(event_loop, &barrier, &log, "c");
        event_loop.step(0);
        tasks[0].cancel();
        event_loop.run();
        assert_eq!(log.take(), ["c2", "a cancelled", "b1"]);
        assert!(format!("{barrier:?}").contains("Filling"));
    });
}

#[test]
fn the_last_to_come_is_one_alone_even_if_others_left() {
    with_loop(|event_loop| {
        let (barrier, log) = (barrier(3), Log::default());
        let tasks = ["a", "b"].map(|name| party(event_loop, &barrier, &log, name));
        event_loop.run();
        tasks[0].cancel();
        for name in ["c", "d"] {
            party(event_loop, &barrier, &log, name);
        }
        event_loop.run();
        assert_eq!(log.take(), ["a cancelled", "d2", "b1", "c1"]);
    });
}

#[test]
fn a_waiter_that_is_unwound_frees_its_place() {
    with_loop(|event_loop| {
        let (barrier, log) = (barrier(2), Log::default());
        let task = party(event_loop, &barrier, &log, "a");
        event_loop.run();
        task.unwind();
        assert_eq!(barrier.n_waiting(), 0);
        for name in ["b", "c"] {
            party(event_loop, &barrier, &log, name);
        }
        event_loop.run();
        assert_eq!(sorted(&log), ["b0", "c1"]);
    });
}

#[test]
fn a_reset_breaks_those_who_wait_and_nobody_else() {
    with_loop(|event_loop| {
        let (barrier, log) = (barrier(3), Log::default());
        for name in ["a", "b"] {
            party(event_loop, &barrier, &log, name);
        }
        event_loop.run();
        barrier.reset();
        assert!(!barrier.broken() && barrier.n_waiting() == 0);
        party(event_loop, &barrier, &log, "c"); // the next cycle
        event_loop.run();
        assert_eq!(log.take(), ["a broken", "b broken"]);
        assert_eq!(barrier.n_waiting(), 1);
        for name in ["d", "e"] {
            party(event_loop, &barrier, &log, name);
        }
        event_loop.run();
        assert_eq!(sorted(&log), ["c0", "d1", "e2"]);
        barrier.reset(); // nobody is there: nothing happens
        party(event_loop, &barrier, &log, "f");
        event_loop.run();
        assert_eq!(barrier.n_waiting(), 1);
    });
}

/// A barrier for two that drains, with `a` inside still and `c` outside.
fn half_drained(event_loop: &Rc<Loop>, log: &Log) -> Shared {
    let barrier = barrier(2);
    party(event_loop, &barrier, log, "a");
    event_loop.run();
    for name in ["b", "c"] {
        party(event_loop, &barrier, log, name);
    }
    event_loop.step(0);
    // `a` was woken by `b` and stands behind `c`, which is stepped now.
    event_loop.step(0);
    assert_eq!(log.take(), ["b1"]);
    barrier
}

#[test]
fn a_reset_while_it_drains_breaks_those_inside_and_keeps_those_outside() {
    with_loop(|event_loop| {
        let log = Log::default();
        let barrier = half_drained(event_loop, &log);
        barrier.reset();
        event_loop.run();
        assert_eq!(log.take(), ["a broken"]);
        assert_eq!(barrier.n_waiting(), 1, "c is in the next cycle");
        party(event_loop, &barrier, &log, "d");
        event_loop.run();
        assert_eq!(sorted(&log), ["c0", "d1"]);
    });
}

#[test]
fn an_abort_while_it_drains_breaks_all() {
    with_loop(|event_loop| {
        let log = Log::default();
        let barrier = half_drained(event_loop, &log);
        barrier.abort();
        event_loop.run();
        assert_eq!(sorted(&log), ["a broken", "c broken"]);
        assert!(barrier.broken());
    });
}

#[test]
fn an_abort_breaks_present_and_future_waiters_until_the_reset() {
    with_loop(|event_loop| {
        let (barrier, log) = (barrier(2), Log::default());
        party(event_loop, &barrier, &log, "a");
        event_loop.run();
        barrier.abort();
        assert!(barrier.broken() && barrier.n_waiting() == 0);
        party(event_loop, &barrier, &log, "b");
        event_loop.run();
        assert_eq!(log.take(), ["a broken", "b broken"]);
        assert!(barrier.broken(), "for as long as nobody resets it");
        barrier.reset();
        for name in ["c", "d"] {
            party(event_loop, &barrier, &log, name);
        }
        event_loop.run();
        assert_eq!(sorted(&log), ["c0", "d1"]);
    });
}

#[test]
fn an_abort_and_a_reset_in_one_go_break_those_inside_and_no_more() {
    with_loop(|event_loop| {
        let (barrier, log) = (barrier(2), Log::default());
        party(event_loop, &barrier, &log, "a");
        event_loop.run();
        barrier.abort();
        barrier.reset();
        party(event_loop, &barrier, &log, "b");
        event_loop.run();
        assert_eq!(log.take(), ["a broken"]);
        assert_eq!(barrier.n_waiting(), 1);
    });
}

#[derive(Clone, Debug)]
enum Operation {
    Step(usize),
    Cancel(usize),
    Unwind(usize),
    Reset,
    Abort,
}

fn schedule(disturbed: bool) -> impl Strategy<Value = Vec<Operation>> {
    let step = || (0..16_usize).prop_map(Operation::Step);
    let operation = if disturbed {
        prop_oneof![
            20 => step(),
            4 => (0..8_usize).prop_map(Operation::Cancel),
            2 => (0..8_usize).prop_map(Operation::Unwind),
            1 => Just(Operation::Reset),
            1 => Just(Operation::Abort),
        ]
        .boxed()
    } else {
        step().boxed()
    };
    prop::collection::vec(operation, 0..120)
}

/// Tasks that wait over and over; gives how often each number was given, and checks that whoever
/// is left waits inside.
fn run_cycles(parties: usize, tasks: usize, rounds: usize, schedule: Vec<Operation>) -> Vec<usize> {
    with_loop(|event_loop| {
        let barrier = barrier(parties);
        let given = Rc::new(RefCell::new(vec![0; parties]));
        let tasks: Vec<_> = (0..tasks)
            .map(|_| {
                let (barrier, given) = (Rc::clone(&barrier), Rc::clone(&given));
                event_loop.spawn(move || {
                    for _ in 0..rounds {
                        if let Ok(index) = barrier.wait() {
                            given.borrow_mut()[index] += 1;
                        }
                    }
                })
            })
            .collect();
        for operation in schedule {
            match operation {
                Operation::Step(which) => {
                    event_loop.step(which);
                }
                Operation::Cancel(index) => {
                    if let Some(task) = tasks.get(index) {
                        task.cancel();
                    }
                }
                Operation::Unwind(index) => {
                    if let Some(task) = tasks.get(index) {
                        task.unwind();
                    }
                }
                Operation::Reset => barrier.reset(),
                Operation::Abort => barrier.abort(),
            }
            assert!(barrier.n_waiting() < parties);
        }
        event_loop.run();
        let left = tasks.iter().filter(|task| !task.is_done()).count();
        assert_eq!(left, barrier.n_waiting(), "somebody waits outside for ever");
        assert!(barrier.n_waiting() < parties);
        let given = given.take();
        barrier.abort();
        event_loop.run();
        assert!(tasks.iter().all(|task| task.is_done()));
        given
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Undisturbed, each number is given once a cycle, and as many cycles are completed as can be.
    #[test]
    fn every_cycle_gives_every_number_once(
        parties in 1..5_usize,
        times in 1..4_usize,
        rounds in 1..4_usize,
        schedule in schedule(false),
    ) {
        let given = run_cycles(parties, parties * times, rounds, schedule);
        let cycles = given[0];
        prop_assert!(given.iter().all(|count| *count == cycles), "{given:?}");
        // Near the end so few tasks may be left that they do not fill it.
        prop_assert!(cycles >= rounds && cycles <= rounds * times);
        if times == 1 {
            prop_assert_eq!(cycles, rounds);
        }
    }

    /// Whatever disturbs it, nobody is left behind.
    #[test]
    fn nobody_is_left_behind_whatever_happens(
        parties in 1..5_usize,
        tasks in 1..8_usize,
        schedule in schedule(true),
    ) {
        run_cycles(parties, tasks, 3, schedule);
    }
}
