//! Std's functions on paths.

use std::fs::{self, DirEntry, Metadata, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use crate::threads::to_thread;

/// Runs `operation` on a thread. Its error says what it tried, and on what.
#[track_caller]
pub(super) fn on_path<T: Send + 'static>(
    verb: &'static str,
    path: impl AsRef<Path>,
    operation: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let path = path.as_ref().to_owned();
    Ok(to_thread(move || Ok(operation(&path).map_err(|error| explain(verb, &path, error))?))?)
}

fn explain(verb: &str, path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {verb} {path:?}: {error}"))
}

/// A function of std with one path, on a thread.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident, $verb:literal => $value:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Cancellation
        ///
        /// As for [everything here](super#cancellation).
        ///
        /// # Errors
        ///
        /// Of the system, with the path in the message; a cancellation; off the loop.
        #[track_caller]
        pub fn $name(path: impl AsRef<Path>) -> io::Result<$value> {
            on_path($verb, path, |path| fs::$name(path))
        }
    )*};
}

functions! {
    /// Reads a whole file, as [`std::fs::read`].
    read, "read" => Vec<u8>;
    /// Reads a whole file of UTF-8, as [`std::fs::read_to_string`].
    read_to_string, "read" => String;
    /// What is known of a file, as [`std::fs::metadata`].
    metadata, "look up" => Metadata;
    /// What is known of a file or symbolic link itself, as [`std::fs::symlink_metadata`].
    symlink_metadata, "look up" => Metadata;
    /// The path without links and dots, as [`std::fs::canonicalize`].
    canonicalize, "resolve" => PathBuf;
    /// Makes a directory, as [`std::fs::create_dir`].
    create_dir, "create the directory" => ();
    /// Makes a directory and those above it, as [`std::fs::create_dir_all`].
    create_dir_all, "create the directory" => ();
    /// Removes an empty directory, as [`std::fs::remove_dir`].
    remove_dir, "remove the directory" => ();
    /// Removes a directory with all that is in it, as [`std::fs::remove_dir_all`].
    remove_dir_all, "remove the directory" => ();
    /// Removes a file, as [`std::fs::remove_file`].
    remove_file, "remove" => ();
}

/// Whether there is something at `path`, as [`std::fs::exists`].
///
/// # Cancellation
///
/// As for [everything here](super#cancellation).
///
/// # Errors
///
/// If that cannot be found out; a cancellation; off the loop.
#[track_caller]
pub fn try_exists(path: impl AsRef<Path>) -> io::Result<bool> {
    on_path("look up", path, |path| fs::exists(path))
}

/// What is in a directory, as [`std::fs::read_dir`], but all at once.
///
/// # Cancellation
///
/// As for [everything here](super#cancellation).
///
/// # Errors
///
/// Of the system, with the path in the message; a cancellation; off the loop.
#[track_caller]
pub fn read_dir(path: impl AsRef<Path>) -> io::Result<Vec<DirEntry>> {
    on_path("list", path, |path| fs::read_dir(path)?.collect())
}

/// Makes `contents` all that is in a file, as [`std::fs::write`]. They are taken along to the thread,
/// so give away what is large: a `Vec` is not copied.
///
/// # Cancellation
///
/// As for [everything here](super#cancellation).
///
/// # Errors
///
/// Of the system, with the path in the message; a cancellation; off the loop.
#[track_caller]
pub fn write(path: impl AsRef<Path>, contents: impl Into<Vec<u8>>) -> io::Result<()> {
    let contents = contents.into();
    on_path("write", path, |path| fs::write(path, contents))
}

/// Changes who may do what with a file, as [`std::fs::set_permissions`].
///
/// # Cancellation
///
/// As for [everything here](super#cancellation).
///
/// # Errors
///
/// Of the system, with the path in the message; a cancellation; off the loop.
#[track_caller]
pub fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> io::Result<()> {
    on_path("set the permissions of", path, |path| fs::set_permissions(path, permissions))
}

/// Gives a file another name, as [`std::fs::rename`].
///
/// # Cancellation
///
/// As for [everything here](super#cancellation).
///
/// # Errors
///
/// Of the system, with the old path in the message; a cancellation; off the loop.
#[track_caller]
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    let to = to.as_ref().to_owned();
    on_path("rename", from, |from| fs::rename(from, to))
}

/// Copies a file, and says how many bytes that was, as [`std::fs::copy`].
///
/// # Cancellation
///
/// As for [everything here](super#cancellation).
///
/// # Errors
///
/// Of the system, with the path of the original in the message; a cancellation; off the loop.
#[track_caller]
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    let to = to.as_ref().to_owned();
    on_path("copy", from, |from| fs::copy(from, to))
}
