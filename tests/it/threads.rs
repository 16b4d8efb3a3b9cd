//! A loop and other threads.

mod calls;
mod clocks;
mod jobs;
mod many;
mod remote_tasks;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use corio::{Event, Result};
use corio_tests::OnDrop;

thread_local! {
    /// An event of this thread's loop, for calls that come from elsewhere and can carry none along.
    static EVENT: Rc<Event> = Rc::new(Event::new());
}

/// The event of this thread.
fn event() -> Rc<Event> {
    EVENT.with(Rc::clone)
}

fn set_event() {
    event().set();
}

/// Something, and how often it was dropped.
fn count_drops() -> (Arc<AtomicUsize>, OnDrop<impl FnMut() + Send>) {
    let drops = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&drops);
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
    };
    (drops, OnDrop(count))
}

/// Lets one thread wait for another.
fn gate() -> (Sender<()>, Receiver<()>) {
    channel()
}

/// Runs `body` on a thread of its own, and has the current task wait for it.
fn on_a_thread<T: Send + 'static>(body: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let thread = thread::spawn(body);
    corio::to_thread(move || thread.join().expect("the thread does not panic"))
}
