//! File descriptors.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use polling::AsSource;

/// The name of a source, kept apart from the value that owns it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle(BorrowedFd<'static>);

/// What the kernel answers when asked to watch a file that is always ready (`EPERM`).
pub(crate) const UNWATCHABLE: Option<i32> = Some(1);

impl Handle {
    /// Asks the source for its file descriptor.
    ///
    /// # Safety
    ///
    /// The handle must not be used after `io` was dropped, closed or handed out for changing.
    pub(crate) unsafe fn of(io: &impl AsSource) -> Self {
        let fd = io.source().as_raw_fd();
        // SAFETY: the file descriptor is open now, as it is borrowed from `io`, and the caller
        // promises to stop using the handle before that can change.
        Self(unsafe { BorrowedFd::borrow_raw(fd) })
    }
}

impl AsFd for Handle {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0
    }
}

impl AsRawFd for Handle {
    fn as_raw_fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file descriptor {}", self.0.as_raw_fd())
    }
}
