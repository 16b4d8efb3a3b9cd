//! Ticks, and items no faster than that.

use std::time::{Duration, Instant};

use corio::iter::{Interval, IteratorExt, MissedTicks, interval, interval_at};
use corio::{Error, NoRunningLoop, Result, create_task, sleep, timeout};
use corio_tests::{Log, ms, now, settle, yield_now};
use proptest::prelude::*;

use super::{run_to_rest, secs, slow};

#[test]
fn ticks_are_those_of_a_clock() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        for (busy, tick) in [0, 3, 9, 10, 0].into_iter().zip(interval(ms(10))) {
            assert_eq!(now(), tick?);
            sleep(ms(busy))?;
        }
        assert_eq!(now() - began, ms(40));
        Ok(())
    })
}

#[test]
fn the_first_tick_may_be_later_or_long_ago() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        sleep(ms(100))?;
        let mut later = interval_at(now() + ms(5), ms(10));
        assert_eq!(later.next().transpose()?, Some(began + ms(105)));
        assert_eq!(now() - began, ms(105));
        let mut long_ago = interval_at(began, ms(10)).missed(MissedTicks::Skip);
        assert_eq!(long_ago.next().transpose()?, Some(began));
        assert_eq!(long_ago.next().transpose()?, Some(began + ms(110)));
        assert_eq!(now() - began, ms(110));
        Ok(())
    })
}

#[test]
fn a_tick_that_is_not_waited_for_to_the_end_is_not_lost() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        let mut ticks = interval(ms(10));
        ticks.next().transpose()?;
        let early = timeout(ms(4), || ticks.next().transpose());
        assert!(early.unwrap_err().is_timeout());
        assert_eq!(ticks.next().transpose()?, Some(began + ms(10)));
        assert_eq!(now() - began, ms(10));
        Ok(())
    })
}

#[test]
fn a_period_of_zero_lets_others_run() -> Result<()> {
    run_to_rest(|| {
        for missed in [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip] {
            let other = create_task(|| (0..5).try_for_each(|_| yield_now()));
            let ticks = interval(Duration::ZERO).missed(missed);
            assert_eq!(ticks.take(10).filter(Result::is_ok).count(), 10);
            assert!(other.done());
        }
        Ok(())
    })
}

#[test]
fn catching_up_on_ticks_does_not_keep_others_out() -> Result<()> {
    run_to_rest(|| {
        let mut ticks = interval(ms(1));
        ticks.next().transpose()?;
        sleep(secs(10))?;
        let log = Log::new();
        let noted = log.clone();
        let other = create_task(move || {
            noted.note("the other");
            Ok(())
        });
        assert_eq!(ticks.take(10_000).filter(Result::is_ok).count(), 10_000);
        assert_eq!(log.take(), ["the other"]);
        other.wait()
    })
}

#[test]
fn the_second_of_two_ticks_an_age_apart_never_comes() -> Result<()> {
    run_to_rest(|| {
        let mut ticks = interval(Duration::MAX);
        ticks.next().transpose()?;
        assert!(timeout(secs(1), || ticks.next().transpose()).unwrap_err().is_timeout());
        Ok(())
    })
}

#[test]
fn there_are_no_ticks_off_the_loop() {
    let error = interval(ms(1)).next().expect("an error").unwrap_err();
    assert!(error.downcast_ref::<NoRunningLoop>().is_some());
}

#[test]
fn a_throttle_holds_up_what_comes_too_early_and_nothing_else() -> Result<()> {
    run_to_rest(|| {
        let began = now();
        let items = slow([(5, 'a'), (5, 'b'), (200, 'c'), (0, 'd')]);
        let mut seen = Vec::new();
        for item in items.try_throttle(ms(100)) {
            seen.push((item?, (now() - began).as_millis()));
        }
        assert_eq!(seen, [('a', 5), ('b', 105), ('c', 305), ('d', 405)]);
        assert_eq!(now() - began, ms(405), "the end is not held up");
        Ok(())
    })
}

#[test]
fn an_item_that_is_held_up_survives_a_cancellation() -> Result<()> {
    run_to_rest(|| {
        let mut items = (0..2).throttle(ms(100));
        assert_eq!(items.next().transpose()?, Some(0));
        assert!(timeout(ms(10), || items.next().transpose()).unwrap_err().is_timeout());
        assert_eq!(items.next().transpose()?, Some(1));
        assert!(items.next().is_none());
        Ok(())
    })
}

#[test]
fn a_throttle_over_results_stops_at_an_error() -> Result<()> {
    run_to_rest(|| {
        let mut items = [Ok(1), Err(Error::msg("broken")), Ok(2)].into_iter().try_throttle(ms(1));
        assert_eq!(items.next().transpose()?, Some(1));
        assert_eq!(items.next().expect("an error").unwrap_err().to_string(), "broken");
        assert!(items.next().is_none());
        settle()
    })
}

/// When ticks are given out, and what time they are for, to a consumer that is busy for so long
/// after each.
fn model(period: u64, missed: MissedTicks, busy: &[u64]) -> Vec<(u64, u64)> {
    let (mut time, mut due, mut ticks) = (0, 0, Vec::new());
    for busy in busy {
        time = due.max(time);
        ticks.push((due, time));
        due = match missed {
            MissedTicks::Burst => due + period,
            MissedTicks::Delay => time + period,
            MissedTicks::Skip => due + period * ((time - due) / period + 1),
        };
        time += busy;
    }
    ticks
}

proptest! {
    #[test]
    fn missed_ticks_are_caught_up_on_put_off_or_left_out(
        period in 1_u64..20,
        busy in prop::collection::vec(0_u64..60, 1..20),
        missed in prop::sample::select(vec![MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip]),
    ) {
        run_to_rest(|| {
            let began = now();
            let since = |time: Instant| u64::try_from((time - began).as_millis()).expect("a short time");
            let ticks: Interval = interval(ms(period)).missed(missed);
            let mut seen = Vec::new();
            for (busy, tick) in busy.iter().zip(ticks) {
                seen.push((since(tick?), since(now())));
                sleep(ms(*busy))?;
            }
            assert_eq!(seen, model(period, missed, &busy));
            Ok(())
        })
        .unwrap();
    }
}
