//! A signal ends a wait, or does not; it is never an error. Its handler may ring the bell.

use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use corio_reactor::Reactor;

use crate::support::{LONG, on_every_backend, on_every_backend_and_by_hand};

#[test]
fn a_signal_is_not_an_error() {
    on_every_backend(|backend| {
        let handled = Arc::new(AtomicBool::new(false));
        let id = signal_hook::flag::register(libc::SIGUSR1, Arc::clone(&handled)).unwrap();
        let waiter = thread::spawn({
            let handled = Arc::clone(&handled);
            move || {
                let reactor: Reactor = Reactor::with_backend(backend).unwrap();
                while !handled.load(Ordering::Relaxed) {
                    reactor.wait(Some(Duration::from_millis(20)), |(), _| {}).unwrap();
                }
            }
        });
        while !handled.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(2));
            // SAFETY: the thread has not been joined, so its identifier is valid, and the signal
            // has a handler.
            unsafe { libc::pthread_kill(waiter.as_pthread_t(), libc::SIGUSR1) };
        }
        waiter.join().unwrap();
        signal_hook::low_level::unregister(id);
    });
}

#[test]
fn a_signal_handler_may_notify() {
    on_every_backend_and_by_hand(|backend| {
        let reactor: Reactor = Reactor::with_backend(backend).unwrap();
        let notifier = reactor.notifier();
        // SAFETY: `notify` may be called by a signal handler.
        let id =
            unsafe { signal_hook::low_level::register(libc::SIGUSR2, move || notifier.notify()) };
        for round in 1..=100 {
            signal_hook::low_level::raise(libc::SIGUSR2).unwrap();
            reactor.wait(LONG, |(), _| {}).unwrap();
            assert_eq!(reactor.statistics().notifications, round);
        }
        signal_hook::low_level::unregister(id.unwrap());
    });
}
