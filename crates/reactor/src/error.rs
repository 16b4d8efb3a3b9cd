//! What went wrong, on what, and what to do about it.
//!
//! All failures are `io::Error`s of the kind that fits, with the system's own error as their
//! source.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

use crate::sys::{Handle, UNWATCHABLE};

/// A sentence, and the error of the system that it explains.
#[derive(Debug)]
struct Explained {
    text: String,
    cause: io::Error,
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Explained {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

fn explain(kind: ErrorKind, text: String, cause: io::Error) -> io::Error {
    io::Error::new(kind, Explained { text, cause })
}

/// The selector could not be made.
pub(crate) fn no_reactor(cause: io::Error) -> io::Error {
    let text = format!(
        "cannot make a reactor: {cause}; if too many files are open, raise the limit (`ulimit -n`)"
    );
    explain(cause.kind(), text, cause)
}

/// The table is full.
pub(crate) fn too_many(handle: Handle, limit: usize) -> io::Error {
    let text =
        format!("cannot register {handle}: the reactor has {limit} sources, which is its limit");
    io::Error::new(ErrorKind::QuotaExceeded, text)
}

/// The selector does not take the source.
pub(crate) fn not_registered(handle: Handle, cause: io::Error) -> io::Error {
    if UNWATCHABLE.is_some() && cause.raw_os_error() == UNWATCHABLE {
        let text = format!(
            "cannot register {handle}: the system cannot wait for it, which usually means that it is a regular file or \
             a directory; these are always ready, so use them directly or, as they may be slow, on a thread pool"
        );
        return explain(ErrorKind::Unsupported, text, cause);
    }
    let text = match cause.kind() {
        ErrorKind::AlreadyExists => format!(
            "cannot register {handle}: it is registered with this reactor already; share that source, or register a \
             duplicate of the descriptor (`try_clone`)"
        ),
        ErrorKind::StorageFull => format!(
            "cannot register {handle}: this user watches too many descriptors; raise \
             /proc/sys/fs/epoll/max_user_watches"
        ),
        _ => format!("cannot register {handle}: {cause}"),
    };
    explain(cause.kind(), text, cause)
}
