//! Several sources: their items as they arrive, and the latest of each.

use std::iter::{empty, once, repeat};

use corio::iter::{IteratorExt, interval, merge, merge_within};
use corio::{Error, Result, sleep, task_group};
use corio_tests::{ms, now, panic_of};
use proptest::prelude::*;

use super::{run_to_rest, secs, slow};

/// A source's number, and the number of an item: that comes so much later than the one before.
fn numbered(
    source: usize,
    delays: Vec<u64>,
) -> impl Iterator<Item = Result<(usize, usize)>> + 'static {
    slow(delays.into_iter().enumerate().map(move |(index, delay)| (delay, (source, index))))
}

#[test]
fn no_sources_have_no_items() -> Result<()> {
    run_to_rest(|| {
        assert_eq!(merge(empty::<std::ops::Range<u8>>()).count(), 0);
        assert_eq!(merge([0..0, 0..0]).count(), 0);
        Ok(())
    })
}

#[test]
fn a_source_that_is_always_ready_does_not_keep_the_others_out() -> Result<()> {
    run_to_rest(|| {
        let merged = repeat("always").merge(once("once")).take(5);
        assert!(merged.collect::<Result<Vec<_>>>()?.contains(&"once"));
        Ok(())
    })
}

#[test]
fn a_busy_source_loads_one_item_ahead_and_the_arrival_of_others_is_not_put_off() -> Result<()> {
    run_to_rest(|| {
        let mut merged =
            interval(ms(10)).map(|_| "tick").merge(slow([(25, "rare")]).map(|_| "rare"));
        sleep(ms(5))?;
        let began = now();
        let mut seen = Vec::new();
        for _ in 0..5 {
            seen.extend(merged.next().transpose()?);
            sleep(ms(15))?; // too slow for the ticks
        }
        assert_eq!(seen, ["tick", "tick", "tick", "rare", "tick"]);
        assert_eq!(now() - began, ms(75));
        Ok(())
    })
}

#[test]
fn a_merge_stops_the_others_when_one_fails_or_panics() -> Result<()> {
    run_to_rest(|| {
        let failing = || once(Ok(1)).chain(once(Err(Error::msg("broken"))));
        let endless = || slow(repeat((10, 0)));
        let error = endless().try_merge(failing()).collect::<Result<Vec<_>>>().unwrap_err();
        assert_eq!(error.to_string(), "broken");

        let panicking = once_with_panic();
        assert_eq!(panic_of(|| endless().merge(panicking).count()), "broken");
        Ok(())
    })
}

fn once_with_panic() -> impl Iterator<Item = Result<i32>> {
    std::iter::once_with(|| panic!("broken"))
}

#[test]
fn sources_in_a_group_may_borrow_and_fail() -> Result<()> {
    run_to_rest(|| {
        let pages = ["1 2", "3 x", ""].map(str::to_owned);
        let error = task_group(|group| {
            let numbers = pages.iter().map(|page| page.split_whitespace().map(str::parse::<u32>));
            let all = merge_within(group, numbers).until_error().collect::<Result<Vec<_>>>();
            Ok(all.unwrap_err().to_string())
        })?;
        assert_eq!(error, "invalid digit found in string");
        Ok(())
    })
}

#[test]
fn the_latest_are_zipped_whenever_there_is_a_new_one() -> Result<()> {
    run_to_rest(|| {
        let prices = slow([(10, 1), (20, 2), (20, 3)]); // at 10, 30, 50
        let rates = slow([(25, 'a'), (20, 'b')]); // at 25, 45
        let began = now();
        let mut pairs = prices.try_zip_latest(rates);
        let mut seen = Vec::new();
        while let Some(pair) = pairs.next().transpose()? {
            seen.push(((now() - began).as_millis(), pair));
        }
        assert_eq!(seen, [(25, (1, 'a')), (30, (2, 'a')), (45, (2, 'b')), (50, (3, 'b'))]);
        Ok(())
    })
}

#[test]
fn where_one_has_had_no_item_there_is_no_pair() -> Result<()> {
    run_to_rest(|| {
        let endless = || interval(secs(1)).map(|_| ());
        assert_eq!(endless().zip_latest(empty::<u8>()).count(), 0);
        assert_eq!(empty::<u8>().zip_latest(endless()).count(), 0);
        assert_eq!(endless().map(Ok).try_zip_latest(empty::<Result<u8>>()).count(), 0);
        let failing = once(Err::<u8, _>(Error::msg("broken")));
        let mut pairs = endless().map(Ok).try_zip_latest(failing);
        assert_eq!(pairs.next().expect("an error").unwrap_err().to_string(), "broken");
        assert!(pairs.next().is_none());
        Ok(())
    })
}

proptest! {
    #[test]
    fn a_merge_loses_nothing_and_keeps_the_order_of_each_source(
        sources in prop::collection::vec(prop::collection::vec(0_u64..5, 0..8), 0..5),
        pause in 0_u64..7,
        taken in 0_usize..40,
    ) {
        run_to_rest(|| {
            let numbered = sources.iter().cloned().enumerate().map(|(s, delays)| numbered(s, delays));
            let began = now();
            let mut merged = merge(numbered.collect::<Vec<_>>());
            let mut next = vec![0; sources.len()];
            let mut times = Vec::new();
            for item in merged.by_ref().take(taken) {
                let (source, index) = item??;
                assert_eq!(index, next[source]);
                next[source] += 1;
                times.push((now() - began).as_millis() as u64);
                sleep(ms(pause))?;
            }
            let all: usize = sources.iter().map(Vec::len).sum();
            assert_eq!(times.len(), all.min(taken));
            if pause == 0 {
                // Each item is given out when it comes.
                let arrival = |at: &mut u64, delay: &u64| { *at += delay; Some(*at) };
                let mut arrivals: Vec<u64> =
                    sources.iter().flat_map(|delays| delays.iter().scan(0, arrival)).collect();
                arrivals.sort_unstable();
                arrivals.truncate(taken);
                assert_eq!(times, arrivals);
            }
            Ok(())
        })
        .unwrap();
    }

    #[test]
    fn zip_latest_pairs_what_a_merge_would_have_shown(
        first in prop::collection::vec(0_u64..5, 0..8),
        second in prop::collection::vec(0_u64..5, 0..8),
    ) {
        run_to_rest(|| {
            let sources = || (numbered(0, first.clone()), numbered(1, second.clone()));
            let (one, other) = sources();
            let mut latest = [None, None];
            let mut expected = Vec::new();
            for item in one.try_merge(other) {
                let (source, index) = item?;
                latest[source] = Some((source, index));
                if let [Some(first), Some(second)] = latest {
                    expected.push((first, second));
                }
            }
            let (one, other) = sources();
            assert_eq!(one.try_zip_latest(other).collect::<Result<Vec<_>>>()?, expected);
            Ok(())
        })
        .unwrap();
    }
}
