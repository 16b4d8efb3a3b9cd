//! Reading, with a buffer and a limit.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use corio_futures::{Error, Result};
use memchr::memmem;

use super::buffer::Buffer;
use super::connection::Connection;
use super::{IncompleteRead, LimitOverrun};

/// How far a reader looks for a separator. asyncio's figure.
const LIMIT: usize = 64 * 1024;

/// The reading end of a connection, or of a pipe. asyncio's `StreamReader`.
///
/// Its methods take `&mut self`: two tasks that read the same stream at the same time do not compile.
/// (In asyncio the second gets an error.) It is an [`io::Read`] and an [`io::BufRead`] as well; of the
/// methods that both have, the ones here know of limits. What asyncio calls `read()`, all until the
/// end, is std's [`read_to_end`](Read::read_to_end).
///
/// # Cancellation
///
/// A read that is cancelled leaves what has come in the stream, half a line for instance: the next
/// one finds it.
///
/// # Examples
///
/// ```
/// use corio::{IncompleteRead, open_connection, start_server};
///
/// corio::run(|| {
///     let server = start_server(|_, writer| writer.write("4\r\nabcd12"), "127.0.0.1:0")?;
///     let (mut reader, _writer) = open_connection(server.local_addr())?;
///     assert_eq!(reader.read_until(b"\r\n")?, b"4\r\n");
///     assert_eq!(reader.read_exactly(4)?, b"abcd");
///     let error = reader.read_exactly(4).unwrap_err();
///     let incomplete: &IncompleteRead = error.downcast_ref().expect("the server hung up");
///     assert_eq!(incomplete.partial, b"12");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct StreamReader {
    connection: Rc<Connection>,
    buffer: Buffer,
    limit: usize,
    /// The peer has said that this was all.
    ended: bool,
    /// What reading came to; it will come to nothing else.
    failed: Option<Error>,
}

impl StreamReader {
    pub(crate) fn new(connection: Rc<Connection>) -> Self {
        Self { connection, buffer: Buffer::new(), limit: LIMIT, ended: false, failed: None }
    }

    #[cfg(feature = "tls-no-provider")]
    pub(crate) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    /// What was read and not asked for. It is not in the reader any more.
    #[cfg(feature = "tls-no-provider")]
    pub(crate) fn take_buffer(&mut self) -> Buffer {
        std::mem::replace(&mut self.buffer, Buffer::new())
    }

    /// How many bytes may come before a separator.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Sets how many bytes may come before a separator; 64 KiB if it is not set.
    pub fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// Reads at least one byte, and at most `max` of those that are there; none at the end.
    /// asyncio's `read(n)`.
    ///
    /// # Errors
    ///
    /// Of the connection; a cancellation.
    #[track_caller]
    pub fn read_some(&mut self, max: usize) -> Result<Vec<u8>> {
        if max > 0 && self.buffer.is_empty() {
            self.fill()?;
        }
        Ok(self.buffer.take(self.buffer.len().min(max)))
    }

    /// Reads `count` bytes. asyncio's `readexactly`.
    ///
    /// # Errors
    ///
    /// [`IncompleteRead`] if the stream ends before; of the connection; a cancellation.
    #[track_caller]
    pub fn read_exactly(&mut self, count: usize) -> Result<Vec<u8>> {
        while self.buffer.len() < count {
            if !self.fill()? {
                return Err(self.incomplete(Some(count)));
            }
        }
        Ok(self.buffer.take(count))
    }

    /// Reads a line, with its `\n`. The last one may lack it; none is the end. asyncio's `readline`.
    ///
    /// # Errors
    ///
    /// As [`read_until`](Self::read_until), except for [`IncompleteRead`].
    #[track_caller]
    pub fn read_line(&mut self) -> Result<Vec<u8>> {
        let end = self.find(&["\n"])?;
        Ok(self.buffer.take(end.unwrap_or(self.buffer.len())))
    }

    /// Reads all that comes before `separator`, and that too. asyncio's `readuntil`.
    ///
    /// # Errors
    ///
    /// [`IncompleteRead`] if the stream ends before; [`LimitOverrun`] if more than the
    /// [limit](Self::set_limit) comes before, and then all of it is still there; of the connection;
    /// a cancellation.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio::{open_connection, start_server};
    /// # corio::run(|| {
    /// # let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\nbody";
    /// # let server = start_server(move |_, writer| writer.write(request), "127.0.0.1:0")?;
    /// # let (mut reader, _writer) = open_connection(server.local_addr())?;
    /// let head = reader.read_until(b"\r\n\r\n")?;
    /// assert_eq!(head, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    /// # Ok(())
    /// # })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn read_until(&mut self, separator: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        self.read_until_any(&[separator])
    }

    /// As [`read_until`](Self::read_until), for whichever of the separators *ends* first.
    ///
    /// # Errors
    ///
    /// As [`read_until`](Self::read_until); [`InvalidInput`](io::ErrorKind::InvalidInput) if there
    /// are no separators, or one is empty.
    #[track_caller]
    pub fn read_until_any(&mut self, separators: &[impl AsRef<[u8]>]) -> Result<Vec<u8>> {
        match self.find(separators)? {
            Some(end) => Ok(self.buffer.take(end)),
            None => Err(self.incomplete(None)),
        }
    }

    /// The lines that are still to come, as text, without their ends (`\n` or `\r\n`). asyncio's
    /// `async for line in reader`, which gives bytes.
    ///
    /// The first error is the last item; the reader can be read on. `for line in &mut reader` is the
    /// same. (Where [`BufRead`] is in scope `reader.lines()` is std's, which knows no limit.)
    pub fn lines(&mut self) -> Lines<'_> {
        self.into_iter()
    }

    /// Whether all has been read, as far as is known.
    pub fn at_eof(&self) -> bool {
        self.ended && self.buffer.is_empty()
    }

    /// Reads until there is a separator in the buffer. Says where it ends; `None` if the stream
    /// has ended without one.
    #[track_caller]
    fn find(&mut self, separators: &[impl AsRef<[u8]>]) -> Result<Option<usize>> {
        let lengths = separators.iter().map(|separator| separator.as_ref().len());
        let longest = lengths.clone().max().unwrap_or(0);
        if lengths.min().unwrap_or(0) == 0 {
            let message = "a separator is needed, and has at least one byte";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message).into());
        }
        let mut searched = 0;
        loop {
            let found = separators.iter().filter_map(|separator| {
                let separator = separator.as_ref();
                let at = memmem::find(&self.buffer.filled()[searched..], separator)? + searched;
                Some((at + separator.len(), at))
            });
            if let Some((end, start)) = found.min_by_key(|(end, _)| *end) {
                return if start > self.limit { Err(self.overrun(start)) } else { Ok(Some(end)) };
            }
            // The beginning of a separator may be there already.
            searched = (self.buffer.len() + 1).saturating_sub(longest);
            if searched > self.limit {
                return Err(self.overrun(searched));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Reads some bytes into the buffer. Says whether there were any: if not, it is the end.
    #[track_caller]
    fn fill(&mut self) -> Result<bool> {
        let Self { connection, buffer, ended, failed, .. } = self;
        if failed.is_none() && !*ended {
            // An idle connection has no buffer.
            buffer.release_if_empty();
            connection.wait_readable()?;
        }
        let count = read(connection, ended, failed, buffer.room())?;
        self.buffer.advance(count);
        Ok(count > 0)
    }

    fn incomplete(&mut self, expected: Option<usize>) -> Error {
        let partial = self.buffer.take(self.buffer.len());
        IncompleteRead { partial, expected }.into()
    }

    fn overrun(&self, consumed: usize) -> Error {
        LimitOverrun { consumed, limit: self.limit }.into()
    }
}

/// Reads some bytes, and remembers what cannot change any more.
#[track_caller]
fn read(
    connection: &Connection,
    ended: &mut bool,
    failed: &mut Option<Error>,
    buffer: &mut [u8],
) -> Result<usize> {
    if let Some(error) = failed {
        return Err(error.clone());
    }
    if *ended || buffer.is_empty() {
        return Ok(0);
    }
    match connection.read(buffer) {
        Ok(count) => {
            *ended = count == 0;
            Ok(count)
        }
        // The system says so only once, and after that, that the stream has ended.
        Err(error) if error.raw_os_error().is_some() => {
            Err(failed.insert(connection.lose(error.into())).clone())
        }
        Err(error) => Err(error.into()),
    }
}

impl Read for StreamReader {
    #[track_caller]
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() && bytes.len() >= self.buffer.chunk() {
            let Self { connection, ended, failed, .. } = self;
            return Ok(read(connection, ended, failed, bytes)?);
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        let buffered = self.fill_buf()?;
        let count = buffered.len().min(bytes.len());
        bytes[..count].copy_from_slice(&buffered[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for StreamReader {
    #[track_caller]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.buffer.is_empty() {
            self.fill()?;
        }
        Ok(self.buffer.filled())
    }

    fn consume(&mut self, count: usize) {
        self.buffer.consume(count);
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader")
            .field("connection", &self.connection)
            .field("buffered", &self.buffer.len())
            .field("at_eof", &self.at_eof())
            .finish_non_exhaustive()
    }
}

/// The lines that are still to come: see [`StreamReader::lines`].
impl<'a> IntoIterator for &'a mut StreamReader {
    type Item = Result<String>;
    type IntoIter = Lines<'a>;

    fn into_iter(self) -> Lines<'a> {
        Lines { reader: self, failed: false }
    }
}

/// The lines of a stream. Made by [`StreamReader::lines`].
#[derive(Debug)]
pub struct Lines<'a> {
    reader: &'a mut StreamReader,
    failed: bool,
}

impl Lines<'_> {
    #[track_caller]
    fn read(&mut self) -> Result<Option<String>> {
        let mut line = self.reader.read_line()?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        Ok(Some(String::from_utf8(line)?))
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<String>;

    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let line = self.read();
        self.failed = line.is_err();
        line.transpose()
    }
}
