//! Streams over what goes one way: a pipe, a FIFO, a terminal, a device.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

#[cfg(unix)]
use corio_futures::Result;
use polling::AsSource;

use super::connection::Connection;
use super::{StreamReader, StreamWriter, Transport};
use crate::net::Async;
use crate::net::io::Direction;

/// A reader of a pipe, or of whatever else can be read and waited for. asyncio's
/// `loop.connect_read_pipe`.
///
/// Takes the descriptor over, and puts it in non-blocking mode, as [`Async::new`]. Dropping the
/// reader closes it.
///
/// What a child writes is in an [`Async`] already, which has [`into_reader`](Async::into_reader); what
/// only *has* a descriptor, such as a library's serial port, can be put into one. Standard input
/// should rather be left in the mode that it is in, and read by
/// [`stdio::stdin`](crate::stdio::stdin).
///
/// # Errors
///
/// As [`Async::new`].
///
/// # Examples
///
/// ```
/// use corio::{connect_read_pipe, connect_write_pipe};
///
/// corio::run(|| {
///     let (reader, writer) = std::io::pipe()?;
///     let mut reader = connect_read_pipe(reader)?;
///     let writer = connect_write_pipe(writer)?;
///     writer.write("one\ntwo\n")?;
///     writer.close();
///     let lines: corio::Result<Vec<String>> = reader.lines().collect();
///     assert_eq!(lines?, ["one", "two"]);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[cfg(unix)]
pub fn connect_read_pipe(pipe: impl Into<std::os::fd::OwnedFd>) -> Result<StreamReader> {
    Ok(Async::new(io::PipeReader::from(pipe.into()))?.into_reader())
}

/// A writer to a pipe, or to whatever else can be written and waited for. asyncio's
/// `loop.connect_write_pipe`.
///
/// As [`connect_read_pipe`], and for [`Async::into_writer`], which says how such a writer ends.
///
/// # Errors
///
/// As [`Async::new`].
#[cfg(unix)]
pub fn connect_write_pipe(pipe: impl Into<std::os::fd::OwnedFd>) -> Result<StreamWriter> {
    Ok(Async::new(io::PipeWriter::from(pipe.into()))?.into_writer())
}

impl<T: AsSource + fmt::Debug + 'static> Async<T>
where
    for<'a> &'a T: Read,
{
    /// A reader of this: with lines, separators and limits, and a buffer. What asyncio has for a
    /// process's `stdout` and `stderr`.
    ///
    /// Nothing is read ahead: who does not read holds up who writes. Dropping the reader closes the
    /// descriptor, and what is in its buffer is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use corio::process::{Command, Stdio};
    ///
    /// corio::run(|| {
    ///     let mut child = Command::new("printf").arg("one\ntwo").stdout(Stdio::piped()).spawn()?;
    ///     let mut stdout = child.stdout.take().expect("it is piped").into_reader();
    ///     assert_eq!(stdout.read_until("\n")?, b"one\n");
    ///     assert_eq!(stdout.read_exactly(3)?, b"two");
    ///     assert!(child.wait()?.success());
    ///     Ok(())
    /// })?;
    /// # }
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn into_reader(self) -> StreamReader {
        StreamReader::new(Connection::new(Rc::new(ReadEnd(self))))
    }
}

impl<T: AsSource + fmt::Debug + 'static> Async<T>
where
    for<'a> &'a T: Write,
{
    /// A writer to this: what is not taken at once is sent in the background, up to the
    /// [high-water mark](StreamWriter::set_high_water_mark). What asyncio has for a process's
    /// `stdin`.
    ///
    /// When all is sent, [`close`](StreamWriter::close), [`write_eof`](StreamWriter::write_eof) and
    /// dropping the writer all close the descriptor, by which the reader of a pipe sees the end.
    ///
    /// When nobody reads a pipe any more, the error is
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe), as long as the process ignores `SIGPIPE`: a
    /// Rust program does from its start (see [`Async`](Async#broken-pipes)). What was buffered is lost, and
    /// [`flush`](StreamWriter::flush) or [`wait_closed`](StreamWriter::wait_closed) say so.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use corio::process::{Command, Stdio};
    ///
    /// corio::run(|| {
    ///     let mut tr = Command::new("tr");
    ///     let mut tr = tr.args(["a-z", "A-Z"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    ///     let stdin = tr.stdin.take().expect("it is piped").into_writer();
    ///     let mut stdout = tr.stdout.take().expect("it is piped").into_reader();
    ///     stdin.write("shout\n")?;
    ///     stdin.close();
    ///     assert_eq!(stdout.read_line()?, b"SHOUT\n");
    ///     Ok(())
    /// })?;
    /// # }
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn into_writer(self) -> StreamWriter {
        StreamWriter::new(Connection::one_way(Rc::new(WriteEnd(self))))
    }
}

/// What bytes come out of. No writer is ever made over it.
#[derive(Debug)]
struct ReadEnd<T: AsSource + 'static>(Async<T>);

/// What bytes go into. No reader is ever made over it.
#[derive(Debug)]
struct WriteEnd<T: AsSource + 'static>(Async<T>);

impl<T: AsSource + fmt::Debug + 'static> Transport for ReadEnd<T>
where
    for<'a> &'a T: Read,
{
    #[track_caller]
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut &self.0, buffer)
    }

    #[track_caller]
    fn wait_readable(&self) -> io::Result<()> {
        self.0.registered().ready_to_read("bytes to read")
    }

    fn try_write(&self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn wait_writable(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        Ok(())
    }
}

impl<T: AsSource + fmt::Debug + 'static> Transport for WriteEnd<T>
where
    for<'a> &'a T: Write,
{
    fn read(&self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.registered().attempt(Direction::Write, |mut io| io.write(bytes))
    }

    #[track_caller]
    fn wait_writable(&self) -> io::Result<()> {
        self.0.registered().ready(Direction::Write, "room to write")
    }

    /// The descriptor is closed when the last who uses it lets go of it: so nobody must wait on.
    fn shutdown(&self, _: Shutdown) -> io::Result<()> {
        self.0.registered().release();
        Ok(())
    }
}
