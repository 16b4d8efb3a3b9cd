//! Who listens to which signal, in the whole process.
//!
//! `signal-hook` calls what was registered for a signal, and keeps the signal for ever. So beside
//! those who listen there is, from the first of them on, one more action for each signal: what the
//! signal did before, if nobody listens.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::SigId;
use signal_hook::consts::{FORBIDDEN, SIGBUS, SIGINT, SIGKILL, SIGSTOP};
use signal_hook::low_level;

use super::action::{self, Action};
use super::inbox::Inbox;
use super::interrupt;

/// The greatest signal that a set has room for. Linux has no greater one.
pub(super) const LAST: i32 = 64;

/// The signals that were ever listened to.
static TAKEN_OVER: Mutex<BTreeMap<i32, Arc<TakenOver>>> = Mutex::new(BTreeMap::new());

/// A signal that `signal-hook` handles for us.
struct TakenOver {
    /// Whether the signal had its default meaning before.
    was_default: bool,
    /// What calls the actions for it.
    dispatch: Action,
    listeners: Arc<AtomicUsize>,
}

/// A signal is put into an inbox as long as this lives.
pub(super) struct Listening {
    id: SigId,
    taken_over: Arc<TakenOver>,
}

impl Listening {
    pub(super) fn begin(signal: i32, inbox: &Arc<Inbox>) -> Result<Self, BadSignal> {
        BadSignal::check(signal)?;
        let taken_over =
            TakenOver::ensure(signal).map_err(|error| BadSignal::of(signal, &error))?;
        let inbox = Arc::clone(inbox);
        // First, so that no signal is taken for one that nobody listens to.
        taken_over.listeners.fetch_add(1, Ordering::Relaxed);
        // SAFETY: `put` may be called by a signal handler.
        let registered = unsafe { low_level::register(signal, move || inbox.put(signal)) };
        match registered {
            Ok(id) => Ok(Self { id, taken_over }),
            Err(error) => {
                taken_over.listeners.fetch_sub(1, Ordering::Relaxed);
                Err(BadSignal::of(signal, &error))
            }
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // First, so that a signal is not lost that arrives in between.
        self.taken_over.listeners.fetch_sub(1, Ordering::Relaxed);
        low_level::unregister(self.id);
    }
}

impl TakenOver {
    fn ensure(signal: i32) -> io::Result<Arc<Self>> {
        let mut all = TAKEN_OVER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken_over) = all.get(&signal) {
            return Ok(Arc::clone(taken_over));
        }
        let before = Action::current(signal)?;
        let was_default = before.is_default() || interrupt::is_ours(signal, before);
        let listeners = Arc::new(AtomicUsize::new(0));
        let listening = Arc::clone(&listeners);
        let fallback = move || {
            if was_default && listening.load(Ordering::Relaxed) == 0 {
                nobody_listens(signal);
            }
        };
        // SAFETY: an atomic may be read by a signal handler, and `nobody_listens` be called.
        unsafe { low_level::register(signal, fallback) }?;
        // `signal-hook` would run its handler on whatever stack it interrupts.
        let dispatch = Action::current(signal)?.on_signal_stack();
        dispatch.set(signal)?;
        let taken_over = Arc::new(Self { was_default, dispatch, listeners });
        all.insert(signal, Arc::clone(&taken_over));
        Ok(taken_over)
    }
}

/// What a signal does that nobody listens to. May be called by a signal handler.
fn nobody_listens(signal: i32) {
    match signal {
        SIGINT => interrupt::interrupt(),
        _ => action::do_default(signal),
    }
}

/// Whether `current`, which is what is done about `signal`, ends in [`nobody_listens`].
pub(super) fn stands_in(signal: i32, current: Action) -> bool {
    let all = TAKEN_OVER.lock().unwrap_or_else(PoisonError::into_inner);
    all.get(&signal).is_some_and(|taken_over| {
        taken_over.was_default && current.calls_the_same_as(taken_over.dispatch)
    })
}

/// A signal that cannot be listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSignal {
    /// There is no such signal, or it is not for programs to use.
    #[error("there is no signal {0}")]
    Unknown(i32),
    /// `SIGKILL` or `SIGSTOP`.
    #[error(
        "{} cannot be listened to: the operating system lets no process handle it",
        low_level::signal_name(*.0).unwrap_or("this signal")
    )]
    Uncatchable(i32),
    /// A signal that tells of a fault, such as `SIGSEGV`.
    #[error(
        "{} cannot be listened to: it tells of a fault, and what caused it would go on first",
        low_level::signal_name(*.0).unwrap_or("this signal")
    )]
    Fault(i32),
}

impl BadSignal {
    fn check(signal: i32) -> Result<(), Self> {
        match signal {
            SIGKILL | SIGSTOP => Err(Self::Uncatchable(signal)),
            SIGBUS => Err(Self::Fault(signal)),
            _ if FORBIDDEN.contains(&signal) => Err(Self::Fault(signal)),
            1..=LAST => Ok(()),
            _ => Err(Self::Unknown(signal)),
        }
    }

    /// What the operating system has refused, which it does for one reason only.
    fn of(signal: i32, _: &io::Error) -> Self {
        Self::Unknown(signal)
    }
}
