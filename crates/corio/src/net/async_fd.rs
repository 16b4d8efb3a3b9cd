//! Any file descriptor on the loop.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use corio_futures::{Error, Result};
use polling::AsSource;
use socket2::SockRef;

use super::io::{Direction, Registered};
use super::sys;
use crate::sleep;
use crate::task::{TaskHandle, TaskOptions, create_task_with};

/// Any file descriptor (on Windows: socket) whose readiness the loop can wait for: a pipe, a
/// terminal, a device, the socket of a library.
///
/// Three ways to use it. [`read_with`](Self::read_with) and [`write_with`](Self::write_with) perform
/// an operation of your choice as often as it takes; that is all that [`Read`] and [`Write`] do,
/// which are there if `&T` has them. Where a library reads on its own account,
/// [`readable`](Self::readable) and [`writable`](Self::writable) say when it is time to let it. And
/// [`into_reader`](Self::into_reader) and [`into_writer`](Self::into_writer) make asyncio's streams.
///
/// # Broken pipes
///
/// A write to a pipe that nobody reads any more is an error of the kind
/// [`BrokenPipe`](io::ErrorKind::BrokenPipe), as long as the process ignores `SIGPIPE`. A Rust program
/// does from its start. Where the signal has its default action, as in a library that a program in C
/// has loaded, such a write ends the process: for a socket the system can be told not to send the
/// signal, and corio tells it, but not for a pipe. There,
/// [`add_signal_handler`](crate::EventLoopHandle::add_signal_handler)`(SIGPIPE, || {})` will do:
/// while somebody listens to a signal it does nothing else.
///
/// # Cancellation
///
/// A read or a write that is cancelled while it waits has done nothing. Functions of std that read or
/// write several times, such as [`read_exact`](Read::read_exact), may have begun: see
/// [`Stream`](super::Stream).
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// use corio::net::Async;
///
/// # #[cfg(unix)]
/// corio::run(|| {
///     let (reader, writer) = std::io::pipe()?;
///     let (mut reader, mut writer) = (Async::new(reader)?, Async::new(writer)?);
///     let writing = corio::create_task(move || Ok(writer.write_all(b"through a pipe")?));
///     let mut text = String::new();
///     reader.read_to_string(&mut text)?;
///     assert_eq!(text, "through a pipe");
///     writing.wait()
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct Async<T: AsSource> {
    registered: Registered<T>,
    reader: RefCell<Option<TaskHandle>>,
    writer: RefCell<Option<TaskHandle>>,
}

impl<T: AsSource + 'static> Async<T> {
    /// Registers `io` with the loop, and puts it in non-blocking mode. So are its duplicates then,
    /// also those in other processes: mind that for standard input and output.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for regular files and directories, which the
    /// system cannot wait for; [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the descriptor
    /// belongs to something else of the loop; off the loop.
    pub fn new(io: T) -> io::Result<Self> {
        let registered = Registered::new(io, "a file descriptor")?;
        // What the system cannot wait for is left as it was.
        SockRef::from(registered.get()).set_nonblocking(true)?;
        Ok(Self { registered, reader: RefCell::new(None), writer: RefCell::new(None) })
    }

    /// What was registered.
    pub fn get_ref(&self) -> &T {
        self.registered.get()
    }

    /// Ends the registration and gives back what was registered, in non-blocking mode.
    pub fn into_inner(self) -> T {
        self.registered.into_inner()
    }

    pub(crate) fn registered(&self) -> &Registered<T> {
        &self.registered
    }

    /// Waits until there is something to read, or the end, or an error: until a read would not
    /// block.
    ///
    /// Asks the system each time, so it may be used with code that reads on its own account and
    /// tells nobody how much. (Windows cannot be asked: there it may return too early.)
    ///
    /// # Cancellation
    ///
    /// Ends the wait.
    ///
    /// # Errors
    ///
    /// A cancellation, as an [`io::Error`]; off the loop.
    #[track_caller]
    pub fn readable(&self) -> io::Result<()> {
        self.wait_until_ready(Direction::Read, "something to read")
    }

    /// Waits until there is room to write, or an error: until a write would not block.
    ///
    /// # Cancellation
    ///
    /// As [`readable`](Self::readable).
    ///
    /// # Errors
    ///
    /// As [`readable`](Self::readable).
    #[track_caller]
    pub fn writable(&self) -> io::Result<()> {
        self.wait_until_ready(Direction::Write, "room to write")
    }

    #[track_caller]
    fn wait_until_ready(&self, direction: Direction, what: &'static str) -> io::Result<()> {
        self.registered.perform(direction, what, |io| {
            if sys::is_ready(io, direction)? { Ok(()) } else { Err(WOULD_BLOCK.into()) }
        })
    }

    /// Performs `read`, and again whenever there is something to read, until its error is another
    /// than [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Cancellation
    ///
    /// Ends the wait between two calls of `read`.
    ///
    /// # Errors
    ///
    /// What `read` returns; a cancellation, as an [`io::Error`]; off the loop.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Read;
    ///
    /// use corio::net::Async;
    ///
    /// # #[cfg(unix)]
    /// corio::run(|| {
    ///     let (reader, writer) = std::io::pipe()?;
    ///     drop(writer);
    ///     let reader = Async::new(reader)?;
    ///     let count = reader.read_with(|mut pipe| pipe.read(&mut [0; 16]))?;
    ///     assert_eq!(count, 0, "the end");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn read_with<R>(&self, read: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.perform(Direction::Read, "something to read", read)
    }

    /// Performs `write`, and again whenever there is room to write, until its error is another
    /// than [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// # Cancellation
    ///
    /// As [`read_with`](Self::read_with).
    ///
    /// # Errors
    ///
    /// As [`read_with`](Self::read_with).
    #[track_caller]
    pub fn write_with<R>(&self, write: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.perform(Direction::Write, "room to write", write)
    }

    #[track_caller]
    fn perform<R>(
        &self,
        direction: Direction,
        what: &'static str,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        let reactor = self.registered.event_loop().reactor();
        self.registered.perform(direction, what, |io| {
            let polls = reactor.statistics().waits;
            operation(io).map_err(|error| {
                // The operation has itself waited for something: what the system said meanwhile is
                // newer than its answer.
                let outdated = reactor.statistics().waits != polls;
                if error.kind() == WOULD_BLOCK && outdated {
                    io::ErrorKind::Interrupted.into()
                } else {
                    error
                }
            })
        })
    }

    /// Has `callback` called whenever there is something to read, or the end, until
    /// [`remove_reader`](Self::remove_reader) says otherwise. asyncio's `loop.add_reader`.
    ///
    /// Takes the place of the reader that there was. The callback runs in a task of its own, so it
    /// may wait; it is called again as long as there is something left to read. It keeps the
    /// descriptor open. If it panics, that is reported and the reader is gone.
    ///
    /// # Errors
    ///
    /// If no loop runs, or another than the descriptor's.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::rc::Rc;
    ///
    /// use corio::net::Async;
    ///
    /// # #[cfg(unix)]
    /// corio::run(|| {
    ///     let (reader, mut writer) = std::io::pipe()?;
    ///     let reader = Rc::new(Async::new(reader)?);
    ///     let (promise, first_byte) = corio::create_future();
    ///     let (pipe, mut promise) = (Rc::clone(&reader), Some(promise));
    ///     reader.add_reader(move || {
    ///         let mut byte = [0];
    ///         pipe.get_ref().read_exact(&mut byte).expect("there is one");
    ///         promise.take().expect("called once").set_result(byte[0]).expect("not cancelled");
    ///         pipe.remove_reader();
    ///     })?;
    ///     writer.write_all(b"!")?;
    ///     assert_eq!(first_byte.wait()?, b'!');
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn add_reader(self: &Rc<Self>, callback: impl FnMut() + 'static) -> Result<()> {
        let task = self.watch("reader", Self::readable, callback)?;
        cancel(self.reader.replace(Some(task)));
        Ok(())
    }

    /// As [`add_reader`](Self::add_reader), for room to write. asyncio's `loop.add_writer`.
    ///
    /// # Errors
    ///
    /// As [`add_reader`](Self::add_reader).
    pub fn add_writer(self: &Rc<Self>, callback: impl FnMut() + 'static) -> Result<()> {
        let task = self.watch("writer", Self::writable, callback)?;
        cancel(self.writer.replace(Some(task)));
        Ok(())
    }

    /// Takes the reader away. Says whether there was one. asyncio's `loop.remove_reader`.
    pub fn remove_reader(&self) -> bool {
        cancel(self.reader.take())
    }

    /// Takes the writer away. Says whether there was one. asyncio's `loop.remove_writer`.
    pub fn remove_writer(&self) -> bool {
        cancel(self.writer.take())
    }

    fn watch(
        self: &Rc<Self>,
        what: &'static str,
        wait: fn(&Self) -> io::Result<()>,
        mut callback: impl FnMut() + 'static,
    ) -> Result<TaskHandle> {
        self.registered.check_loop("a file descriptor")?;
        let this = Rc::clone(self);
        let options = TaskOptions::new().name(what);
        let task = create_task_with(options, move || -> Result<()> {
            loop {
                wait(&this)?;
                callback();
                sleep(Duration::ZERO)?;
            }
        });
        task.handle().ok_or_else(|| Error::from(crate::LoopClosed))
    }
}

const WOULD_BLOCK: io::ErrorKind = io::ErrorKind::WouldBlock;

/// Ends the task of a reader or writer. Says whether there was one.
fn cancel(task: Option<TaskHandle>) -> bool {
    task.is_some_and(|task| task.cancel())
}

impl<T: AsSource + 'static> Read for &Async<T>
where
    for<'a> &'a T: Read,
{
    #[track_caller]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.read_with(|mut io| io.read(buffer))
    }
}

impl<T: AsSource + 'static> Write for &Async<T>
where
    for<'a> &'a T: Write,
{
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.write_with(|mut io| io.write(bytes))
    }

    #[track_caller]
    fn flush(&mut self) -> io::Result<()> {
        self.write_with(|mut io| io.flush())
    }
}

impl<T: AsSource + 'static> Read for Async<T>
where
    for<'a> &'a T: Read,
{
    #[track_caller]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl<T: AsSource + 'static> Write for Async<T>
where
    for<'a> &'a T: Write,
{
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    #[track_caller]
    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

#[cfg(unix)]
impl<T: AsSource + 'static> std::os::fd::AsFd for Async<T> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsSource + fmt::Debug + 'static> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Async").field(self.get_ref()).finish()
    }
}
