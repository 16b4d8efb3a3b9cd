//! Timers, against a model that is too simple to be wrong.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use corio_reactor::{TimerKey, Timers};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    /// Sets a timer this many nanoseconds from the start.
    Insert(u64),
    /// Cancels one of the timers set so far, whatever has become of it.
    Cancel(prop::sample::Index),
    /// Takes out what has expired by this time.
    Expire(u64),
    /// Takes out at most one.
    ExpireOne(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few distinct times, so that equal deadlines are common; and some far away.
    let time = prop_oneof![8 => 0..20u64, 2 => 0..5_000_000_000u64, 1 => Just(u64::MAX)];
    let step = prop_oneof![
        6 => time.clone().prop_map(Step::Insert),
        3 => any::<prop::sample::Index>().prop_map(Step::Cancel),
        1 => time.clone().prop_map(Step::Expire),
        2 => time.prop_map(Step::ExpireOne),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    #[test]
    fn timers_agree_with_a_map_ordered_by_deadline_and_age(steps in steps(), offset in -10i64..10) {
        // Deadlines on both sides of the moment in which the timers are made.
        let origin = Instant::now() + Duration::from_secs(100);
        let origin = if offset < 0 { origin - Duration::from_secs(200) } else { origin };
        let at = |nanoseconds| origin + Duration::from_nanos(nanoseconds);
        let mut timers = Timers::new();
        let mut model = BTreeMap::new();
        let mut keys: Vec<(TimerKey, (Instant, usize))> = Vec::new();
        for step in steps {
            match step {
                Step::Insert(time) => {
                    let name = (at(time), keys.len());
                    model.insert(name, keys.len());
                    keys.push((timers.insert(at(time), keys.len()), name));
                }
                Step::Cancel(index) if !keys.is_empty() => {
                    let (key, name) = keys[index.index(keys.len())];
                    prop_assert_eq!(timers.cancel(key), model.remove(&name));
                }
                Step::Cancel(_) => {}
                Step::Expire(time) => {
                    while let Some(first) = model.first_entry().filter(|first| first.key().0 <= at(time)) {
                        prop_assert_eq!(timers.pop_expired(at(time)), Some(first.remove()));
                    }
                    prop_assert_eq!(timers.pop_expired(at(time)), None);
                }
                Step::ExpireOne(time) => {
                    let first = model.first_entry().filter(|first| first.key().0 <= at(time));
                    prop_assert_eq!(timers.pop_expired(at(time)), first.map(|first| first.remove()));
                }
            }
            prop_assert_eq!(timers.len(), model.len());
            prop_assert_eq!(timers.is_empty(), model.is_empty());
            prop_assert_eq!(timers.next_deadline(), model.first_key_value().map(|(name, _)| name.0));
        }
    }
}

#[test]
fn equal_deadlines_expire_in_the_order_in_which_they_were_set() {
    let now = Instant::now();
    let mut timers = Timers::new();
    for i in 0..100 {
        timers.insert(now, i);
    }
    for i in 0..100 {
        assert_eq!(timers.pop_expired(now), Some(i));
    }
}

#[test]
fn nothing_expires_a_nanosecond_early() {
    let deadline = Instant::now() + Duration::from_secs(1);
    let mut timers = Timers::new();
    timers.insert(deadline, ());
    assert_eq!(timers.pop_expired(deadline - Duration::from_nanos(1)), None);
    assert_eq!(timers.pop_expired(deadline), Some(()));
}

#[test]
fn centuries_away_is_kept_exactly() {
    let now = Instant::now();
    let far = now + Duration::from_secs(1000 * 365 * 24 * 3600);
    let mut timers = Timers::new();
    timers.insert(far, "far");
    let key = timers.insert(far, "cancelled");
    timers.insert(now, "now");
    assert_eq!(timers.cancel(key), Some("cancelled"));
    assert_eq!(timers.pop_expired(now), Some("now"));
    assert_eq!(timers.next_deadline(), Some(far));
    assert_eq!(timers.pop_expired(far - Duration::from_nanos(1)), None);
    assert_eq!(timers.pop_expired(far), Some("far"));
}

#[test]
fn a_key_of_the_past_cancels_nothing() {
    let now = Instant::now();
    let mut timers = Timers::new();
    let expired = timers.insert(now, 1);
    timers.pop_expired(now);
    let cancelled = timers.insert(now, 2);
    timers.cancel(cancelled);
    timers.insert(now, 3);
    assert_eq!(timers.cancel(expired), None);
    assert_eq!(timers.cancel(cancelled), None);
    assert_eq!(timers.pop_expired(now), Some(3));
}

/// Slower than others, as there are a million. How long each takes, the bench says.
#[test]
fn a_million_timers_are_set_cancelled_and_expire_in_order() {
    const COUNT: u64 = 1_000_000;
    let start = Instant::now();
    let mut timers = Timers::new();
    let deadline =
        |i: u64| start + Duration::from_nanos(i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20);
    let keys: Vec<_> = (0..COUNT).map(|i| timers.insert(deadline(i), i)).collect();
    assert_eq!(timers.len() as u64, COUNT);
    // All but every fourth, as timeouts are, from both ends towards the middle.
    for i in (0..COUNT / 2).flat_map(|i| [i, COUNT - 1 - i]).filter(|i| i % 4 != 0) {
        assert_eq!(timers.cancel(keys[i as usize]), Some(i));
    }
    assert_eq!(timers.len() as u64, COUNT / 4);
    let mut last = start;
    while let Some(next) = timers.next_deadline() {
        let i = timers.pop_expired(next).expect("it is due");
        assert!(i % 4 == 0 && deadline(i) == next && last <= next);
        last = next;
    }
    assert!(keys.into_iter().all(|key| timers.cancel(key).is_none()));
}
