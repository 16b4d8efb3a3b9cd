//! A value arrives once, or its loss is noticed, whoever is first.

use loom::thread;

use crate::oneshot::{Lost, oneshot};
use crate::sync::{Arc, AtomicUsize, Ordering};

#[test]
fn who_blocks_gets_the_value() {
    loom::model(|| {
        let (sender, receiver) = oneshot();
        let thread = thread::spawn(move || sender.send(42).unwrap());
        receiver.block();
        assert_eq!(receiver.try_take(), Some(Ok(42)));
        thread.join().unwrap();
    });
}

#[test]
fn who_blocks_learns_that_the_sender_is_gone() {
    loom::model(|| {
        let (sender, receiver) = oneshot::<u32>();
        let thread = thread::spawn(move || drop(sender));
        receiver.block();
        assert_eq!(receiver.try_take(), Some(Err(Lost)));
        thread.join().unwrap();
    });
}

#[test]
fn the_end_is_told_once() {
    loom::model(|| {
        let told = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = oneshot();
        let thread = thread::spawn(move || sender.send(42).unwrap());
        let telling = Arc::clone(&told);
        receiver.on_end(move || {
            telling.fetch_add(1, Ordering::Relaxed);
        });
        thread.join().unwrap();
        assert_eq!(told.load(Ordering::Relaxed), 1);
        assert_eq!(receiver.try_take(), Some(Ok(42)));
    });
}

#[test]
fn a_value_that_nobody_wants_comes_back_or_is_dropped() {
    loom::model(|| {
        let value = Arc::new(());
        let sent = Arc::clone(&value);
        let (sender, receiver) = oneshot();
        let thread = thread::spawn(move || drop(sender.send(sent)));
        drop(receiver);
        thread.join().unwrap();
        assert_eq!(Arc::strong_count(&value), 1);
    });
}
