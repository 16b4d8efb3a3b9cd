//! File descriptors.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use polling::{AsSource, Poller};

/// The name of a source, kept apart from the value that owns it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle(BorrowedFd<'static>);

/// What a handle can be told from others by.
pub(crate) type Number = RawFd;

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

    pub(super) fn number(self) -> Number {
        self.0.as_raw_fd()
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

/// What wakes a poller: a pair of sockets, one of which is watched. To ring it is one `send`, which
/// a signal handler may do.
#[derive(Debug)]
pub(crate) struct Bell {
    rings: UnixStream,
    clapper: Arc<UnixStream>,
}

impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        let (rings, clapper) = UnixStream::pair()?;
        rings.set_nonblocking(true)?;
        clapper.set_nonblocking(true)?;
        Ok(Self { rings, clapper: Arc::new(clapper) })
    }

    /// What the poller is to watch for being readable.
    pub(super) fn source(&self) -> Option<&UnixStream> {
        Some(&self.rings)
    }

    pub(super) fn ringer(&self, _: &Arc<Poller>) -> Ringer {
        Ringer(Arc::clone(&self.clapper))
    }

    /// Forgets the rings so far.
    pub(super) fn hush(&self) {
        let mut rings = [0; 64];
        while (&self.rings).read(&mut rings).is_ok_and(|count| count > 0) {}
    }
}

#[derive(Debug)]
pub(crate) struct Ringer(Arc<UnixStream>);

impl Ringer {
    pub(super) fn ring(&self) -> io::Result<()> {
        match (&*self.0).write(&[0]) {
            // It has rung so often already.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            rung => rung.map(drop),
        }
    }
}
