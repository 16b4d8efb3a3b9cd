//! An open file.

use std::fmt;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use super::Worker;
use super::functions::on_path;

/// The most that one job reads or writes.
const CHUNK: usize = 1 << 20;

/// An open file, as [`std::fs::File`]: [`Read`], [`Write`] and [`Seek`] on other threads.
///
/// Dropping it closes it. To share one between tasks, put it into a [`Lock`](crate::Lock).
///
/// # Cancellation
///
/// A read that is cancelled may have moved the file's position in the meantime. What it has read is
/// kept, and the next read finds it: nothing is lost, and the position that is seen here is that of
/// the last read which was not cancelled. A write that is cancelled is done all the same if it had
/// begun, and its bytes are in the file, up to the first failure. `seek` and the others take their
/// turn behind it.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Seek, SeekFrom, Write};
///
/// use corio::fs::{self, File, OpenOptions};
///
/// corio::run(|| {
///     # let path = std::env::temp_dir().join(format!("corio-file-{}", std::process::id()));
///     let options = OpenOptions::new().read(true).write(true).create(true).clone();
///     let mut file = File::open_with(&options, &path)?;
///     file.write_all(b"hello, world")?;
///     file.seek(SeekFrom::Start(7))?;
///     let mut text = String::new();
///     file.read_to_string(&mut text)?;
///     assert_eq!(text, "world");
///     # fs::remove_file(&path)?;
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct File {
    file: Arc<fs::File>,
    worker: Worker<Ahead>,
}

/// What was read for somebody who did not wait for it.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    bytes: Vec<u8>,
    taken: usize,
}

impl Ahead {
    /// Takes out as much as fits into `buffer`; `None` if there is nothing.
    pub(crate) fn take(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let rest = &self.bytes[self.taken..];
        if rest.is_empty() {
            return None;
        }
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Some(count)
    }

    /// Reads at most `limit` bytes, unless there are some. Says whether there are any then.
    pub(crate) fn fill(&mut self, mut source: impl Read, limit: usize) -> io::Result<bool> {
        if self.len() > 0 {
            return Ok(true);
        }
        self.bytes.resize(limit.min(CHUNK), 0);
        self.taken = self.bytes.len();
        let count = loop {
            match source.read(&mut self.bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.bytes.truncate(count);
        self.taken = 0;
        Ok(count > 0)
    }

    fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Moves the position of the file to where its user believes it to be.
    fn give_back(&mut self, mut file: &fs::File) -> io::Result<()> {
        if self.len() > 0 {
            file.seek(SeekFrom::Current(-(self.len() as i64)))?;
            self.taken = self.bytes.len();
        }
        Ok(())
    }
}

impl File {
    /// Opens a file for reading, as [`std::fs::File::open`].
    ///
    /// # Errors
    ///
    /// Of the system, with the path in the message; a cancellation; off the loop.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        on_path("open", path, |path| fs::File::open(path)).map(Self::from_std)
    }

    /// Opens an empty file for writing; one that was there is emptied. As
    /// [`std::fs::File::create`].
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        on_path("create", path, |path| fs::File::create(path)).map(Self::from_std)
    }

    /// Opens a file as `options` say.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    #[track_caller]
    pub fn open_with(options: &OpenOptions, path: impl AsRef<Path>) -> io::Result<Self> {
        let options = options.clone();
        on_path("open", path, move |path| options.open(path)).map(Self::from_std)
    }

    /// A file that is open already.
    pub fn from_std(file: fs::File) -> Self {
        Self { file: Arc::new(file), worker: Worker::default() }
    }

    /// What is known of the file.
    ///
    /// # Errors
    ///
    /// Of the system; a cancellation; off the loop.
    #[track_caller]
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.perform(|file, _| file.metadata())
    }

    /// Waits until all that was written is on the disk, as [`std::fs::File::sync_all`].
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata).
    #[track_caller]
    pub fn sync_all(&self) -> io::Result<()> {
        self.perform(|file, _| file.sync_all())
    }

    /// As [`sync_all`](Self::sync_all), except for what is known of the file, such as its times.
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata).
    #[track_caller]
    pub fn sync_data(&self) -> io::Result<()> {
        self.perform(|file, _| file.sync_data())
    }

    /// Cuts the file off, or adds zeros to it, as [`std::fs::File::set_len`].
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata).
    #[track_caller]
    pub fn set_len(&self, length: u64) -> io::Result<()> {
        self.perform(move |file, _| file.set_len(length))
    }

    #[track_caller]
    fn perform<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&fs::File, &mut Ahead) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let file = Arc::clone(&self.file);
        self.worker.perform(None, move |ahead| operation(&file, ahead))
    }
}

impl Read for File {
    #[track_caller]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = buffer.len();
        loop {
            if limit == 0 {
                return Ok(0);
            }
            if let Some(count) = self.worker.try_now(|ahead| ahead.take(buffer)).flatten() {
                return Ok(count);
            }
            if !self.perform(move |file, ahead| ahead.fill(file, limit))? {
                return Ok(0);
            }
        }
    }
}

impl Write for File {
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let bytes = bytes[..bytes.len().min(CHUNK)].to_vec();
        self.perform(move |mut file, ahead| {
            match ahead.give_back(file) {
                // What cannot be sought has no one position for both.
                Err(error) if error.kind() == io::ErrorKind::NotSeekable => {}
                given_back => given_back?,
            }
            file.write(&bytes)
        })
    }

    /// Nothing to do: what was written is with the system. For the disk, there is
    /// [`sync_all`](File::sync_all).
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for File {
    #[track_caller]
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.perform(move |mut file, ahead| {
            ahead.give_back(file)?;
            file.seek(position)
        })
    }
}

impl From<fs::File> for File {
    fn from(file: fs::File) -> Self {
        Self::from_std(file)
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for File {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.file, f)
    }
}
