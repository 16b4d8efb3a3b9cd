//! What servers and clients share: who is here, and what has happened.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use corio::tls::rustls::{ClientConfig, ServerConfig};
use corio::{Lock, Result, TaskHandle, get_running_loop};
use socket2::{Domain, Socket, Type};

use super::plan::Plan;
use super::pulse::Pulse;
use super::{Extent, Options};
use crate::TempDir;
use crate::tls_configs::TlsConfigs;

/// How many failures are told; the others are counted.
const TOLD: usize = 10;

pub(super) struct World {
    pub(super) options: Options,
    pub(super) folder: TempDir,
    pub(super) server_config: Arc<ServerConfig>,
    pub(super) client_config: Arc<ClientConfig>,
    /// It has an address, and does not listen.
    deaf: RefCell<Option<Socket>>,
    pub(super) deaf_address: SocketAddr,
    pub(super) squeezing: Lock<()>,
    pub(super) pulse: Pulse,
    /// The servers' tasks, by the numbers of their clients.
    handlers: RefCell<HashMap<u64, TaskHandle>>,

    pub(super) clients: Cell<u64>,
    by_plan: [Cell<u64>; Plan::ALL.len()],
    pub(super) verified: Cell<u64>,
    /// Reads that were given up, and tried again.
    pub(super) late_reads: Cell<u64>,
    pub(super) squeezes: Cell<u64>,
    pub(super) connects_short: Cell<u64>,
    pub(super) accepts_short: Cell<u64>,
    pub(super) reports: Cell<u64>,
    pub(super) most_unsent: Cell<usize>,
    pub(super) failed: Cell<u64>,
    pub(super) failures: RefCell<Vec<String>>,
}

impl World {
    pub(super) fn new(options: &Options) -> Result<Rc<Self>> {
        let deaf = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        deaf.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = deaf.local_addr()?.as_socket().expect("it is one of IP");
        let tls = TlsConfigs::new()?;
        let world = Rc::new(Self {
            options: options.clone(),
            folder: TempDir::new(),
            server_config: Arc::new(tls.server),
            client_config: Arc::new(tls.client),
            deaf: RefCell::new(Some(deaf)),
            deaf_address: address,
            squeezing: Lock::new(()),
            pulse: Pulse::start(),
            handlers: RefCell::default(),
            clients: Cell::default(),
            by_plan: Default::default(),
            verified: Cell::default(),
            late_reads: Cell::default(),
            squeezes: Cell::default(),
            connects_short: Cell::default(),
            accepts_short: Cell::default(),
            reports: Cell::default(),
            most_unsent: Cell::default(),
            failed: Cell::default(),
            failures: RefCell::default(),
        });
        world.listen_to_reports()?;
        Ok(world)
    }

    /// Handlers that fail are reported; so are servers that cannot accept. Neither is wrong, if it is
    /// not a panic.
    fn listen_to_reports(self: &Rc<Self>) -> Result<()> {
        let world = Rc::downgrade(self);
        get_running_loop()?.set_exception_handler(move |report| {
            let Some(world) = world.upgrade() else { return };
            count(&world.reports);
            if report.message().contains("cannot accept") {
                count(&world.accepts_short);
            }
            if report.error().downcast_ref::<corio::Panicked>().is_some() {
                world.fail("a server", report);
            }
        });
        Ok(())
    }

    /// Gives back what it has of the system.
    pub(super) fn close(&self) {
        self.deaf.take();
    }

    /// Lets clients in until there are enough.
    pub(super) fn open_for(&self, extent: Extent) -> Door<'_> {
        let until = match extent {
            Extent::Clients(count) => Until::Client(self.clients.get() + count),
            Extent::Time(time) => Until::Instant(Instant::now() + time),
        };
        Door { world: self, until }
    }

    pub(super) fn count_plan(&self, plan: Plan) {
        count(&self.by_plan[plan as usize]);
    }

    pub(super) fn came_with(&self, plan: Plan) -> u64 {
        self.by_plan[plan as usize].get()
    }

    /// Notes how much a server keeps for a client.
    pub(super) fn note_unsent(&self, bytes: usize) {
        self.most_unsent.set(self.most_unsent.get().max(bytes));
    }

    /// Notes that something is not as it should be.
    pub(super) fn fail(&self, who: impl Display, what: impl Display) {
        count(&self.failed);
        let mut failures = self.failures.borrow_mut();
        if failures.len() < TOLD {
            failures.push(format!("{who}: {what}"));
        }
    }

    /// The current task serves that client, as long as the result lives.
    pub(super) fn enlist(&self, number: u64) -> Result<Enlisted<'_>> {
        let handler = corio::current_task()?;
        self.handlers.borrow_mut().insert(number, handler);
        Ok(Enlisted { world: self, number })
    }

    /// Cancels the task that serves that client, if there is one.
    pub(super) fn cut_off(&self, number: u64) {
        let handler = self.handlers.borrow().get(&number).cloned();
        if let Some(handler) = handler {
            handler.cancel();
        }
    }
}

/// One more.
pub(super) fn count(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}

/// Where clients come in.
pub(super) struct Door<'a> {
    world: &'a World,
    until: Until,
}

enum Until {
    Client(u64),
    Instant(Instant),
}

impl Door<'_> {
    /// The number of the next client; `None` if there were enough.
    pub(super) fn next_client(&self) -> Option<u64> {
        let number = self.world.clients.get();
        let is_open = match self.until {
            Until::Client(last) => number < last,
            Until::Instant(end) => Instant::now() < end,
        };
        is_open.then(|| {
            count(&self.world.clients);
            number
        })
    }
}

/// A task serves a client.
pub(super) struct Enlisted<'a> {
    world: &'a World,
    number: u64,
}

impl Drop for Enlisted<'_> {
    fn drop(&mut self) {
        self.world.handlers.borrow_mut().remove(&self.number);
    }
}
