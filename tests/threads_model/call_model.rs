//! A call is made or taken back, once, and whoever asks waits until it has returned.

use loom::thread;

use crate::call::{Call, CallCell, Standing};
use crate::sync::{Arc, AtomicUsize, Ordering};

#[test]
fn a_call_is_made_or_taken_back() {
    crate::check_three_threads(|| {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let call = Arc::new(CallCell::new(move || {
            // Not atomic: whoever waits for the end of it sees both steps or none.
            counted.store(counted.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            counted.store(counted.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        }));
        let cancellers = [(), ()].map(|()| {
            let (call, calls) = (Arc::clone(&call), Arc::clone(&calls));
            thread::spawn(move || {
                let taken_back = call.cancel();
                call.wait_while_running();
                let expected = if call.standing() == Standing::Ended { 2 } else { 0 };
                assert_eq!(calls.load(Ordering::Relaxed), expected);
                taken_back
            })
        });
        call.run();
        let taken_back = cancellers.map(|canceller| canceller.join().unwrap());
        let taken_back = taken_back.into_iter().filter(|taken_back| *taken_back).count();
        assert_eq!(calls.load(Ordering::Relaxed) / 2 + taken_back, 1);
    });
}

#[test]
fn a_callback_that_is_taken_back_is_dropped_at_once() {
    loom::model(|| {
        let held = Arc::new(());
        let weak = Arc::clone(&held);
        let call = Arc::new(CallCell::new(move || drop(held)));
        let runner = {
            let call = Arc::clone(&call);
            thread::spawn(move || call.run())
        };
        if call.cancel() {
            assert_eq!(Arc::strong_count(&weak), 1);
        }
        runner.join().unwrap();
        assert_eq!(Arc::strong_count(&weak), 1);
    });
}
