//! The table of sources and the wait.
//!
//! Every source has a slot in a table, and the slot's key travels through the kernel with its
//! events. The key counts the tenants of its slot, so an event for a source that is gone is
//! recognised and dropped, even if a callback earlier in the same batch has put another source in
//! its place.
//!
//! While a callback runs nothing of the reactor is borrowed: callbacks may register, drop and even
//! wait. The batch of events they interrupt is set aside and resumed; if a callback panics, what is
//! left of the batch is entered into the sources' records, so that no readiness is lost, only its
//! reports.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::mem;
use std::rc::Rc;
use std::time::Duration;

use polling::AsSource;

use crate::arena::{self, Arena, Key};
use crate::readiness::Record;
use crate::source::{Node, Registration};
use crate::sys::{Event, Handle, Selector};
use crate::{Backend, Notifier, Readiness, Source, error};

/// Waits for many file descriptors (on Windows: sockets) at once.
///
/// `D` is what the owner keeps with each source, for example the list of those who wait for it; the
/// reactor hands it to the callback of [`wait`](Self::wait) and otherwise does not touch it.
///
/// A reactor stays on its thread. Other threads reach it through a [`Notifier`]. Sources keep the
/// inner parts of their reactor alive, so the two can be dropped in any order.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use corio_reactor::Reactor;
///
/// let reactor: Reactor = Reactor::new()?;
/// reactor.notifier().notify();
/// let reported = reactor.wait(Some(Duration::from_secs(60)), |(), _| {})?;
/// assert_eq!(reported, 0, "the notifier ended the wait");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Reactor<D = ()> {
    shared: Rc<Shared<D>>,
}

/// What sources need of their reactor.
pub(crate) struct Shared<D> {
    pub(crate) selector: Selector,
    backend: Backend,
    sources: RefCell<Arena<Rc<Node<D>>>>,
    notifier: Notifier,
    /// Events made up by tests, to be reported by the next wait.
    injected: RefCell<Vec<Event>>,
    /// The buffer for a batch of events, when no wait is using it.
    spare: Cell<Vec<Event>>,
    statistics: Cell<Statistics>,
}

/// Counts since a [`Reactor`] was made.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use corio_reactor::Reactor;
///
/// let reactor: Reactor = Reactor::new()?;
/// reactor.wait(Some(Duration::ZERO), |(), _| {})?;
/// assert_eq!(reactor.statistics().waits, 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// Calls of [`Reactor::wait`].
    pub waits: u64,
    /// Reports to callbacks.
    pub reports: u64,
    /// Events that arrived for a source that was gone, and were dropped.
    pub stale_events: u64,
    /// Waits that a [`Notifier`] ended, or would have ended.
    pub notifications: u64,
    /// Sources that were registered, including those that are gone.
    pub registrations: u64,
}

impl<D> Reactor<D> {
    /// Makes a reactor with the fastest backend of the system.
    ///
    /// # Errors
    ///
    /// If the system refuses the file descriptors that the reactor itself needs; usually because
    /// the process has too many open.
    pub fn new() -> io::Result<Self> {
        Self::with_backend(Backend::Native)
    }

    /// Makes a reactor with a backend of your choice.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_backend(backend: Backend) -> io::Result<Self> {
        let selector = Selector::new(backend).map_err(error::no_reactor)?;
        let notifier = Notifier::new(selector.waker());
        Ok(Self {
            shared: Rc::new(Shared {
                selector,
                backend,
                sources: RefCell::new(Arena::new()),
                notifier,
                injected: RefCell::default(),
                spare: Cell::default(),
                statistics: Cell::default(),
            }),
        })
    }

    /// The backend that was asked for.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.shared.backend
    }

    /// Watches `io` in both directions from now on, until the source is dropped.
    ///
    /// **`io` must be in non-blocking mode**; the reactor does not set it. One system call.
    ///
    /// `io` is owned by the source because it must stay open while it is registered; `'static`
    /// because a forgotten source stays registered. To register something that is also used
    /// elsewhere, share it by `Rc` or `Arc`.
    ///
    /// # Errors
    ///
    /// - [`Unsupported`](io::ErrorKind::Unsupported) if `io` cannot be waited for: regular files
    ///   and directories (on Linux; some systems accept them and always report them ready).
    /// - [`AlreadyExists`](io::ErrorKind::AlreadyExists) if the same file descriptor is registered
    ///   with this reactor.
    /// - Any other error of the system, with an account of what was tried.
    ///
    /// `io` and `data` are dropped then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::UdpSocket;
    ///
    /// use corio_reactor::Reactor;
    ///
    /// let socket = UdpSocket::bind("127.0.0.1:0")?;
    /// socket.set_nonblocking(true)?;
    ///
    /// let reactor = Reactor::new()?;
    /// let source = reactor.register(socket, "the name server")?;
    /// assert_eq!(*source.data(), "the name server");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn register<T: AsSource + 'static>(&self, io: T, data: D) -> io::Result<Source<T, D>> {
        let shared = &self.shared;
        // SAFETY: the handle is used by the registration alone. The registration ends before `io`
        // is dropped, on the paths below as in a source, and until then `io` is lent out only by
        // shared reference.
        let handle = unsafe { Handle::of(&io) };
        let node = Rc::new(Node { record: Record::optimistic(), handle, data });
        let key = {
            let mut sources = shared.sources.borrow_mut();
            if sources.is_full() {
                return Err(error::too_many(handle, arena::CAPACITY));
            }
            sources.insert(Rc::clone(&node))
        };
        // SAFETY: `io` stays open until its registration was deleted; see the chapter on soundness
        // in `source`.
        let added = unsafe { shared.selector.add(handle, key.to_usize()) };
        if let Err(error) = added {
            shared.sources.borrow_mut().remove(key);
            return Err(error::not_registered(handle, error));
        }
        shared.count(|statistics| statistics.registrations += 1);
        let registration = Registration { shared: Rc::clone(shared), node, key };
        Ok(Source::new(registration, io))
    }

    /// Waits until sources become ready, the timeout has passed or a [`Notifier`] calls, and
    /// reports each source that became ready. Returns the number of reports.
    ///
    /// No timeout means as long as it takes; a timeout of zero only looks. (With
    /// [`Backend::Manual`] no wait does more.) With [`Backend::Native`]
    /// on Linux this is one system call, which takes nanoseconds and may come back later by the
    /// thread's timer slack (50 µs). The wait never ends before its time without a cause, but a
    /// signal is one (and so is a notification that was answered already): treat `Ok(0)` as "look
    /// again at what you are waiting for".
    ///
    /// Readiness is noted in the source before `on_ready` is called for it. A report is not a
    /// promise: the next operation may still say [`WouldBlock`](io::ErrorKind::WouldBlock).
    ///
    /// `on_ready` may do anything with the reactor: register, drop any source (those not yet
    /// reported then will not be), or wait.
    ///
    /// # Errors
    ///
    /// Errors of the system, none of which is expected: the reactor owns everything that such a
    /// call needs.
    ///
    /// # Panics
    ///
    /// If `on_ready` does. Readiness that was not yet reported stays on record in its source.
    pub fn wait(
        &self,
        timeout: Option<Duration>,
        mut on_ready: impl FnMut(&D, Readiness),
    ) -> io::Result<usize> {
        let shared = &*self.shared;
        let mut batch = Batch::new(shared);
        batch.events.append(&mut shared.injected.borrow_mut());
        let timeout = if batch.events.is_empty() { timeout } else { Some(Duration::ZERO) };
        let woken = shared.selector.wait(&mut batch.events, timeout)?;
        let notified = woken && shared.notifier.answer();

        let mut reports = 0;
        while let Some((node, readiness)) = batch.next() {
            reports += 1;
            on_ready(&node.data, readiness);
        }
        shared.count(|statistics| {
            statistics.waits += 1;
            statistics.reports += reports as u64;
            statistics.notifications += u64::from(notified);
        });
        Ok(reports)
    }

    /// How long the last wait would have gone on, but for [`Backend::Manual`]: its timeout, so `None`
    /// is for ever. Zero if it had something to report or was notified, and on every other backend,
    /// for what these do not report they have waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use corio_reactor::{Backend, Clock, Reactor};
    ///
    /// let clock = Clock::manual();
    /// let start = clock.now();
    /// let reactor: Reactor = Reactor::with_backend(Backend::Manual)?;
    /// reactor.wait(Some(Duration::from_secs(3600)), |(), _| {})?;
    /// clock.advance(reactor.skipped_wait().expect("there was a timeout"));
    /// assert_eq!(clock.now(), start + Duration::from_secs(3600));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn skipped_wait(&self) -> Option<Duration> {
        self.shared.selector.skipped()
    }

    /// A means for other threads to end a wait.
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        self.shared.notifier.clone()
    }

    /// The number of sources registered now.
    #[must_use]
    pub fn sources(&self) -> usize {
        self.shared.sources.borrow().len()
    }

    /// What has happened so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shared.statistics.get()
    }
}

impl<D> Shared<D> {
    /// Ends a registration. The source must still be open.
    pub(crate) fn deregister(&self, key: Key, handle: Handle) {
        // If this fails there is nothing left to remove: someone took the descriptor away behind
        // the owner's back.
        let _ = self.selector.delete(handle);
        // Bound to a name so that the table is free again when the node, and `D` with it, is
        // dropped.
        let node = self.sources.borrow_mut().remove(key);
        drop(node);
    }

    pub(crate) fn inject(&self, key: Key, readiness: Readiness) {
        self.injected.borrow_mut().push(Event { key: key.to_usize(), readiness, end_hint: false });
    }

    /// Enters an event into the record of its source, if that still exists.
    fn note(&self, event: Event) -> Option<Rc<Node<D>>> {
        let node = self.sources.borrow().get(Key::from_usize(event.key)).map(Rc::clone);
        let Some(node) = node else {
            self.count(|statistics| statistics.stale_events += 1);
            return None;
        };
        node.record.set(event.readiness, event.end_hint);
        let known = node.record.get();
        if known != Readiness::BOTH && self.selector.update(node.handle, event.key, known).is_err()
        {
            // The other direction cannot be watched: better to try once too often than to wait for
            // ever.
            node.record.set(Readiness::BOTH, false);
        }
        Some(node)
    }

    fn count(&self, change: impl FnOnce(&mut Statistics)) {
        let mut statistics = self.statistics.get();
        change(&mut statistics);
        self.statistics.set(statistics);
    }
}

/// The events of one wait. Dropping it notes those that were not taken, and gives the buffer back.
struct Batch<'a, D> {
    shared: &'a Shared<D>,
    events: Vec<Event>,
    taken: usize,
}

impl<'a, D> Batch<'a, D> {
    fn new(shared: &'a Shared<D>) -> Self {
        Self { shared, events: shared.spare.take(), taken: 0 }
    }

    /// The next source that is ready and still registered.
    fn next(&mut self) -> Option<(Rc<Node<D>>, Readiness)> {
        while let Some(&event) = self.events.get(self.taken) {
            self.taken += 1;
            if let Some(node) = self.shared.note(event) {
                return Some((node, event.readiness));
            }
        }
        None
    }
}

impl<D> Drop for Batch<'_, D> {
    fn drop(&mut self) {
        while self.next().is_some() {}
        self.events.clear();
        self.shared.spare.set(mem::take(&mut self.events));
    }
}

impl<D> fmt::Debug for Reactor<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor")
            .field("backend", &self.shared.backend)
            .field("selector", &self.shared.selector)
            .field("sources", &self.sources())
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}
