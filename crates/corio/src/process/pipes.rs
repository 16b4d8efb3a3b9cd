//! Pipes between tasks and processes.

use std::io;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use socket2::SockRef;

use crate::net::Async;

/// The end of a pipe that is read: what a child writes to its standard output or error.
///
/// Several tasks may read by reference; each byte goes to one of them. For lines and limits, and all
/// else that asyncio's `Process.stdout` has, there is [`into_reader`](Async::into_reader).
pub type PipeReader = Async<io::PipeReader>;

/// The end of a pipe that is written: what a child reads from its standard input. Dropping it is the
/// end of that.
///
/// A write waits when the pipe is full (64 KiB, as a rule). When nobody reads any more, the error is
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe). To write without waiting, as to asyncio's
/// `Process.stdin`, there is [`into_writer`](Async::into_writer).
pub type PipeWriter = Async<io::PipeWriter>;

impl PipeReader {
    /// Makes this end the standard input of another process. The bytes then go from one process to
    /// the other, and not through this one.
    ///
    /// # Errors
    ///
    /// Of the system.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::process::{Command, Stdio};
    ///
    /// corio::run(|| {
    ///     let mut words = Command::new("printf").arg("c\na\nb\n").stdout(Stdio::piped()).spawn()?;
    ///     let words_out = words.stdout.take().expect("it is piped");
    ///     let sorted = Command::new("sort").stdin(words_out.into_stdio()?).output()?;
    ///     assert_eq!(sorted.stdout, b"a\nb\nc\n");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn into_stdio(self) -> io::Result<Stdio> {
        blocking(self.into_inner().into())
    }
}

impl PipeWriter {
    /// Makes this end the standard output or error of another process.
    ///
    /// # Errors
    ///
    /// Of the system.
    pub fn into_stdio(self) -> io::Result<Stdio> {
        blocking(self.into_inner().into())
    }
}

/// Programs expect their standard streams to block.
fn blocking(pipe: OwnedFd) -> io::Result<Stdio> {
    SockRef::from(&pipe).set_nonblocking(false)?;
    Ok(pipe.into())
}
