//! Servers: a task for each connection that comes in.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::net;
use std::rc::Rc;
use std::time::Duration;

use corio_futures::contract::Wait;
use corio_futures::{Error, Event, Result, TimedOut, WaitList};

use super::clients::Clients;
use super::connection::Connection;
use super::{ServerMisused, StreamReader, StreamWriter};
use crate::event_loop::EventLoop;
use crate::net::{ListenSocket, Listener, StreamSocket, TcpListener, ToSocketAddrs};
use crate::task::{TaskHandle, TaskOptions, create_task_with};
use crate::{sleep, timeout};

/// How long a server that cannot accept connections, for lack of file descriptors as a rule, leaves
/// it. asyncio's figure.
const PAUSE: Duration = Duration::from_secs(1);

type AddrOf<L> = <<L as ListenSocket>::Stream as StreamSocket>::Addr;

/// Listens at all addresses of `addr`, and has `handler` called, in a task of its own, with each
/// connection that comes in. asyncio's `start_server`.
///
/// Returns when it listens. It goes on in the background until the [`Server`] is closed or dropped.
///
/// When a handler returns, its connection is closed, once all that was written is sent. A handler
/// that fails or panics is reported, and nobody else is affected.
///
/// For handlers that borrow, and for more say in how connections are accepted, there is
/// [`TcpListener::incoming`] in a [`task_group`](crate::task_group).
///
/// # Errors
///
/// As [`ListenOptions::bind_all`](crate::net::ListenOptions::bind_all).
///
/// # Examples
///
/// ```
/// use corio::{StreamReader, StreamWriter, open_connection, start_server};
///
/// fn add(mut reader: StreamReader, writer: StreamWriter) -> corio::Result<()> {
///     let mut sum = 0;
///     for line in reader.lines() {
///         sum += line?.parse::<i64>()?;
///     }
///     writer.write(sum.to_string())
/// }
///
/// corio::run(|| {
///     let server = start_server(add, "127.0.0.1:0")?;
///     let (mut reader, writer) = open_connection(server.local_addr())?;
///     writer.write("1\n20\n300\n")?;
///     writer.write_eof()?;
///     assert_eq!(reader.read_line()?, b"321");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub fn start_server<H>(handler: H, addr: impl ToSocketAddrs) -> Result<Server>
where
    H: Fn(StreamReader, StreamWriter) -> Result<()> + 'static,
{
    Server::start(handler, TcpListener::options().bind_all(addr)?)
}

/// Listens at `path`, and otherwise does as [`start_server`]. asyncio's `start_unix_server`.
///
/// A socket that is there already, as one that a server has left which did not end well, is
/// replaced. When the server is closed, the path is removed, unless it is somebody else's by then.
///
/// # Errors
///
/// Of the system, with the path in the message; off the loop.
#[cfg(unix)]
pub fn start_unix_server<H>(
    handler: H,
    path: impl AsRef<std::path::Path>,
) -> Result<Server<std::os::unix::net::UnixListener>>
where
    H: Fn(StreamReader, StreamWriter) -> Result<()> + 'static,
{
    let path = path.as_ref();
    socket_file::remove_stale(path)?;
    let listener = crate::net::UnixListener::bind(path)?;
    let file = socket_file::SocketFile::new(path)?;
    let server = Server::start(handler, [listener])?;
    server.state.socket_file.replace(Some(file));
    Ok(server)
}

/// Accepts connections, and knows those that are open. asyncio's `Server`.
///
/// Made by [`start_server`] and others. Dropping it closes it; connections that are open go on.
#[must_use = "dropping a server closes it"]
pub struct Server<L: ListenSocket = net::TcpListener> {
    state: Rc<State>,
    addresses: Vec<AddrOf<L>>,
}

struct State {
    clients: Rc<Clients>,
    /// The tasks that accept; how many of them are left; who waits for there to be none.
    acceptors: RefCell<Vec<TaskHandle>>,
    accepting: Cell<usize>,
    idle: WaitList,
    closed: Event,
    serving_forever: Cell<bool>,
    #[cfg(unix)]
    socket_file: RefCell<Option<socket_file::SocketFile>>,
}

impl<L: ListenSocket> Server<L> {
    /// A server at listeners that are there already: made with options, or inherited. Otherwise as
    /// [`start_server`].
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if there are none.
    pub fn start<H>(handler: H, listeners: impl IntoIterator<Item = Listener<L>>) -> Result<Self>
    where
        H: Fn(StreamReader, StreamWriter) -> Result<()> + 'static,
    {
        let listeners: Vec<_> = listeners.into_iter().collect();
        if listeners.is_empty() {
            let message = "a server needs something to listen at";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message).into());
        }
        let addresses: io::Result<_> = listeners.iter().map(Listener::local_addr).collect();
        let server = Self { state: Rc::new(State::new()), addresses: addresses? };
        let handler = Rc::new(handler);
        for (listener, address) in listeners.into_iter().zip(server.addresses.iter().cloned()) {
            let accepting = Accepting::new(&server.state);
            let handler = Rc::clone(&handler);
            let options = TaskOptions::new().name(format!("server at {address:?}"));
            let task = create_task_with(options, move || {
                accept(&listener, &address, &handler, &accepting.0.clients)
            });
            server.state.acceptors.borrow_mut().extend(task.handle());
        }
        Ok(server)
    }
}

/// Welcomes whoever comes, until it is cancelled.
fn accept<L: ListenSocket, H>(
    listener: &Listener<L>,
    address: &AddrOf<L>,
    handler: &Rc<H>,
    clients: &Rc<Clients>,
) -> Result<()>
where
    H: Fn(StreamReader, StreamWriter) -> Result<()> + 'static,
{
    loop {
        match listener.accept().map_err(Error::from) {
            Ok((stream, peer)) => {
                // Some systems refuse where the peer is gone again: its handler will see.
                let _ = stream.socket().send_at_once();
                let options = TaskOptions::new().name(format!("client {peer:?} of {address:?}"));
                welcome(stream, options, handler, clients);
            }
            Err(error) if error.is_cancelled() => return Err(error),
            Err(error) => {
                let message = format!(
                    "the server at {address:?} cannot accept a connection, and tries again in a \
                     second"
                );
                EventLoop::current("a connection")?.report(&message, &error);
                sleep(PAUSE)?;
            }
        }
    }
}

fn welcome<H>(
    stream: impl super::Transport,
    options: TaskOptions,
    handler: &Rc<H>,
    clients: &Rc<Clients>,
) where
    H: Fn(StreamReader, StreamWriter) -> Result<()> + 'static,
{
    let connection = Connection::new(Rc::new(stream));
    let key = clients.enlist(&connection);
    let reader = StreamReader::new(Rc::clone(&connection));
    let writer = StreamWriter::new(connection);
    let handler = Rc::clone(handler);
    // Detached: if it fails, that is reported; either way both ends go with it.
    let task = create_task_with(options, move || handler(reader, writer));
    clients.set_handler(key, task.handle());
}

impl<L: ListenSocket> Server<L> {
    /// Where it listens, or has listened: more than one place if a host name has several addresses.
    /// asyncio's `sockets`.
    pub fn addresses(&self) -> &[AddrOf<L>] {
        &self.addresses
    }

    /// The first of the [addresses](Self::addresses).
    pub fn local_addr(&self) -> AddrOf<L> {
        self.addresses[0].clone()
    }

    /// Whether it accepts connections.
    pub fn is_serving(&self) -> bool {
        !self.state.closed.is_set()
    }

    /// How many connections are open.
    pub fn clients(&self) -> usize {
        self.state.clients.len()
    }

    /// Waits until the server is [closed](Self::close), and then for the connections that are open.
    /// asyncio's `serve_forever`.
    ///
    /// It serves without this; but the main task must have something to wait for.
    ///
    /// # Cancellation
    ///
    /// Closes the server, waits for the connections that are open, and is returned then. A second
    /// one ends that wait.
    ///
    /// # Errors
    ///
    /// [`ServerMisused`] if the server is closed, or another task is in here; a cancellation.
    #[track_caller]
    pub fn serve_forever(&self) -> Result<()> {
        if !self.is_serving() {
            return Err(ServerMisused::Closed.into());
        }
        if self.state.serving_forever.replace(true) {
            return Err(ServerMisused::AlreadyServing.into());
        }
        let _serving = Serving(&self.state);
        let served = self.state.closed.wait();
        if served.is_err() {
            self.close();
        }
        self.wait_closed()?;
        served
    }

    /// Accepts no more connections. Those that are open go on. asyncio's `close`.
    ///
    /// The sockets are closed when the loop has had its turn, and at the latest when
    /// [`wait_closed`](Self::wait_closed) returns.
    pub fn close(&self) {
        self.state.close();
    }

    /// Closes all connections, each when all that was written is sent. Their handlers see the end
    /// of the stream. asyncio's `close_clients`.
    pub fn close_clients(&self) {
        for connection in self.state.clients.connections() {
            connection.close();
        }
    }

    /// Closes all connections now; what is unsent is dropped. asyncio's `abort_clients`.
    pub fn abort_clients(&self) {
        for connection in self.state.clients.connections() {
            connection.abort();
        }
    }

    /// Waits until the server is [closed](Self::close) and no connection is open. asyncio's
    /// `wait_closed`.
    ///
    /// # Cancellation
    ///
    /// Ends the wait and nothing else.
    ///
    /// # Errors
    ///
    /// A cancellation.
    #[track_caller]
    pub fn wait_closed(&self) -> Result<()> {
        let State { clients, accepting, idle, closed, .. } = &*self.state;
        closed.wait()?;
        let wait = Wait::new("a server to be closed");
        while accepting.get() > 0 {
            idle.wait(&wait)?;
        }
        while clients.len() > 0 {
            clients.empty().wait(&wait)?;
        }
        Ok(())
    }

    /// [Closes](Self::close) the server and waits for the connections that are open, but no longer
    /// than `limit`: then their handlers are cancelled and they are [aborted](Self::abort_clients).
    /// Says how many.
    ///
    /// # Cancellation
    ///
    /// Ends the wait; the server is closed, the connections go on.
    ///
    /// # Errors
    ///
    /// A cancellation.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use corio::{open_connection, start_server};
    ///
    /// corio::run(|| {
    ///     let server = start_server(|mut reader, _| reader.read_line().map(drop), "127.0.0.1:0")?;
    ///     let (mut silent, _writer) = open_connection(server.local_addr())?;
    ///     while server.clients() == 0 {
    ///         corio::sleep(Duration::ZERO)?;
    ///     }
    ///     assert_eq!(server.shutdown(Duration::from_millis(5))?, 1);
    ///     assert_eq!(silent.read_line()?, b"");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn shutdown(&self, limit: Duration) -> Result<usize> {
        self.close();
        match timeout(limit, || self.wait_closed()) {
            Err(error) if error.downcast_ref::<TimedOut>().is_some() => {}
            closed => return closed.map(|()| 0),
        }
        let left = self.clients();
        for handler in self.state.clients.handlers() {
            handler.cancel();
        }
        self.abort_clients();
        self.wait_closed()?;
        Ok(left)
    }
}

impl State {
    fn new() -> Self {
        Self {
            clients: Rc::default(),
            acceptors: RefCell::default(),
            accepting: Cell::new(0),
            idle: WaitList::new(),
            closed: Event::new(),
            serving_forever: Cell::new(false),
            #[cfg(unix)]
            socket_file: RefCell::new(None),
        }
    }

    fn close(&self) {
        let acceptors = self.acceptors.take();
        for acceptor in acceptors {
            acceptor.cancel();
        }
        #[cfg(unix)]
        drop(self.socket_file.take());
        self.closed.set();
    }
}

impl<L: ListenSocket> Drop for Server<L> {
    fn drop(&mut self) {
        self.state.close();
    }
}

impl<L: ListenSocket> fmt::Debug for Server<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses)
            .field("serving", &self.is_serving())
            .field("clients", &self.clients())
            .finish()
    }
}

/// A task accepts connections as long as this lives.
struct Accepting(Rc<State>);

impl Accepting {
    fn new(state: &Rc<State>) -> Self {
        state.accepting.set(state.accepting.get() + 1);
        Self(Rc::clone(state))
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        let state = &self.0;
        state.accepting.set(state.accepting.get() - 1);
        if state.accepting.get() == 0 {
            // If not by `close`, it was cancelled from elsewhere.
            state.close();
            state.idle.notify_all();
        }
    }
}

/// A task is in `serve_forever` as long as this lives.
struct Serving<'a>(&'a State);

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        self.0.serving_forever.set(false);
    }
}

/// The path of a Unix socket.
#[cfg(unix)]
mod socket_file {
    use std::fs;
    use std::io;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    use std::path::{Path, PathBuf};

    /// A socket that goes when this is dropped, if it is still the same.
    pub(super) struct SocketFile {
        path: PathBuf,
        identity: (u64, u64),
    }

    impl SocketFile {
        pub(super) fn new(path: &Path) -> io::Result<Self> {
            Ok(Self { path: path.to_owned(), identity: identity(path)? })
        }
    }

    impl Drop for SocketFile {
        fn drop(&mut self) {
            if identity(&self.path).is_ok_and(|identity| identity == self.identity) {
                // If it cannot be removed, the next server will say so.
                let _ = fs::remove_file(&self.path);
            }
        }
    }

    fn identity(path: &Path) -> io::Result<(u64, u64)> {
        let metadata = fs::symlink_metadata(path)?;
        Ok((metadata.dev(), metadata.ino()))
    }

    /// Removes the socket at `path`, if there is one; what is no socket stays.
    pub(super) fn remove_stale(path: &Path) -> io::Result<()> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(path),
            _ => Ok(()),
        }
    }
}
