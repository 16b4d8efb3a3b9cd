//! The servers: bare sockets in a group, and asyncio's, by TCP, TLS and a Unix socket.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use corio::net::TcpListener;
use corio::{Error, Result, Server, Task, create_task, start_unix_server, task_group, tls};
use fastrand::Rng;

use super::handlers;
use super::squeeze::is_shortage;
use super::world::{World, count};

/// Each TCP server has so many addresses: ports are used up for a while when connections end.
const ADDRESSES: u8 = 4;

/// How long clients may go on when their server is told to stop. All should be gone by then.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Servers {
    sockets: RefCell<Vec<Task<'static, ()>>>,
    socket_addresses: Vec<SocketAddr>,
    streams: Server,
    tls: Server,
    unix: Server<UnixListener>,
    pub(super) unix_path: PathBuf,
}

impl Servers {
    pub(super) fn start(world: &Rc<World>) -> Result<Self> {
        let listeners = listeners()?;
        let socket_addresses: Result<_> = listeners.iter().map(|l| Ok(l.local_addr()?)).collect();
        let sockets = listeners.into_iter().map(|listener| {
            let world = Rc::clone(world);
            create_task(move || serve(&listener, &world))
        });
        let sockets = sockets.collect();
        let handler = || {
            let world = Rc::clone(world);
            move |reader, writer| handlers::over_streams(&world, reader, writer)
        };
        let unix_path = world.folder.path().join("socket");
        Ok(Self {
            sockets: RefCell::new(sockets),
            socket_addresses: socket_addresses?,
            streams: Server::start(handler(), self::listeners()?)?,
            tls: Server::start(
                tls::secure(Arc::clone(&world.server_config), handler()),
                self::listeners()?,
            )?,
            unix: start_unix_server(handler(), &unix_path)?,
            unix_path,
        })
    }

    /// Where the server of bare sockets listens.
    pub(super) fn sockets_address(&self, rng: &mut Rng) -> SocketAddr {
        self.socket_addresses[rng.usize(..self.socket_addresses.len())]
    }

    pub(super) fn streams_address(&self, rng: &mut Rng) -> SocketAddr {
        self.streams.addresses()[rng.usize(..self.streams.addresses().len())]
    }

    pub(super) fn tls_address(&self, rng: &mut Rng) -> SocketAddr {
        self.tls.addresses()[rng.usize(..self.tls.addresses().len())]
    }

    /// Stops them all.
    pub(super) fn stop(&self) -> Result<()> {
        self.streams.shutdown(PATIENCE)?;
        self.tls.shutdown(PATIENCE)?;
        self.unix.shutdown(PATIENCE)?;
        for sockets in self.sockets.take() {
            sockets.cancel();
            sockets.wait().or_else(|e| if e.is_cancelled() { Ok(()) } else { Err(e) })?;
        }
        Ok(())
    }
}

fn listeners() -> Result<Vec<TcpListener>> {
    let addresses = (1..=ADDRESSES).map(|last| Ipv4Addr::new(127, 0, 0, last));
    addresses.map(|address| Ok(TcpListener::bind((address, 0))?)).collect()
}

/// The server of bare sockets, at one of its addresses.
fn serve(listener: &TcpListener, world: &World) -> Result<()> {
    task_group(|group| {
        loop {
            match listener.accept().map_err(Error::from) {
                Ok((stream, _)) => {
                    // What becomes of one is not the others' business.
                    group.create_task(move || {
                        drop(handlers::over_a_socket(world, &stream));
                        Ok(())
                    });
                }
                Err(error) if is_shortage(&error) => count(&world.accepts_short),
                Err(error) => return Err(error),
            }
        }
    })
}
