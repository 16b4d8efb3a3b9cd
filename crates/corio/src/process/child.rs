//! A running process.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{self, ExitStatus};
use std::rc::Rc;

use super::communicate::Conversation;
use super::reaping::Process;
use super::{PipeReader, PipeWriter};
use crate::net::Async;
use crate::signal::SIGTERM;

/// A process that was started by a [`Command`](super::Command). asyncio's `Process`.
///
/// Dropping it leaves the process running, unless
/// [`kill_on_drop`](super::Command::kill_on_drop) was set. It is reaped in any case.
///
/// # Examples
///
/// ```
/// use std::os::unix::process::ExitStatusExt;
///
/// use corio::signal::SIGTERM;
///
/// corio::run(|| {
///     let child = corio::create_subprocess_exec("sleep", ["60"])?;
///     corio::task_group(|group| {
///         for _ in 0..3 {
///             group.create_task(|| {
///                 assert_eq!(child.wait()?.signal(), Some(SIGTERM));
///                 Ok(())
///             });
///         }
///         Ok(child.terminate()?)
///     })
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[must_use = "dropping a child lets its process run on"]
pub struct Child {
    /// What is written here the process reads, if its standard input is
    /// [piped](super::Stdio::piped). To be dropped for the process to see the end.
    pub stdin: Option<PipeWriter>,
    /// What the process writes to its standard output, if that is piped. It can be read after the
    /// process has ended, too.
    pub stdout: Option<PipeReader>,
    /// What the process writes to its standard error, if that is piped.
    pub stderr: Option<PipeReader>,
    pub(super) conversation: Conversation,
    pub(super) process: Rc<Process>,
    kill_on_drop: bool,
}

impl Child {
    /// Takes charge of a child. If that fails, it is killed.
    pub(super) fn new(mut child: process::Child, kill_on_drop: bool) -> io::Result<Self> {
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut child = Self {
            stdin: None,
            stdout: None,
            stderr: None,
            conversation: Conversation::default(),
            process: Process::new(child)?,
            kill_on_drop: true, // until it is complete
        };
        child.stdin = stdin.map(|pipe| Async::new(OwnedFd::from(pipe).into())).transpose()?;
        child.stdout = stdout.map(|pipe| Async::new(OwnedFd::from(pipe).into())).transpose()?;
        child.stderr = stderr.map(|pipe| Async::new(OwnedFd::from(pipe).into())).transpose()?;
        child.kill_on_drop = kill_on_drop;
        Ok(child)
    }

    /// The number of the process. When it has been waited for, the system may give it to another.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the process has ended. Any number of tasks may, and each learns how.
    ///
    /// The pipes are left as they are: a process that reads its standard input to the end will not
    /// end before [`stdin`](Self::stdin) is dropped, and one that writes more than a pipe holds not
    /// before that is read. [`communicate`](Self::communicate) sees to both.
    ///
    /// # Cancellation
    ///
    /// Ends the wait; the process runs on. [`timeout`](crate::timeout) sets a limit.
    ///
    /// # Errors
    ///
    /// A cancellation; if somebody else has reaped the process; off the loop, if it has not ended.
    #[track_caller]
    pub fn wait(&self) -> io::Result<ExitStatus> {
        self.process.wait()
    }

    /// How the process ended, if it has. asyncio's `returncode`.
    ///
    /// # Errors
    ///
    /// If somebody else has reaped it.
    pub fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.process.poll()
    }

    /// Sends a signal to the process; see [`signal`](crate::signal) for their names. To one that has
    /// ended, nothing is sent, and that is no error, for it may end at any moment. (asyncio raises
    /// `ProcessLookupError` if it knows already.)
    ///
    /// # Errors
    ///
    /// If there is no such signal, or the process has changed its user.
    pub fn send_signal(&self, signal: i32) -> io::Result<()> {
        self.process.send_signal(signal)
    }

    /// Asks the process to end, by `SIGTERM`.
    ///
    /// # Errors
    ///
    /// As [`send_signal`](Self::send_signal).
    pub fn terminate(&self) -> io::Result<()> {
        self.send_signal(SIGTERM)
    }

    /// Ends the process, by `SIGKILL`, and does not wait for that.
    ///
    /// # Errors
    ///
    /// As [`send_signal`](Self::send_signal).
    pub fn kill(&self) -> io::Result<()> {
        self.send_signal(libc::SIGKILL)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.kill_on_drop {
            // One that has changed its user cannot be killed.
            let _ = self.kill();
        }
        Rc::clone(&self.process).reap_in_background();
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id())
            .field("stdin", &self.stdin)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .finish_non_exhaustive()
    }
}
