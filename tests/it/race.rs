//! Races whose candidates set out one after the other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use corio::{
    Cancelled, Error, Event, NoCandidates, Result, Runner, all_tasks, create_task, sleep,
    staggered_race, timeout,
};
use corio_tests::{Log, OnDrop, ms, now, panic_of, settle, virtual_run, yield_now};

/// A candidate that fails, or succeeds, after so many milliseconds.
#[derive(Clone, Copy)]
enum Plan {
    Fails(u64),
    Wins(u64),
}

/// Races the plans and says who won when, and how the others failed; or how all failed.
fn race(plans: &[Plan], delay: Option<Duration>) -> (u64, Result<(usize, usize)>, Vec<String>) {
    let raced = virtual_run(|| {
        let began = now();
        let candidates = plans.iter().map(|plan| {
            move || match *plan {
                Plan::Fails(after) => {
                    sleep(ms(after))?;
                    Err(Error::msg(format!("failed after {after}")))
                }
                Plan::Wins(after) => {
                    sleep(ms(after))?;
                    Ok(after as usize)
                }
            }
        });
        let result = staggered_race(candidates, delay);
        assert_eq!(all_tasks()?.len(), 1, "nobody is left");
        let took = u64::try_from((now() - began).as_millis()).expect("not that long");
        Ok(match result {
            Ok(winner) => {
                let losers = winner.losers.iter().map(|(index, error)| format!("{index}: {error}"));
                (took, Ok((winner.index, winner.value)), losers.collect())
            }
            Err(error) => {
                let group = error.group().expect("a group of errors");
                let errors = group.errors().iter().map(ToString::to_string).collect();
                (took, Err(error), errors)
            }
        })
    });
    raced.expect("the main task ends")
}

#[test]
fn the_only_candidate_that_is_needed_is_the_only_one_that_starts() {
    use Plan::{Fails, Wins};
    let (took, won, losers) = race(&[Wins(5), Fails(0)], Some(ms(10)));
    assert_eq!((took, won.unwrap(), losers), (5, (0, 5), vec![]));
}

#[test]
fn the_next_starts_after_the_delay_or_when_the_last_has_failed() {
    use Plan::{Fails, Wins};
    let (took, won, losers) = race(&[Fails(3), Wins(4), Wins(0)], Some(ms(10)));
    assert_eq!((took, won.unwrap()), (7, (1, 4)));
    assert_eq!(losers, ["0: failed after 3"]);

    let (took, won, losers) = race(&[Wins(100), Wins(20)], Some(ms(10)));
    assert_eq!((took, won.unwrap()), (30, (1, 20)));
    assert_eq!(losers, ["0: cancelled"]);

    // Candidate 0 fails when it is not the last any more: that starts nobody.
    let (took, won, losers) = race(&[Fails(11), Wins(50), Wins(1)], Some(ms(10)));
    assert_eq!((took, won.unwrap()), (21, (2, 1)));
    assert_eq!(losers, ["0: failed after 11", "1: cancelled"]);
}

#[test]
fn without_a_delay_the_candidates_take_turns() {
    use Plan::{Fails, Wins};
    let (took, won, losers) = race(&[Fails(30), Fails(20), Wins(10), Wins(0)], None);
    assert_eq!((took, won.unwrap()), (60, (2, 10)));
    assert_eq!(losers, ["0: failed after 30", "1: failed after 20"]);
}

#[test]
fn if_nobody_succeeds_all_errors_are_the_races() {
    let (took, lost, errors) = race(&[Plan::Fails(15), Plan::Fails(1)], Some(ms(10)));
    assert_eq!(
        lost.unwrap_err().to_string(),
        "every candidate of a race failed (2 errors, first: failed after 15)"
    );
    assert_eq!((took, errors), (15, vec!["failed after 15".into(), "failed after 1".into()]));
}

#[test]
fn a_race_without_candidates_is_an_error_and_so_is_one_off_the_loop() -> Result<()> {
    let nobody: [fn() -> Result<()>; 0] = [];
    virtual_run(|| {
        let error = staggered_race(nobody, None).unwrap_err();
        assert!(error.downcast_ref::<NoCandidates>().is_some());
        Ok(())
    })?;
    let error = staggered_race([|| Ok(())], None).unwrap_err();
    assert!(error.to_string().starts_with("no running event loop"));
    Ok(())
}

#[test]
fn the_first_to_finish_wins_even_if_another_does_so_before_it_can_be_stopped() -> Result<()> {
    virtual_run(|| {
        let start = Event::new();
        let log = Log::new();
        let candidate = |name: &'static str| {
            let (start, log) = (&start, &log);
            move || {
                start.wait()?;
                // Swallows its cancellation.
                let swallowed = yield_now();
                log.note(format!("{name} {}", swallowed.is_err()));
                Ok(name)
            }
        };
        let starts = || {
            sleep(ms(5))?;
            start.set();
            Event::new().wait()?;
            Ok("never")
        };
        let candidates: [Box<dyn FnOnce() -> Result<&'static str> + '_>; 3] =
            [Box::new(candidate("a")), Box::new(candidate("b")), Box::new(starts)];
        let winner = staggered_race(candidates, ms(1))?;
        assert_eq!((winner.value, winner.index), ("a", 0));
        assert_eq!(winner.losers.iter().map(|loser| loser.0).collect::<Vec<_>>(), [2]);
        assert_eq!(log.take(), ["a false", "b false"]);
        Ok(())
    })
}

#[test]
fn losers_are_waited_for_and_may_borrow() -> Result<()> {
    virtual_run(|| {
        let cleaned = Cell::new(false);
        let slow = || {
            let _clean = OnDrop(|| {
                sleep(ms(3)).expect("it was cancelled once");
                cleaned.set(true);
            });
            Event::new().wait()
        };
        let quick = || Ok(());
        let candidates: [&dyn Fn() -> Result<()>; 2] = [&slow, &quick];
        let began = now();
        let winner = staggered_race(candidates, ms(1))?;
        assert_eq!((winner.index, cleaned.get(), now() - began), (1, true, ms(4)));
        Ok(())
    })
}

#[test]
fn every_cancellation_of_the_race_goes_on_to_the_candidates() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let notes = log.clone();
        let racing = create_task(move || {
            let stubborn = || {
                for round in 1..=2 {
                    let stopped = sleep(ms(50)).unwrap_err();
                    notes.note(format!("{round}: {stopped}"));
                }
                Ok("succeeds all the same")
            };
            let raced = staggered_race([stubborn], None);
            notes.note("race over");
            raced.map(|winner| winner.value)
        });
        settle()?;
        for reason in ["once", "twice"] {
            assert!(racing.cancel_with(Cancelled::with_message(reason)));
            settle()?;
        }
        assert!(racing.wait().unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["1: cancelled", "2: cancelled", "race over"]);
        assert_eq!(all_tasks()?.len(), 1);
        Ok(())
    })
}

#[test]
fn a_timeout_around_a_race_ends_it() -> Result<()> {
    virtual_run(|| {
        let never = || Event::new().wait();
        let raced = timeout(ms(25), || staggered_race([never; 5], ms(10)));
        assert!(raced.unwrap_err().is_timeout());
        assert_eq!(all_tasks()?.len(), 1);
        Ok(())
    })
}

#[test]
fn a_panic_of_a_candidate_ends_the_race_when_the_others_have_ended() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let said = panic_of(|| {
            let waits = || {
                let _on_drop = log.on_drop("ended");
                Event::new().wait()
            };
            let panics = || panic!("candidate");
            let late = || unreachable!("the race is over");
            let candidates: [&dyn Fn() -> Result<()>; 3] = [&waits, &panics, &late];
            staggered_race(candidates, ms(1))
        });
        assert_eq!((&*said, log.take()), ("candidate", vec!["ended".into()]));
        Ok(())
    })
}

#[test]
fn a_candidate_that_others_cancel_has_failed() -> Result<()> {
    virtual_run(|| {
        let racing = create_task(|| {
            staggered_race([|| Event::new().wait(), || Ok(())], None)
                .map(|winner| winner.losers.len())
        });
        yield_now()?;
        // Before its first step.
        let first = all_tasks()?.pop().expect("the first candidate");
        first.cancel();
        assert_eq!(racing.wait()?, 1);
        Ok(())
    })
}

#[test]
fn eager_candidates_race_too() -> Result<()> {
    Runner::with_virtual_clock()?.eager_tasks(true).run(|| {
        let tries = Rc::new(RefCell::new(Vec::new()));
        let candidate = |number: u32| {
            let tries = Rc::clone(&tries);
            move || {
                tries.borrow_mut().push(number);
                if number == 2 { Ok(number) } else { Err(Error::msg("no")) }
            }
        };
        let winner = staggered_race((0..5).map(candidate), ms(10))?;
        assert_eq!((winner.value, winner.losers.len()), (2, 2));
        assert_eq!(*tries.borrow(), [0, 1, 2]);
        Ok(())
    })
}
