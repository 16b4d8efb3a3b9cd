//! Sockets.

use std::fmt;
use std::io;
use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};
use std::sync::Arc;

use polling::{AsSource, Poller};

/// The name of a source, kept apart from the value that owns it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handle(BorrowedSocket<'static>);

/// What a handle can be told from others by.
pub(crate) type Number = RawSocket;

/// The type system admits only sockets here, so there is nothing that cannot be watched.
pub(crate) const UNWATCHABLE: Option<i32> = None;

impl Handle {
    /// Asks the source for its socket.
    ///
    /// # Safety
    ///
    /// The handle must not be used after `io` was dropped, closed or handed out for changing.
    pub(crate) unsafe fn of(io: &impl AsSource) -> Self {
        let socket = io.source().as_raw_socket();
        // SAFETY: the socket is open now, as it is borrowed from `io`, and the caller promises to
        // stop using the handle before that can change.
        Self(unsafe { BorrowedSocket::borrow_raw(socket) })
    }

    pub(super) fn number(self) -> Number {
        self.0.as_raw_socket()
    }
}

impl AsSocket for Handle {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.0
    }
}

impl AsRawSocket for Handle {
    fn as_raw_socket(&self) -> RawSocket {
        self.0.as_raw_socket()
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "socket {}", self.0.as_raw_socket())
    }
}

/// What wakes a poller: its own notifier.
#[derive(Debug)]
pub(crate) struct Bell;

#[expect(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "the signatures are those of all systems"
)]
impl Bell {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) fn source(&self) -> Option<&std::net::TcpStream> {
        None
    }

    pub(super) fn ringer(&self, poller: &Arc<Poller>) -> Ringer {
        Ringer(Arc::clone(poller))
    }

    pub(super) fn hush(&self) {}
}

#[derive(Debug)]
pub(crate) struct Ringer(Arc<Poller>);

impl Ringer {
    pub(super) fn ring(&self) -> io::Result<()> {
        self.0.notify()
    }
}
