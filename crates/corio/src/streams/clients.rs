//! The connections of a server.

use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

use corio_futures::WaitList;
use slab::Slab;

use super::connection::Connection;
use crate::task::TaskHandle;

/// Those connections that are not closed.
#[derive(Default)]
pub(super) struct Clients {
    table: RefCell<Slab<Client>>,
    /// Those who wait for the table to be empty.
    empty: WaitList,
}

struct Client {
    connection: Weak<Connection>,
    handler: Option<TaskHandle>,
}

impl Clients {
    pub(super) fn enlist(self: &Rc<Self>, connection: &Rc<Connection>) -> usize {
        let client = Client { connection: Rc::downgrade(connection), handler: None };
        let key = self.table.borrow_mut().insert(client);
        connection.enlist(Membership { clients: Rc::clone(self), key });
        key
    }

    pub(super) fn set_handler(&self, key: usize, handler: Option<TaskHandle>) {
        if let Some(client) = self.table.borrow_mut().get_mut(key) {
            client.handler = handler;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.borrow().len()
    }

    pub(super) fn empty(&self) -> &WaitList {
        &self.empty
    }

    // Copies, since whoever closes a connection changes the table.

    pub(super) fn connections(&self) -> Vec<Rc<Connection>> {
        self.table.borrow().iter().filter_map(|(_, client)| client.connection.upgrade()).collect()
    }

    pub(super) fn handlers(&self) -> Vec<TaskHandle> {
        self.table.borrow().iter().filter_map(|(_, client)| client.handler.clone()).collect()
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clients").field(&self.len()).finish()
    }
}

/// A connection is in the table as long as this lives.
pub(super) struct Membership {
    clients: Rc<Clients>,
    key: usize,
}

impl Drop for Membership {
    fn drop(&mut self) {
        let client = self.clients.table.borrow_mut().remove(self.key);
        drop(client);
        if self.clients.len() == 0 {
            self.clients.empty.notify_all();
        }
    }
}
