//! Real and virtual time.

use std::time::{Duration, Instant};

use corio_reactor::{Clock, Timers};

#[test]
fn a_virtual_clock_moves_only_by_hand_and_only_forward() {
    let clock = Clock::manual();
    let start = clock.now();
    assert!(clock.is_virtual());
    assert_eq!(clock.now(), start);
    clock.advance(Duration::from_secs(5));
    assert_eq!(clock.now(), start + Duration::from_secs(5));
    clock.advance_to(start);
    assert_eq!(clock.now(), start + Duration::from_secs(5));
}

#[test]
fn clones_of_a_virtual_clock_agree() {
    let clock = Clock::manual();
    let clone = clock.clone();
    clock.advance(Duration::from_secs(1));
    assert_eq!(clone.now(), clock.now());
}

#[test]
fn the_systems_clock_is_the_systems() {
    let clock = Clock::system();
    assert!(!clock.is_virtual());
    let before = Instant::now();
    let now = clock.now();
    assert!(before <= now && now <= Instant::now());
}

#[test]
fn moving_from_deadline_to_deadline_runs_a_year_in_no_time() {
    let clock = Clock::manual();
    let end = clock.now() + Duration::from_secs(365 * 24 * 3600);
    let mut timers = Timers::new();
    timers.insert(clock.now(), ());
    let mut hours = 0;
    while let Some(deadline) = timers.next_deadline().filter(|&deadline| deadline < end) {
        clock.advance_to(deadline);
        timers.pop_expired(clock.now()).unwrap();
        hours += 1;
        timers.insert(clock.now() + Duration::from_secs(3600), ());
    }
    assert_eq!(hours, 365 * 24);
}
