//! The crawl: many clients, each in a task of its own, share what has been found so far.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::io::BufRead;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use corio::{task_group, timeout};

use crate::client::Client;
use crate::frontier::{Frontier, Visit};
use crate::links;

/// How long a request may take, from connecting to the last byte.
const PATIENCE: Duration = Duration::from_secs(10);
/// A small site is visited again until so much time has gone by: less would say nothing.
const AT_LEAST: Duration = Duration::from_secs(1);
/// How many failures are kept for the report.
const FAILURES_SHOWN: usize = 5;

pub struct Crawl {
    address: SocketAddr,
    pub frontier: Frontier,
    pub counts: Counts,
}

/// What came of the requests so far.
#[derive(Default)]
pub struct Counts {
    pub requests: Cell<u64>,
    pub bytes: Cell<u64>,
    /// What is linked to and not there: the site's fault.
    pub broken_links: RefCell<HashSet<String>>,
    /// Requests that should have been answered and were not: the server's fault, or ours.
    pub failures: Cell<u64>,
    pub first_failures: RefCell<Vec<String>>,
}

impl Crawl {
    pub fn new(address: SocketAddr) -> Self {
        let frontier = Frontier::new("/", Instant::now() + AT_LEAST);
        Self { address, frontier, counts: Counts::default() }
    }

    /// Crawls the site with so many clients at a time. Says how long it took.
    pub fn run(&self, clients: usize) -> corio::Result<Duration> {
        let began = Instant::now();
        task_group(|group| {
            for _ in 0..clients {
                group.create_task(|| self.visit_pages());
            }
            Ok(())
        })?;
        Ok(began.elapsed())
    }

    /// What a client does: visit page after page, until there is none left.
    fn visit_pages(&self) -> corio::Result<()> {
        let mut client = Client::new(self.address);
        while let Some(visit) = self.frontier.next()? {
            match timeout(PATIENCE, || self.visit(&mut client, &visit)) {
                Err(error) if error.is_cancelled() => return Err(error),
                Err(error) => self.counts.add_failure(&visit.path, &error.to_string()),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    fn visit(&self, client: &mut Client, visit: &Visit<'_>) -> corio::Result<()> {
        let mut response = client.get(&visit.path)?;
        if let Some(location) = &response.location {
            self.add_link(&visit.path, location);
        }
        if response.is_html {
            self.add_links(&visit.path, &mut response.body)?;
        }
        let (status, length) = (response.status, response.length);
        client.finish(response)?;
        self.counts.add(&visit.path, status, length);
        Ok(())
    }

    /// Adds the links of a page as they are found. The generator waits for the page to arrive, on
    /// a stack of its own, and this task waits with it.
    fn add_links(&self, path: &str, page: &mut impl BufRead) -> corio::Result<()> {
        corio_coroutine::scope(|scope| {
            let mut links = scope.generator(|co| links::find(page, co));
            for link in &mut links {
                self.add_link(path, &link);
            }
            links.take_return_value().unwrap_or(Ok(()))
        })?;
        Ok(())
    }

    fn add_link(&self, path: &str, link: &str) {
        if let Some(path) = links::resolve(path, link) {
            self.frontier.add(path);
        }
    }
}

impl Counts {
    fn add(&self, path: &str, status: u16, bytes: u64) {
        self.requests.update(|requests| requests + 1);
        self.bytes.update(|sum| sum + bytes);
        match status {
            200..400 => {}
            403 | 404 => drop(self.broken_links.borrow_mut().insert(path.to_owned())),
            _ => self.add_failure(path, &format!("status {status}")),
        }
    }

    fn add_failure(&self, path: &str, why: &str) {
        self.failures.update(|failures| failures + 1);
        let mut shown = self.first_failures.borrow_mut();
        if shown.len() < FAILURES_SHOWN {
            shown.push(format!("{path}: {why}"));
        }
    }
}
