//! The queue through which other threads reach a loop, and whether the loop sleeps.
//!
//! ```text
//!                  push                       push, and whoever pushed rings
//!     AWAKE ───────────────────▶ MAIL ◀───────────────────────────────────── ASLEEP
//!      ▲ │                        │                                           ▲ │
//!      │ │                        │                                           │ │
//!      ├─┼────── collect ─────────┘                                           │ │
//!      │ └────────────────────── nod_off ─────────────────────────────────────┘ │
//!      └──────────────────────── wake_up ───────────────────────────────────────┘
//! ```
//!
//! One word says how things stand, and every change of it is one atomic step. Whoever pushes puts
//! the message into the queue first and then sets MAIL; so a loop that goes from AWAKE to ASLEEP
//! has missed nothing, and whoever comes later finds ASLEEP, rings, and is the only one who does.
//! A loop that is awake is never rung for.
//!
//! Deliberately absent: a lock-free queue. The lock is held for as long as it takes to move a
//! message, and the loop takes it once for a whole batch.

use std::mem;

use crossbeam_utils::CachePadded;

use super::sync::{AtomicU8, AtomicUsize, Mutex, Ordering};

const AWAKE: u8 = 0;
const MAIL: u8 = 1;
const ASLEEP: u8 = 2;

pub(super) struct Inbox<M> {
    /// On a cache line of its own: the loop reads it every turn.
    word: CachePadded<AtomicU8>,
    /// Those who may yet push, as far as they are counted.
    senders: AtomicUsize,
    /// `None` once the loop is closed.
    queue: Mutex<Option<Vec<M>>>,
}

/// How the loop was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a loop that sleeps must be woken"]
pub(super) enum Found {
    Awake,
    Asleep,
}

impl<M> Inbox<M> {
    pub(super) fn new() -> Self {
        Self {
            word: CachePadded::new(AtomicU8::new(AWAKE)),
            senders: AtomicUsize::new(0),
            queue: Mutex::new(Some(Vec::new())),
        }
    }

    /// Puts a message at the end. Gives it back if the loop is closed.
    pub(super) fn push(&self, message: M) -> Result<Found, M> {
        match self.queue.lock().expect("nothing panics under this lock").as_mut() {
            Some(queue) => queue.push(message),
            None => return Err(message),
        }
        Ok(self.knock())
    }

    /// Has the loop look.
    fn knock(&self) -> Found {
        // Release: who finds MAIL finds the message. Acquire: who comes second is ordered after
        // the first, so that whoever finds the second's MAIL finds the first's message too.
        match self.word.swap(MAIL, Ordering::AcqRel) {
            ASLEEP => Found::Asleep,
            _ => Found::Awake,
        }
    }

    pub(super) fn add_sender(&self) {
        self.senders.fetch_add(1, Ordering::Relaxed);
    }

    /// The last one has the loop look, for it may sleep only in the hope of a message.
    pub(super) fn remove_sender(&self) -> Found {
        // Release: who finds no sender finds what was sent.
        match self.senders.fetch_sub(1, Ordering::Release) {
            1 => self.knock(),
            _ => Found::Awake,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.queue.lock().expect("nothing panics under this lock").is_none()
    }

    /// Whether there may be messages. For the loop, as everything below.
    #[inline]
    pub(super) fn has_mail(&self) -> bool {
        self.word.load(Ordering::Relaxed) == MAIL
    }

    /// Whether there is mail, or somebody who may send some.
    pub(super) fn may_get_mail(&self) -> bool {
        // In this order: who drops the last handle may have used it just before.
        self.senders.load(Ordering::Acquire) > 0 || self.has_mail()
    }

    /// Moves all messages into `into`, which is empty.
    pub(super) fn collect(&self, into: &mut Vec<M>) {
        debug_assert!(into.is_empty());
        // Before the queue is looked at: whoever comes after that sets MAIL again.
        self.word.swap(AWAKE, Ordering::AcqRel);
        if let Some(queue) = self.queue.lock().expect("nothing panics under this lock").as_mut() {
            mem::swap(queue, into);
        }
    }

    /// To be called before the loop sleeps, which it may only if this says so.
    pub(super) fn nod_off(&self) -> bool {
        let slept = self.word.compare_exchange(AWAKE, ASLEEP, Ordering::AcqRel, Ordering::Relaxed);
        slept.is_ok()
    }

    /// To be called when the loop has slept, whatever woke it.
    pub(super) fn wake_up(&self) {
        // If it was not asleep any more, there is mail.
        let _ = self.word.compare_exchange(ASLEEP, AWAKE, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Takes no messages any more. What was in the queue is the caller's to drop.
    pub(super) fn close(&self) -> Option<Vec<M>> {
        self.queue.lock().expect("nothing panics under this lock").take()
    }
}
