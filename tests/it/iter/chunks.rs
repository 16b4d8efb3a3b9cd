//! Items by the chunk, and items that are late.

use corio::iter::IteratorExt;
use corio::{Error, Result, create_task, current_task, sleep};
use corio_tests::{ms, now};
use proptest::prelude::*;

use super::{run_to_rest, secs, slow};

#[test]
fn a_chunk_is_full_or_its_time_is_up() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        let items = slow([(0, 1), (40, 2), (40, 3), (40, 4), (500, 5)]);
        let mut seen = Vec::new();
        for chunk in items.try_chunks_timeout(2, ms(100)) {
            seen.push(((now() - began).as_millis(), chunk?));
        }
        // The last is given out at the end of the source, not when its time is up.
        assert_eq!(seen, [(40, vec![1, 2]), (120, vec![3, 4]), (620, vec![5])]);
        Ok(())
    })
}

#[test]
fn time_counts_from_the_first_item_of_a_chunk() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        let items = slow([(1000, 1), (60, 2), (60, 3), (1000, 4)]);
        let mut seen = Vec::new();
        for chunk in items.try_chunks_timeout(10, ms(100)) {
            seen.push(((now() - began).as_millis(), chunk?));
        }
        assert_eq!(seen, [(1100, vec![1, 2]), (1220, vec![3]), (2120, vec![4])]);
        Ok(())
    })
}

#[test]
fn a_busy_consumer_finds_a_chunk_of_what_has_come() -> Result<()> {
    run_to_rest(|| {
        let items = slow((0..10).map(|n| (10, n)));
        let mut chunks = items.try_chunks_timeout(4, ms(1));
        assert_eq!(chunks.next().transpose()?, Some(vec![0]));
        sleep(secs(1))?;
        assert_eq!(chunks.next().transpose()?, Some(vec![1, 2, 3, 4]));
        Ok(())
    })
}

#[test]
fn an_error_comes_at_once_after_the_chunk_before_it() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        let items = slow([(10, Ok(1)), (10, Err(Error::msg("broken"))), (10, Ok(2))]);
        let mut chunks =
            items.map(|item| item.and_then(|item| item)).try_chunks_timeout(9, secs(9));
        assert_eq!(chunks.next().transpose()?, Some(vec![1]));
        assert_eq!(now() - began, ms(20));
        assert_eq!(chunks.next().expect("an error").unwrap_err().to_string(), "broken");
        assert!(chunks.next().is_none());
        assert_eq!(now() - began, ms(20));
        Ok(())
    })
}

#[test]
fn a_cancellation_loses_nothing_of_a_chunk() -> Result<()> {
    run_to_rest(|| {
        let consumer = create_task(|| {
            let mut chunks = slow([(10, 1), (10, 2), (80, 3)]).try_chunks_timeout(3, ms(100));
            assert!(chunks.next().expect("an error").unwrap_err().is_cancelled());
            current_task()?.uncancel();
            assert_eq!(chunks.next().transpose()?, Some(vec![1, 2, 3]));
            Ok(())
        });
        sleep(ms(15))?;
        consumer.cancel();
        consumer.wait()
    })
}

#[test]
fn a_limit_past_the_end_of_time_is_none() -> Result<()> {
    run_to_rest(|| {
        let chunks = (0..5).chunks_timeout(3, std::time::Duration::MAX);
        assert_eq!(chunks.collect::<Result<Vec<_>>>()?, [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!((0..5).timeout(std::time::Duration::MAX).count(), 5);
        Ok(())
    })
}

#[test]
fn a_late_item_is_said_to_be_late_and_comes() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        let mut items = slow([(250, 1), (10, 2)]).try_timeout(ms(100));
        for late in 1..=2 {
            assert!(items.next().expect("an error").unwrap_err().is_timeout());
            assert_eq!(now() - began, ms(100 * late));
        }
        assert_eq!(items.next().transpose()?, Some(1));
        assert_eq!(now() - began, ms(250));
        assert_eq!(items.next().transpose()?, Some(2));
        assert!(items.next().is_none());
        Ok(())
    })
}

#[test]
fn an_item_that_is_there_is_never_late() -> Result<()> {
    run_to_rest(|| {
        let mut items = (0..3).timeout(std::time::Duration::ZERO);
        assert!(items.next().expect("an error").unwrap_err().is_timeout());
        for n in 0..3 {
            sleep(ms(1))?;
            assert_eq!(items.next().transpose()?, Some(n));
        }
        Ok(())
    })
}

proptest! {
    #[test]
    fn chunks_are_the_source_in_pieces(
        delays in prop::collection::vec(0_u64..30, 0..25),
        max in 1_usize..6,
        limit in 0_u64..60,
    ) {
        run_to_rest(|| {
            let items = slow(delays.clone().into_iter().zip(0..));
            let (mut all, mut before) = (Vec::new(), now());
            for chunk in items.try_chunks_timeout(max, ms(limit)) {
                let chunk = chunk?;
                assert!((1..=max).contains(&chunk.len()));
                let first_took = delays[all.len()];
                assert!(now() - before <= ms(first_took + limit));
                before = now();
                all.extend(chunk);
            }
            assert_eq!(all, (0..delays.len()).collect::<Vec<_>>());
            Ok(())
        })
        .unwrap();
    }
}
