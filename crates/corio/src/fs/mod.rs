//! Files, in the shape of [`std::fs`], on the threads of the default executor.
//!
//! The system cannot tell when a file is ready, for it thinks that files always are, however long a
//! disk or a server takes. So each operation here is a job for a thread (see
//! [`to_thread`](crate::to_thread)) for whose end the task waits while others run.
//!
//! ```
//! use std::io::Write;
//!
//! use corio::fs;
//!
//! corio::run(|| {
//!     # let directory = std::env::temp_dir().join(format!("corio-doc-{}", std::process::id()));
//!     # std::fs::create_dir_all(&directory)?;
//!     let path = directory.join("diary.txt");
//!     let mut file = fs::File::create(&path)?;
//!     writeln!(file, "a quiet day")?;
//!     assert_eq!(fs::read_to_string(&path)?, "a quiet day\n");
//!     fs::remove_file(&path)?;
//!     # std::fs::remove_dir(&directory)?;
//!     Ok(())
//! })?;
//! # Ok::<(), corio::Error>(())
//! ```
//!
//! A job takes a way to a thread and back, whatever it does: read and write much at a time, or put a
//! [`BufReader`](std::io::BufReader) or [`BufWriter`](std::io::BufWriter) around the file. What is
//! known to be quick, on a local disk, may as well be done by std itself.
//!
//! # Cancellation
//!
//! Takes effect at once, but nothing can stop a thread. An operation that has not begun never does;
//! one that has goes on to its end, out of sight. So what was to be written, removed or renamed may
//! be, or not. What a [`File`] has read by then is not lost: see there. Closing the loop waits for
//! operations that go on.
//!
//! Deliberately absent: `io_uring`; what std offers and is rarely used, for which there is
//! [`to_thread`](crate::to_thread).

mod file;
mod functions;
mod worker;

pub use std::fs::{DirEntry, FileType, Metadata, OpenOptions, Permissions};

pub(crate) use file::Ahead;
pub use file::File;
pub use functions::{
    canonicalize, copy, create_dir, create_dir_all, metadata, read, read_dir, read_to_string,
    remove_dir, remove_dir_all, remove_file, rename, set_permissions, symlink_metadata, try_exists,
    write,
};
pub(crate) use worker::Worker;
