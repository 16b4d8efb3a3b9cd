//! The backend without a system.

use std::net::UdpSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use corio_reactor::{Backend, Clock, Reactor, Readiness, Source, Timers};

use crate::support::{NOT_AT_ALL, connection, on_every_backend};

const SECOND: Duration = Duration::from_secs(1);

fn manual<D>() -> Reactor<D> {
    Reactor::with_backend(Backend::Manual).unwrap()
}

/// Something with a number, of which nothing is known to be ready.
fn source<D>(reactor: &Reactor<D>, data: D) -> Source<UdpSocket, D> {
    let source = reactor.register(UdpSocket::bind("127.0.0.1:0").unwrap(), data).unwrap();
    source.clear_readable();
    source.clear_writable();
    source
}

#[test]
fn a_wait_does_not_wait_and_says_for_how_long() {
    let reactor: Reactor = manual();
    assert_eq!(reactor.skipped_wait(), Some(Duration::ZERO), "there was none");
    for timeout in [None, Some(Duration::MAX), Some(SECOND), NOT_AT_ALL] {
        assert_eq!(reactor.wait(timeout, |(), _| {}).unwrap(), 0);
        assert_eq!(reactor.skipped_wait(), timeout);
    }
    assert_eq!(reactor.statistics().waits, 4);
}

#[test]
fn a_wait_with_something_to_report_skips_nothing() {
    let reactor = manual();
    let source = source(&reactor, ());
    reactor.wait(Some(SECOND), |(), _| {}).unwrap();
    source.inject(Readiness::READABLE);
    assert_eq!(reactor.skipped_wait(), Some(SECOND), "injecting is no wait");
    assert_eq!(reactor.wait(Some(SECOND), |(), _| {}).unwrap(), 1);
    assert_eq!(reactor.skipped_wait(), Some(Duration::ZERO));

    reactor.wait(None, |(), _| {}).unwrap();
    reactor.notifier().notify();
    assert_eq!(reactor.wait(None, |(), _| {}).unwrap(), 0);
    assert_eq!(reactor.skipped_wait(), Some(Duration::ZERO), "it was notified");
}

#[test]
fn the_other_backends_wait_and_skip_nothing() {
    on_every_backend(|backend| {
        let reactor: Reactor = Reactor::with_backend(backend).unwrap();
        reactor.wait(Some(Duration::from_micros(1)), |(), _| {}).unwrap();
        assert_eq!(reactor.skipped_wait(), Some(Duration::ZERO));
    });
}

#[test]
fn what_the_system_says_is_not_heard() {
    let reactor = manual();
    let (stream, peer) = connection();
    let source = reactor.register(stream, ()).unwrap();
    source.clear_readable();
    drop(peer); // the end of the stream
    assert_eq!(reactor.wait(Some(SECOND), |(), _| {}).unwrap(), 0);
    assert_eq!(source.readiness(), Readiness::WRITABLE);
}

#[test]
fn reports_come_in_the_order_in_which_they_were_injected() {
    let reactor = manual();
    let [first, second] = ["first", "second"].map(|name| source(&reactor, name));
    second.inject(Readiness::WRITABLE);
    first.inject(Readiness::READABLE);
    second.inject(Readiness::READABLE);
    let mut reported = Vec::new();
    reactor.wait(None, |&name, readiness| reported.push((name, readiness))).unwrap();
    let expected = [
        ("second", Readiness::WRITABLE),
        ("first", Readiness::READABLE),
        ("second", Readiness::READABLE),
    ];
    assert_eq!(reported, expected);
    assert_eq!((first.readiness(), second.readiness()), (Readiness::READABLE, Readiness::BOTH));
}

#[test]
fn what_is_injected_into_a_source_that_is_gone_is_stale() {
    let reactor = manual();
    let gone = source(&reactor, "gone");
    gone.inject(Readiness::READABLE);
    let socket = gone.into_io();
    let again = reactor.register(socket, "again").unwrap(); // the same number, in the same slot
    again.clear_readable();
    assert_eq!(reactor.wait(Some(SECOND), |_, _| {}).unwrap(), 0);
    assert_eq!(reactor.statistics().stale_events, 1);
    assert_eq!(again.readiness(), Readiness::WRITABLE);
    assert_eq!(
        reactor.skipped_wait(),
        Some(Duration::ZERO),
        "as a kernel that reports it too late"
    );
}

#[test]
fn a_panic_in_a_callback_loses_nothing_that_was_injected() {
    let reactor = manual();
    let sources = [1, 2].map(|number| source(&reactor, number));
    for source in &sources {
        source.inject(Readiness::READABLE);
    }
    let wait = AssertUnwindSafe(|| reactor.wait(None, |_, _| panic!("on purpose")));
    catch_unwind(wait).unwrap_err();
    for source in &sources {
        assert_eq!(source.readiness(), Readiness::READABLE);
    }
    assert_eq!(reactor.wait(None, |_, _| {}).unwrap(), 0);
}

#[test]
fn duplicates_of_a_descriptor_are_told_apart() {
    let reactor = manual();
    let io = UdpSocket::bind("127.0.0.1:0").unwrap();
    let clones: Vec<_> =
        (0..200).map(|number| reactor.register(io.try_clone().unwrap(), number).unwrap()).collect();
    assert_eq!(reactor.sources(), clones.len(), "duplicates are other descriptors");
    clones[123].inject(Readiness::BOTH);
    reactor.wait(None, |&number, _| assert_eq!(number, 123)).unwrap();
    drop(clones);
    assert_eq!(reactor.sources(), 0);
}

/// A loop as one would write it, and an hour of it in no time.
#[test]
fn a_loop_of_sources_and_timers_is_tested_with_time_that_a_test_moves() {
    let (clock, reactor) = (Clock::manual(), manual());
    let (start, mut timers) = (clock.now(), Timers::new());
    let source = source(&reactor, "source");
    timers.insert(start + 60 * SECOND, "ping");
    timers.insert(start + 3600 * SECOND, "end");

    let mut log = Vec::new();
    let mut turn = || {
        let now = clock.now();
        while let Some(name) = timers.pop_expired(now) {
            log.push((name, (now - start).as_secs()));
            match name {
                "ping" => timers.insert(now + 60 * SECOND, "ping"),
                _ => return false,
            };
        }
        let timeout = timers.next_deadline().map(|deadline| deadline - now);
        reactor.wait(timeout, |&name, _| log.push((name, (now - start).as_secs()))).unwrap();
        true
    };
    while turn() {
        let skipped = reactor.skipped_wait().unwrap();
        clock.advance(skipped);
        if clock.now() == start + 120 * SECOND && !skipped.is_zero() {
            source.inject(Readiness::READABLE);
        }
    }
    assert_eq!(log.iter().filter(|(name, _)| *name == "ping").count(), 59);
    assert_eq!(log[1..4], [("ping", 120), ("source", 120), ("ping", 180)]);
    assert_eq!(log.last(), Some(&("end", 3600)));
}

#[cfg(target_os = "linux")]
#[test]
fn it_opens_no_descriptor() {
    let open = || std::fs::read_dir("/proc/thread-self/fd").unwrap().count();
    std::thread::spawn(move || {
        // SAFETY: nothing but the thread's table of descriptors is parted from the process, and
        // what the thread uses of it, it opens itself.
        let parted = unsafe { libc::unshare(libc::CLONE_FILES) };
        assert_eq!(parted, 0, "{}", std::io::Error::last_os_error());
        let before = open();
        let reactor: Reactor = manual();
        reactor.notifier().notify();
        reactor.wait(None, |(), _| {}).unwrap();
        assert_eq!(open(), before);
        let _native: Reactor = Reactor::new().unwrap();
        assert!(open() > before, "they can be counted");
    })
    .join()
    .unwrap();
}
