//! Whether time has stood still: for the loop, or for the whole process, as it does on a machine that
//! is paused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use corio::{Result, sleep};

/// How long it is between two beats.
const BEAT: Duration = Duration::from_millis(50);

/// The longest that it took from one beat to the next, in milliseconds.
#[derive(Debug, Default)]
struct Longest(AtomicU64);

impl Longest {
    fn note(&self, last: &mut Instant) {
        let now = Instant::now();
        let took = u64::try_from((now - *last).as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_max(took, Ordering::Relaxed);
        *last = now;
    }

    fn milliseconds(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A thread that beats, and a task that does. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Pulse {
    of_loop: Longest,
    of_process: Arc<Longest>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    pub(super) fn start() -> Self {
        let (of_process, over) = (Arc::<Longest>::default(), Arc::<AtomicBool>::default());
        let (longest, end) = (Arc::clone(&of_process), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let mut last = Instant::now();
            while !end.load(Ordering::Relaxed) {
                thread::sleep(BEAT);
                longest.note(&mut last);
            }
        });
        Self { of_loop: Longest::default(), of_process, over, thread: Some(thread) }
    }

    /// The task's part, until it is cancelled.
    pub(super) fn beat(&self) -> Result<()> {
        let mut last = Instant::now();
        loop {
            sleep(BEAT)?;
            self.of_loop.note(&mut last);
        }
    }

    pub(super) fn longest_of_loop(&self) -> u64 {
        self.of_loop.milliseconds()
    }

    pub(super) fn longest_of_process(&self) -> u64 {
        self.of_process.milliseconds()
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It has nothing to say; if it panicked, that was printed.
            let _ = thread.join();
        }
    }
}
