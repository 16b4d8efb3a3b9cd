//! A descriptor that can be read when a process has ended.

use std::io;
use std::os::fd::OwnedFd;
use std::thread;

use rustix::io::retry_on_intr;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, waitid, waitpid,
};

use crate::net::io::{Direction, Registered};

const WHAT: &str = "the end of a process";

/// The end of a child that nobody has reaped yet, to be waited for any number of times.
#[derive(Debug)]
pub(super) struct Exit {
    readable: Registered<OwnedFd>,
    pid: Pid,
    is_pidfd: bool,
}

impl Exit {
    pub(super) fn of(pid: Pid) -> io::Result<Self> {
        // Refused by old systems, by sandboxes, and when there are no descriptors left.
        match pidfd(pid) {
            Ok(pidfd) => Self::new(pidfd, pid, true),
            Err(_) => Self::by_thread(pid),
        }
    }

    fn by_thread(pid: Pid) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let thread = thread::Builder::new().name(format!("waits for process {pid}"));
        thread.spawn(move || {
            // Leaves it to the loop to reap: until then the number is not given to another.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let _ = retry_on_intr(|| waitid(WaitId::Pid(pid), options));
            drop(writer);
        })?;
        Self::new(reader.into(), pid, false)
    }

    fn new(descriptor: OwnedFd, pid: Pid, is_pidfd: bool) -> io::Result<Self> {
        Ok(Self { readable: Registered::new(descriptor, WHAT)?, pid, is_pidfd })
    }

    /// Asks `poll` when the process may have ended, until it knows how it did.
    #[track_caller]
    pub(super) fn wait<T>(&self, poll: impl Fn() -> io::Result<Option<T>>) -> io::Result<T> {
        self.readable.perform(Direction::Read, WHAT, |_| {
            poll()?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
        })
    }

    /// Sends a signal to the process, which must not have been reaped.
    pub(super) fn send(&self, signal: Signal) -> io::Result<()> {
        let sent = if self.is_pidfd {
            send_by_pidfd(self.readable.get(), signal)
        } else {
            kill_process(self.pid, signal)
        };
        match sent {
            // Somebody else has reaped it.
            Err(rustix::io::Errno::SRCH) => Ok(()),
            sent => Ok(sent?),
        }
    }
}

/// Has a thread reap a process that nobody waits for any more.
pub(super) fn reap_by_thread(pid: Pid) {
    let thread = thread::Builder::new().name(format!("reaps process {pid}"));
    // Without a thread it stays a zombie until this process ends.
    let _ = thread.spawn(move || {
        let _ = retry_on_intr(|| waitpid(Some(pid), WaitOptions::empty()));
    });
}

#[cfg(target_os = "linux")]
fn pidfd(pid: Pid) -> rustix::io::Result<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
}

#[cfg(target_os = "linux")]
fn send_by_pidfd(pidfd: &OwnedFd, signal: Signal) -> rustix::io::Result<()> {
    rustix::process::pidfd_send_signal(pidfd, signal)
}

#[cfg(not(target_os = "linux"))]
fn pidfd(_: Pid) -> rustix::io::Result<OwnedFd> {
    Err(rustix::io::Errno::NOSYS)
}

#[cfg(not(target_os = "linux"))]
fn send_by_pidfd(_: &OwnedFd, _: Signal) -> rustix::io::Result<()> {
    Err(rustix::io::Errno::NOSYS)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    use super::*;

    /// What systems without pidfds have, tried on one that may have them.
    #[test]
    fn a_thread_tells_of_the_end_and_leaves_the_reaping_to_the_loop() -> crate::Result<()> {
        crate::run(|| {
            let child = RefCell::new(Command::new("sleep").arg("60").spawn()?);
            let exit = Exit::by_thread(super::super::reaping::pid_of(&child.borrow()))?;
            assert!(!exit.is_pidfd);
            let wait = || Ok(exit.wait(|| child.borrow_mut().try_wait())?);
            let kill = || Ok(exit.send(Signal::TERM)?);
            let (one, other, ()) = crate::gather((wait, wait, kill))?;
            assert_eq!((one.signal(), other), (Some(crate::signal::SIGTERM), one));
            Ok(())
        })
    }
}
