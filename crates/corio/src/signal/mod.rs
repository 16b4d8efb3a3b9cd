//! Signals: callbacks, an iterator, Ctrl-C. Unix only.
//!
//! A signal that a loop has asked for wakes it and is handled by ordinary code of that loop: by a
//! callback ([`add_signal_handler`](crate::EventLoopHandle::add_signal_handler)), or by a task
//! that waits for it ([`Signals`], [`ctrl_c`]). Several loops in several threads may ask for the
//! same signal; each of them gets it.
//!
//! ```
//! use corio::signal::{self, SIGHUP, SIGTERM, Signals};
//!
//! corio::run(|| {
//!     let signals = Signals::new([SIGHUP, SIGTERM])?;
//! #   signal::raise(SIGHUP)?;
//! #   corio::get_running_loop()?.call_soon(|| signal::raise(SIGTERM).unwrap());
//!     for signal in &signals {
//!         match signal? {
//!             SIGHUP => println!("reading the configuration again"),
//!             _ => break,
//!         }
//!     }
//!     Ok(())
//! })?;
//! # Ok::<(), corio::Error>(())
//! ```
//!
//! As everywhere on Unix, signals of one kind that arrive before the first of them is looked at are
//! one. A loop that listens to a signal is never taken to be deadlocked.
//!
//! When nobody listens to a signal any more, it does what it did before: as a rule, it ends the
//! process.
//!
//! # Ctrl-C
//!
//! While [`run`](crate::run) runs on the main thread of the process, the first Ctrl-C (`SIGINT`)
//! cancels the main task. When that ends cancelled, `run` ends what else there is, as ever, and
//! returns [`KeyboardInterrupt`](crate::KeyboardInterrupt). So destructors run and clean-up code
//! may wait. A task that runs on without waiting gets the cancellation at its next wait. The second
//! Ctrl-C, or one that comes when the main task has ended, ends the process there and then, and the
//! shell learns by which signal. That is asyncio's way; there, too, it takes this much:
//!
//! * `SIGINT` has its default meaning when `run` is called. If the program handles it, or was
//!   started with it ignored, `run` leaves it alone.
//! * Nobody listens to it through this module. [`ctrl_c`] and handlers come first.
//!
//! When the main task has ended, `SIGINT` has its default meaning again.
//!
//! # How it is done
//!
//! A handler in the sense of the operating system may interrupt any instruction of any thread, so
//! it may do next to nothing. It sets a bit in the inbox of each loop that has asked, and rings the
//! bell of that loop's reactor. The loop looks into its inbox once a turn.
//!
//! `signal-hook` keeps a signal that it has once been asked to handle, since it cannot know who
//! else in the process relies on it. What the signal did before is done by its handler then. Ctrl-C
//! is different: every `run` handles it, asked or not, so it is given back for good, and the
//! handler for it is our own.
//!
//! Deliberately absent: handling of signals that tell of a fault (`SIGSEGV`, `SIGBUS`, `SIGILL`,
//! `SIGFPE`). What caused them would go on first.

mod action; // what the process does about a signal: the system call behind it all
mod handlers; // what a loop does with what has arrived
mod inbox; // what the handler and the loop share
mod interrupt; // Ctrl-C and `run`
mod registry; // who listens to what, in the whole process
mod stream; // signals, one after the other

use std::io;

use corio_futures::Result;
use signal_hook::low_level;

pub use registry::BadSignal;
pub use signal_hook::consts::signal::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGIO, SIGPIPE, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN,
    SIGTTOU, SIGURG, SIGUSR1, SIGUSR2, SIGWINCH,
};
pub use stream::Signals;

pub(crate) use handlers::LoopSignals;
pub(crate) use interrupt::Interrupt;

/// Waits for Ctrl-C (`SIGINT`).
///
/// While a task waits here, Ctrl-C does nothing else: it does not cancel the main task. One that
/// comes later does, so a user who loses patience with what the program does about the first can
/// still stop it.
///
/// # Cancellation
///
/// Ends the wait.
///
/// # Errors
///
/// [`NoRunningLoop`](crate::NoRunningLoop) off the loop.
///
/// # Examples
///
/// ```
/// use corio::signal;
///
/// corio::run(|| {
///     let server = corio::create_task(|| corio::Event::new().wait());
/// #   corio::get_running_loop()?.call_soon(|| signal::raise(signal::SIGINT).unwrap());
///     signal::ctrl_c()?;
///     println!("shutting down");
///     server.cancel();
///     assert!(server.wait().unwrap_err().is_cancelled());
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn ctrl_c() -> Result<()> {
    Signals::new([SIGINT])?.wait().map(drop)
}

/// Sends a signal to this process. Python's `signal.raise_signal`.
///
/// # Errors
///
/// If there is no such signal.
pub fn raise(signal: i32) -> io::Result<()> {
    low_level::raise(signal)
}

/// The name of a signal, such as `"SIGTERM"`, if it has one.
///
/// # Examples
///
/// ```
/// assert_eq!(corio::signal::name(corio::signal::SIGTERM), Some("SIGTERM"));
/// ```
#[must_use]
pub fn name(signal: i32) -> Option<&'static str> {
    low_level::signal_name(signal)
}
