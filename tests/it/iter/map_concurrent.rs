//! Several items at once: how many, how long it takes, in what order, and what a failure does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use corio::iter::IteratorExt;
use corio::{Error, Result, current_task, sleep, task_group};
use corio_tests::{Log, ms, now, panic_of, settle};
use proptest::prelude::*;

use super::{Gauge, assert_at_rest, run_to_rest, secs, slow};

const ITEMS: u64 = 10_000;

#[test]
fn ten_thousand_slow_items_a_hundred_at_a_time_take_a_hundred_times_as_long_as_one() -> Result<()> {
    run_to_rest(|| {
        let gauge = Gauge::default();
        let began = now();
        let results = (0..ITEMS).map_concurrent(100, slowly(&gauge));
        assert!(results.map(|n| n.unwrap()).eq(0..ITEMS));
        assert_eq!((now() - began, gauge.most()), (secs(100), 100));
        Ok(())
    })
}

#[test]
fn and_so_they_do_out_of_order() -> Result<()> {
    run_to_rest(|| {
        let gauge = Gauge::default();
        let began = now();
        let results = (0..ITEMS).map_concurrent_unordered(100, slowly(&gauge));
        let mut seen = results.collect::<Result<Vec<_>>>()?;
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..ITEMS));
        assert_eq!((now() - began, gauge.most()), (secs(100), 100));
        Ok(())
    })
}

fn slowly(gauge: &Gauge) -> impl Fn(u64) -> Result<u64> + use<> {
    let gauge = gauge.clone();
    move |n| {
        let _running = gauge.enter();
        sleep(secs(1)).map(|()| n)
    }
}

#[test]
fn ten_thousand_of_which_every_third_fails_take_as_long() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        let results = (0..ITEMS).map_concurrent(100, fallibly);
        assert!(results.enumerate().all(|(n, result)| result.is_err() == (n % 3 == 0)));
        assert_eq!(now() - began, secs(100));
        Ok(())
    })
}

#[test]
fn and_so_do_those_out_of_order() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        let results = (0..ITEMS).map_concurrent_unordered(100, fallibly);
        assert_eq!(results.filter(Result::is_err).count(), 3334);
        assert_eq!(now() - began, secs(100));
        Ok(())
    })
}

fn fallibly(n: u64) -> Result<u64> {
    sleep(secs(1))?;
    if n.is_multiple_of(3) { Err(Error::msg("three times something")) } else { Ok(n) }
}

#[test]
fn who_stops_early_waits_for_no_more_and_leaves_nothing_running() -> Result<()> {
    run_to_rest(|| {
        let gauge = Gauge::default();
        for ordered in [true, false] {
            let began = now();
            let mut results = match ordered {
                true => (0..ITEMS).map_concurrent(100, slowly(&gauge)),
                false => (0..ITEMS).map_concurrent_unordered(100, slowly(&gauge)),
            };
            assert_eq!(results.by_ref().take(4_250).filter(Result::is_ok).count(), 4_250);
            assert_eq!((now() - began, gauge.now()), (secs(43), 0));
            settle()?;
            assert_eq!(gauge.now(), 50, "the others wait to be given out");
            let began = now();
            drop(results);
            assert_eq!((now(), gauge.now()), (began, 0));
            assert_at_rest()?;
        }
        Ok(())
    })
}

#[test]
fn the_first_error_of_a_try_form_comes_when_the_siblings_have_ended() -> Result<()> {
    run_to_rest(|| {
        let gauge = Gauge::default();
        let running = gauge.clone();
        let source = (0..ITEMS).map(Ok::<_, Error>);
        let mut results = source.try_map_concurrent_unordered(100, move |n| {
            let _running = running.enter();
            if n == 4_249 {
                sleep(ms(500))?;
                return Err(Error::msg("the culprit"));
            }
            if sleep(secs(1)).is_err() {
                drop(sleep(secs(3))); // cleanup
            }
            Ok(n)
        });
        let began = now();
        let (mut good, mut bad) = (0, Vec::new());
        for result in results.by_ref() {
            match result {
                Ok(_) => good += 1,
                Err(error) => {
                    assert_eq!(gauge.now(), 0);
                    bad.push(error.to_string());
                }
            }
        }
        assert_eq!((good, bad), (4_200, vec!["the culprit".to_owned()]));
        assert_eq!(now() - began, secs(42) + ms(500) + secs(3));
        assert!(results.next().is_none());
        Ok(())
    })
}

#[test]
fn an_item_that_takes_long_holds_up_those_behind_it_only_in_order() -> Result<()> {
    run_to_rest(|| {
        let times = [10, 1, 1, 1, 1, 1];
        let began = now();
        let arrivals = |results: corio::iter::MapConcurrent<'static, ()>| -> Vec<Duration> {
            let began = now();
            results.map(|_| now() - began).collect()
        };
        let work = |n| sleep(secs(n));
        let ordered = arrivals(times.into_iter().map_concurrent(2, work));
        assert_eq!(ordered, [10, 10, 11, 11, 12, 12].map(secs));
        let unordered = arrivals(times.into_iter().map_concurrent_unordered(2, work));
        assert_eq!(unordered, [1, 2, 3, 4, 5, 10].map(secs));
        assert_eq!(now() - began, secs(22));
        Ok(())
    })
}

#[test]
fn each_call_is_a_task_of_its_own() -> Result<()> {
    run_to_rest(|| {
        let results = (0..6).map_concurrent(2, |n| {
            if n % 2 == 0 {
                current_task()?.cancel();
            }
            sleep(ms(1)).map(|()| n)
        });
        let results: Vec<_> = results.map(Result::ok).collect();
        assert_eq!(results, [None, Some(1), None, Some(3), None, Some(5)]);
        Ok(())
    })
}

#[test]
fn a_panic_of_the_function_resurfaces_in_its_place_when_the_siblings_have_ended() -> Result<()> {
    run_to_rest(|| {
        let log = Log::new();
        let noted = log.clone();
        let mut results = (0_u64..10).map_concurrent(3, move |n| {
            let _end = noted.on_drop("ended");
            sleep(ms(n * n * n))?;
            assert!(n != 1, "not this one");
            Ok(n)
        });
        assert_eq!(results.next().transpose()?, Some(0));
        assert_eq!(panic_of(|| results.next()), "not this one");
        assert_eq!(log.take().len(), 4, "the first, this one, and the two beside it");
        assert!(results.next().is_none());
        Ok(())
    })
}

#[test]
fn the_source_may_wait_as_well() -> Result<()> {
    run_to_rest(|| {
        let source = || slow((0..10).map(|n| (100, n)));
        let work = |n| sleep(ms(250)).map(|()| n);
        let began = now();
        let results = source().try_buffered(1).try_map_concurrent(3, work);
        assert_eq!(results.collect::<Result<Vec<_>>>()?, (0..10).collect::<Vec<_>>());
        assert_eq!(now() - began, ms(10 * 100 + 250), "the source sets the pace");

        // An item that is waited for counts as one of the three.
        let began = now();
        assert_eq!(source().try_map_concurrent(3, work).count(), 10);
        assert_eq!(now() - began, ms(3 * (100 + 250) + (100 + 250)));
        Ok(())
    })
}

#[test]
fn results_may_borrow_what_the_group_may() -> Result<()> {
    run_to_rest(|| {
        let pages = ["one two", "three", "four five six"].map(str::to_owned);
        let longest = task_group(|group| {
            let firsts = pages.iter().within(group).map_concurrent_unordered(2, |page| {
                sleep(ms(page.len() as u64))?;
                Ok(page.split(' ').next_back().unwrap_or(page))
            });
            firsts.collect::<Result<Vec<&str>>>()
        })?;
        assert_eq!(longest, ["three", "two", "six"]);
        Ok(())
    })
}

/// When each result is given out, by the rules: at most `n` items are taken and not given out;
/// the consumer takes `pause` for each.
fn model(times: &[u64], n: usize, pause: u64, ordered: bool) -> Vec<u64> {
    let (mut given, mut free_at, mut begun): (Vec<u64>, _, _) = (Vec::new(), 0, 0);
    let (mut in_order, mut by_time) = (std::collections::VecDeque::new(), BinaryHeap::new());
    while given.len() < times.len() {
        while begun < times.len() && begun < given.len() + n {
            let began = if begun < n { 0 } else { given[begun - n] };
            in_order.push_back(began + times[begun]);
            by_time.push(Reverse(began + times[begun]));
            begun += 1;
        }
        let ready = match ordered {
            true => in_order.pop_front(),
            false => by_time.pop().map(|Reverse(ready)| ready),
        };
        let at = ready.map_or(0, |ready| ready.max(free_at));
        free_at = at + pause;
        given.push(at);
    }
    given
}

proptest! {
    #[test]
    fn it_takes_exactly_the_time_it_should(
        times in prop::collection::vec(0_u64..50, 0..30),
        n in 1_usize..8,
        pause in 0_u64..20,
        ordered: bool,
        failing in 2_usize..6,
        taken in 0_usize..32,
    ) {
        run_to_rest(|| {
            let gauge = Gauge::default();
            let running = gauge.clone();
            let work = move |(index, time): (usize, u64)| {
                let _running = running.enter();
                sleep(ms(time))?;
                if index % failing == 0 { Err(Error::msg("it fails")) } else { Ok(index) }
            };
            let source = times.clone().into_iter().enumerate();
            let mut results = match ordered {
                true => source.map_concurrent(n, work),
                false => source.map_concurrent_unordered(n, work),
            };
            let began = now();
            let mut given = Vec::new();
            let mut good = Vec::new();
            for result in results.by_ref().take(taken) {
                given.push((now() - began).as_millis() as u64);
                good.extend(result);
                sleep(ms(pause))?;
            }
            let mut expected = model(&times, n, pause, ordered);
            expected.truncate(taken);
            assert_eq!(given, expected);
            assert!(gauge.most() <= n);
            if ordered {
                assert!(good.iter().copied().eq((0..given.len()).filter(|i| i % failing != 0)));
            } else if given.len() == times.len() {
                good.sort_unstable();
                assert!(good.iter().copied().eq((0..times.len()).filter(|i| i % failing != 0)));
            }
            let before = now();
            drop(results);
            assert_eq!((now(), gauge.now()), (before, 0));
            Ok(())
        })
        .unwrap();
    }
}
