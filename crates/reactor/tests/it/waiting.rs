//! What a wait reports, and when it ends.

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use corio_reactor::{Reactor, Readiness, Source};

use crate::support::{
    LONG, NOT_AT_ALL, connection, drain, on_every_backend, on_every_backend_and_by_hand, wait_until,
};

/// A source with nothing to read, and its peer.
fn idle<D>(reactor: &Reactor<D>, data: D) -> (Source<TcpStream, D>, TcpStream) {
    let (stream, peer) = connection();
    let source = reactor.register(stream, data).unwrap();
    assert_eq!(drain(&source, 64), (Vec::new(), false));
    reactor.wait(NOT_AT_ALL, |_, _| {}).unwrap();
    source.clear_readable();
    assert_eq!(source.readiness(), Readiness::WRITABLE);
    (source, peer)
}

#[test]
fn the_source_that_became_ready_is_reported_and_no_other() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (first, mut peer_of_first) = idle(&reactor, 1);
        let (second, _peer) = idle(&reactor, 2);

        peer_of_first.write_all(b"x").unwrap();
        let mut reported = Vec::new();
        let reports = reactor
            .wait(LONG, |&data, readiness| reported.push((data, readiness.readable)))
            .unwrap();
        assert_eq!((reports, reported), (1, vec![(1, true)]));
        assert!(first.readiness().readable);
        assert!(!second.readiness().readable);
    });
}

#[test]
fn a_listener_becomes_readable_when_someone_connects() {
    on_every_backend(|backend| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let reactor = Reactor::with_backend(backend).unwrap();
        let source = reactor.register(listener, ()).unwrap();
        source.io().accept().unwrap_err();
        source.clear_readable();

        let _client = TcpStream::connect(address).unwrap();
        wait_until(&reactor, &source, Readiness::READABLE);
        source.io().accept().unwrap();
    });
}

#[test]
fn a_timeout_ends_the_wait_and_not_before_its_time() {
    on_every_backend(|backend| {
        let reactor: Reactor = Reactor::with_backend(backend).unwrap();
        for timeout in [0, 1, 300_000, 1_700_000].map(Duration::from_nanos) {
            let start = Instant::now();
            while start.elapsed() < timeout {
                let rest = timeout - start.elapsed();
                let before = Instant::now();
                assert_eq!(reactor.wait(Some(rest), |(), _| {}).unwrap(), 0);
                assert!(before.elapsed() >= rest, "{rest:?} ended after {:?}", before.elapsed());
            }
        }
    });
}

#[test]
fn an_enormous_timeout_is_not_an_error() {
    on_every_backend_and_by_hand(|backend| {
        let reactor: Reactor = Reactor::with_backend(backend).unwrap();
        for timeout in [Duration::MAX, Duration::from_secs(1 << 40)] {
            reactor.notifier().notify();
            assert_eq!(reactor.wait(Some(timeout), |(), _| {}).unwrap(), 0);
        }
    });
}

#[test]
fn callbacks_may_register_drop_and_wait() {
    on_every_backend_and_by_hand(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (first, mut peer_of_first) = idle(&reactor, 1);
        let (second, mut peer_of_second) = idle(&reactor, 2);
        let victims = RefCell::new(vec![first, second]);
        let newcomer = RefCell::new(None);
        let calls = Cell::new(0);
        peer_of_first.write_all(b"x").unwrap();
        peer_of_second.write_all(b"x").unwrap();
        // Both events must be in one batch, for the second to be stale when the callback for the
        // first has run.
        reactor.notifier().notify();
        reactor.wait(NOT_AT_ALL, |_, _| {}).unwrap();
        for source in victims.borrow().iter() {
            source.inject(Readiness::READABLE);
        }

        let stale = reactor.statistics().stale_events;
        let reports = reactor
            .wait(LONG, |_, _| {
                calls.set(calls.get() + 1);
                victims.borrow_mut().clear();
                *newcomer.borrow_mut() = Some(idle(&reactor, 3));
            })
            .unwrap();
        assert_eq!((reports, calls.get()), (1, 1), "the other was gone before its turn");
        assert_eq!(reactor.statistics().stale_events, stale + 1);
        assert_eq!(reactor.sources(), 1);
        let (source, _peer) = newcomer.take().unwrap();
        assert!(
            !source.readiness().readable,
            "the stale event is not for the new tenant of the slot"
        );
    });
}

#[test]
fn the_data_of_a_source_that_its_own_callback_drops_lives_until_the_callback_ends() {
    on_every_backend_and_by_hand(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let data = Rc::new(());
        let (source, _peer) = idle(&reactor, Rc::clone(&data));
        let source = Cell::new(Some(source));
        source.set(source.take().inspect(|source| source.inject(Readiness::READABLE)));
        reactor
            .wait(LONG, |of_source, _| {
                drop(source.take());
                assert_eq!(Rc::strong_count(of_source), 2);
            })
            .unwrap();
        assert_eq!(Rc::strong_count(&data), 1);
    });
}

#[test]
fn a_panic_in_a_callback_loses_no_readiness() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (first, mut peer_of_first) = idle(&reactor, ());
        let (second, mut peer_of_second) = idle(&reactor, ());
        peer_of_first.write_all(b"x").unwrap();
        peer_of_second.write_all(b"x").unwrap();

        let mut panics = 0;
        while !(first.readiness().readable && second.readiness().readable) {
            let wait = AssertUnwindSafe(|| reactor.wait(LONG, |(), _| panic!("on purpose")));
            catch_unwind(wait).unwrap_err();
            panics += 1;
        }
        assert!(panics <= 2);
        assert_eq!(reactor.wait(NOT_AT_ALL, |(), _| {}).unwrap(), 0, "the reactor still works");
    });
}

#[test]
fn what_is_injected_is_reported_once_and_without_waiting() {
    on_every_backend_and_by_hand(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (source, _peer) = idle(&reactor, "it");
        source.inject(Readiness::READABLE);
        let mut reported = Vec::new();
        let mut wait =
            |timeout| reactor.wait(timeout, |&data, readiness| reported.push((data, readiness)));
        assert_eq!(wait(None).unwrap(), 1);
        assert_eq!(wait(NOT_AT_ALL).unwrap(), 0);
        assert_eq!(reported, [("it", Readiness::READABLE)]);
        assert_eq!(source.readiness(), Readiness::BOTH);
    });
}

#[test]
fn a_hundred_sources_ready_at_once_are_all_reported() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let sources: Vec<_> = (0..100).map(|i| idle(&reactor, i)).collect();
        for (_, peer) in &sources {
            (&*peer).write_all(b"x").unwrap();
        }
        let mut reported = vec![false; sources.len()];
        while reported.contains(&false) {
            let reports = reactor.wait(LONG, |&i, readiness| reported[i] |= readiness.readable);
            assert!(reports.unwrap() > 0);
        }
    });
}
