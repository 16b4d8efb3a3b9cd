//! The task that accepts connections, and makes one for each.

use std::rc::Rc;
use std::time::Duration;

use corio_futures::{Error, Result};

use super::clients::Clients;
use super::connection::Connection;
use super::{StreamReader, StreamWriter, Transport};
use crate::event_loop::EventLoop;
use crate::net::{ListenSocket, Listener, StreamSocket};
use crate::sleep;
use crate::task::{TaskOptions, create_task_with};

/// How long a server that cannot accept connections, for lack of file descriptors as a rule, leaves
/// it. asyncio's figure.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) type AddrOf<L> = <<L as ListenSocket>::Stream as StreamSocket>::Addr;

/// Welcomes whoever comes, until it is cancelled.
pub(super) fn accept<L: ListenSocket, H>(
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

fn welcome<H>(stream: impl Transport, options: TaskOptions, handler: &Rc<H>, clients: &Rc<Clients>)
where
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
