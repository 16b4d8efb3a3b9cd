//! Wake-ups from other threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use corio_reactor::{Reactor, Readiness};

use crate::support::{LONG, NOT_AT_ALL, connection, on_every_backend_and_by_hand};

#[test]
fn a_notification_ends_the_next_wait_and_only_that() {
    on_every_backend_and_by_hand(|backend| {
        let reactor: Reactor = Reactor::with_backend(backend).unwrap();
        reactor.notifier().notify();
        reactor.wait(None, |(), _| {}).unwrap();
        assert_eq!(reactor.statistics().notifications, 1);
        reactor.wait(Some(Duration::from_millis(1)), |(), _| {}).unwrap();
        assert_eq!(reactor.statistics().notifications, 1);
    });
}

#[test]
fn a_notification_ends_a_wait_that_has_begun() {
    on_every_backend_and_by_hand(|backend| {
        let reactor: Reactor = Reactor::with_backend(backend).unwrap();
        let notifier = reactor.notifier();
        let helper = thread::spawn(move || {
            thread::sleep(Duration::from_millis(2));
            notifier.notify();
        });
        while reactor.statistics().notifications == 0 {
            reactor.wait(None, |(), _| {}).unwrap();
        }
        helper.join().unwrap();
    });
}

#[test]
fn a_burst_is_one_notification() {
    on_every_backend_and_by_hand(|backend| {
        let reactor: Reactor = Reactor::with_backend(backend).unwrap();
        let notifier = reactor.notifier();
        for _ in 0..1000 {
            notifier.clone().notify();
        }
        for _ in 0..3 {
            reactor.wait(NOT_AT_ALL, |(), _| {}).unwrap();
        }
        assert_eq!(reactor.statistics().notifications, 1);
    });
}

/// The promise that everything else relies on: a message that was put down before `notify` is found
/// after the wait. If one wake-up in a hundred thousand were lost, the wait without a timeout would
/// hang.
#[test]
fn no_message_is_left_lying() {
    const THREADS: u64 = 3;
    const MESSAGES: u64 = 3_000;
    on_every_backend_and_by_hand(|backend| {
        let reactor: Reactor = Reactor::with_backend(backend).unwrap();
        let queue = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::new(AtomicU64::new(0));
        let start = Arc::new(Barrier::new(THREADS as usize));
        let workers: Vec<_> = (0..THREADS)
            .map(|worker| {
                let (queue, taken, start) =
                    (Arc::clone(&queue), Arc::clone(&taken), Arc::clone(&start));
                let notifier = reactor.notifier();
                thread::spawn(move || {
                    start.wait();
                    for i in 0..MESSAGES {
                        queue.lock().unwrap().push((worker, i));
                        notifier.notify();
                        // Let the reactor catch up and fall asleep now and then.
                        while i % 64 == 0 && taken.load(Ordering::Relaxed) < i {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        let mut received = [0; THREADS as usize];
        while received.iter().sum::<u64>() < THREADS * MESSAGES {
            reactor.wait(None, |(), _| {}).unwrap();
            for (worker, i) in queue.lock().unwrap().drain(..) {
                assert_eq!(received[worker as usize], i);
                received[worker as usize] += 1;
                taken.fetch_add(1, Ordering::Relaxed);
            }
        }
        for worker in workers {
            worker.join().unwrap();
        }
        assert!(reactor.statistics().notifications <= THREADS * MESSAGES);
    });
}

#[test]
fn sources_and_notifications_come_together() {
    on_every_backend_and_by_hand(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let source = reactor.register(connection().0, ()).unwrap();
        source.inject(Readiness::READABLE);
        reactor.notifier().notify();
        assert!(reactor.wait(LONG, |(), _| {}).unwrap() >= 1);
        assert_eq!(reactor.statistics().notifications, 1);
    });
}
