//! Subprocesses, in the shape of [`std::process`]. Unix only.
//!
//! [`Command`] is std's, except that what it starts is a [`Child`] whose pipes and whose end a task
//! can wait for while others run.
//!
//! ```
//! use std::io::{BufRead, BufReader};
//! use std::time::Duration;
//!
//! use corio::process::{Command, Stdio};
//!
//! corio::run(|| {
//!     let mut child = Command::new("printf").arg("one\ntwo\n").stdout(Stdio::piped()).spawn()?;
//!     let stdout = child.stdout.take().expect("it is piped");
//!     for line in BufReader::new(stdout).lines() {
//!         println!("it says {}", line?);
//!     }
//!     let status = corio::timeout(Duration::from_secs(5), || Ok(child.wait()?))?;
//!     assert!(status.success());
//!     Ok(())
//! })?;
//! # Ok::<(), corio::Error>(())
//! ```
//!
//! **Pipes** are [`Async`](crate::net::Async) pipes of std: [`io::Read`](std::io::Read) and
//! [`io::Write`](std::io::Write), for whatever is written for these. asyncio's streams, with lines,
//! limits and writing in the background, are one call away:
//! [`into_reader`](crate::net::Async::into_reader), [`into_writer`](crate::net::Async::into_writer). A
//! pipe holds 64 KiB, as a rule; a process whose output nobody reads stops when it is full, so write
//! in one task and read in another, or [`communicate`](Child::communicate). To have the system connect two
//! processes, turn the end of one into the [`Stdio`] of the other: [`PipeReader::into_stdio`].
//!
//! **How it ended** is std's [`ExitStatus`]. Where asyncio has a `returncode` of −9, that has
//! [`signal()`](std::os::unix::process::ExitStatusExt::signal) 9.
//!
//! **Who waits.** On Linux a *pidfd*, a descriptor that stands for the process and is ready to be
//! read when it has ended. Elsewhere, and where the system refuses one, a pipe that a thread closes
//! then. The loop waits for either as for a socket. It alone reaps, so as long as it has not, the
//! number of the process is nobody else's, and a signal cannot hit a stranger.
//!
//! **Who reaps.** Whoever waits. If nobody does, and the [`Child`] is dropped, a task does in the
//! background; when the loop ends before the process, a thread. So there are no zombies. The process
//! itself is left alone, as in std, unless [`kill_on_drop`](Command::kill_on_drop) says otherwise.
//!
//! Deliberately absent: waiting for processes that were started elsewhere, and reading ahead of whoever
//! reads a pipe. Starting a process (`fork`, `exec`) blocks the thread for the moment that it takes.

mod child;
mod command;
mod communicate;
mod exit;
mod pipes;
mod reaping;
mod subprocess;

pub use std::process::{ExitStatus, Output, Stdio};

pub use child::Child;
pub use command::Command;
pub use pipes::{PipeReader, PipeWriter};
pub use subprocess::{create_subprocess_exec, create_subprocess_shell};
