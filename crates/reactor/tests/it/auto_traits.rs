//! Which types may cross threads. That a reactor may not is a test in the crate's documentation.

use corio_reactor::{Backend, Notifier, Readiness, Statistics, TimerKey, Timers};

#[test]
fn send_and_sync() {
    fn both<T: Send + Sync>() {}
    both::<Notifier>();
    both::<Backend>();
    both::<Readiness>();
    both::<Statistics>();
    both::<TimerKey>();
    both::<Timers<u8>>();
}
