//! One file descriptor, registered.
//!
//! # Why this is sound
//!
//! The kernel, and `polling` on its behalf, keep the *number* of a file descriptor. If it were
//! closed while registered, its number could come to mean something else. A [`Source`] rules that
//! out for safe code:
//!
//! 1. It owns the value `io` that owns the descriptor, and lends it only as `&T`. A descriptor that
//!    was borrowed through `&T` cannot be closed through `&T`: that is what the lifetime in
//!    [`AsFd`](std::os::fd::AsFd) says.
//! 2. `io` leaves, or is dropped, only after the registration: fields are dropped in the order in
//!    which they are declared, and [`into_io`](Source::into_io) ends the registration by hand.
//! 3. The number is asked for once. An `AsFd` that answers differently each time can make its owner
//!    wait for the wrong descriptor, but cannot make the reactor remove a registration other than
//!    the one it made.
//! 4. `T: 'static`. Forgetting a source leaves it registered for ever; as the forgotten `io`
//!    borrows nothing, its descriptor stays open for ever as well. (A forgotten
//!    `Source<&TcpStream>` would outlive the stream.)
//!
//! # Duplicates
//!
//! `try_clone` makes a second descriptor for the same open file. It can be registered beside the
//! first, and each then keeps its own record of readiness although they share the data: what one
//! reads, the other still believes is there, until an operation says `WouldBlock`. Prefer sharing
//! one source, for example in an `Rc`. A duplicate does not keep a registration alive: that ends
//! with the source.

use std::fmt;
use std::rc::Rc;

use polling::AsSource;

#[cfg(doc)]
use crate::Reactor;
use crate::Readiness;
use crate::arena::Key;
use crate::reactor::Shared;
use crate::readiness::Record;
use crate::sys::Handle;

/// A registered file descriptor (on Windows: socket) and what is known about its readiness.
///
/// Made by [`Reactor::register`]. Dropping it, or [`into_io`](Self::into_io), ends the
/// registration. To share it among several users, put it in an [`Rc`]; it keeps what it needs of
/// its reactor alive.
///
/// # The rhythm
///
/// Try the operation. If it says [`WouldBlock`](std::io::ErrorKind::WouldBlock), clear that
/// direction, and wait until the reactor reports it. A source starts out ready in both directions,
/// so the first operation is tried at once.
///
/// Between the operation and the clearing there must be no [`wait`](Reactor::wait): it might report
/// the very readiness that is then cleared.
///
/// # Examples
///
/// ```
/// use std::io::{ErrorKind, Read, Write};
/// use std::net::{TcpListener, TcpStream};
///
/// use corio_reactor::Reactor;
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut peer = TcpStream::connect(listener.local_addr()?)?;
/// let stream = listener.accept()?.0;
/// stream.set_nonblocking(true)?;
///
/// let reactor = Reactor::new()?;
/// let source = reactor.register(stream, ())?;
/// peer.write_all(b"hello")?;
///
/// let mut buffer = [0; 64];
/// let count = loop {
///     if source.readiness().readable {
///         match source.io().read(&mut buffer) {
///             Err(error) if error.kind() == ErrorKind::WouldBlock => source.clear_readable(),
///             result => break result?,
///         }
///     } else {
///         reactor.wait(None, |(), _| {})?;
///     }
/// };
/// assert_eq!(&buffer[..count], b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "dropping a source ends its registration"]
pub struct Source<T: AsSource, D = ()> {
    /// Before `io`, so that it is dropped first.
    registration: Registration<D>,
    io: T,
}

impl<T: AsSource, D> Source<T, D> {
    pub(crate) fn new(registration: Registration<D>, io: T) -> Self {
        Self { registration, io }
    }

    /// What was registered.
    pub fn io(&self) -> &T {
        &self.io
    }

    /// What the owner keeps with the source.
    pub fn data(&self) -> &D {
        &self.registration.node.data
    }

    /// The directions that are worth trying, as far as is known.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.registration.node.record.get()
    }

    /// Notes that there is nothing to read now. Call it when a read, or `accept`, said
    /// [`WouldBlock`](std::io::ErrorKind::WouldBlock).
    ///
    /// It may also be called when a read from a *byte stream socket* returned some bytes but fewer
    /// than there was room for. This saves the read that would say `WouldBlock`, and is safe even
    /// if the end of the stream has arrived together with those bytes: the source then stays
    /// readable for one more read. Not so with datagrams and terminals, where a short read says
    /// nothing about what follows, nor with Unix sockets whose peer passes file descriptors.
    pub fn clear_readable(&self) {
        let registration = &self.registration;
        if registration.node.record.clear_readable() && registration.update().is_err() {
            // A backend that cannot be told to watch: better to try once too often than to wait for
            // ever.
            registration.node.record.set(Readiness::READABLE, false);
        }
    }

    /// Notes that there is no room to write now. Call it when a write said
    /// [`WouldBlock`](std::io::ErrorKind::WouldBlock), or when a byte stream took some bytes but
    /// not all.
    pub fn clear_writable(&self) {
        let registration = &self.registration;
        if registration.node.record.clear_writable() && registration.update().is_err() {
            // As in `clear_readable`.
            registration.node.record.set(Readiness::WRITABLE, false);
        }
    }

    /// Makes the next [`wait`](Reactor::wait) report these directions, as if the kernel had.
    ///
    /// For tests of what is built on the reactor: a report that finds nothing to do, a report in an
    /// unlikely order. Such a wait returns without blocking. With [`Backend::Manual`](crate::Backend)
    /// there are no other reports.
    pub fn inject(&self, readiness: Readiness) {
        let registration = &self.registration;
        registration.shared.inject(registration.key, readiness);
    }

    /// Ends the registration and hands the value back.
    pub fn into_io(self) -> T {
        let Self { registration, io } = self;
        drop(registration);
        io
    }
}

impl<T: AsSource + fmt::Debug, D> fmt::Debug for Source<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("io", &self.io)
            .field("readiness", &self.readiness())
            .finish_non_exhaustive()
    }
}

/// What the reactor knows of a source; whatever runs during a wait keeps it alive by the `Rc`
/// around it.
#[derive(Debug)]
pub(crate) struct Node<D> {
    pub(crate) record: Record,
    /// Used only while the node is in the reactor's table.
    pub(crate) handle: Handle,
    pub(crate) data: D,
}

/// The right to be reported. Dropping it ends the registration.
pub(crate) struct Registration<D> {
    pub(crate) shared: Rc<Shared<D>>,
    pub(crate) node: Rc<Node<D>>,
    pub(crate) key: Key,
}

impl<D> Registration<D> {
    fn update(&self) -> std::io::Result<()> {
        let node = &self.node;
        self.shared.selector.update(node.handle, self.key.to_usize(), node.record.get())
    }
}

impl<D> Drop for Registration<D> {
    fn drop(&mut self) {
        self.shared.deregister(self.key, self.node.handle);
    }
}
