//! `idle`: what a connection costs that nobody uses.
//!
//! 10,000 connections to each of the servers of [`echo`](super), and what they take beyond a server that has had one:
//! - `idle/…/accepted`: accepted, and nothing sent yet;
//! - `idle/…/echoed`: after a message of 64 B on each, which is when stacks and buffers have been touched.
//!
//! The figure is the sum of the three parts beside it: the server's resident memory, its page tables, and the kernel's
//! share. That is what the kernel's slabs grow by, less the client's end of each connection, which is taken to be
//! half of what a pair of sockets takes that nobody polls; [`plain_socket`] finds that out. TCP's buffers are empty,
//! as all has been read; what TCP still accounts for stands beside the rest, and is not in the sum.
//!
//! Slabs are the whole machine's, and a slab with room left from before is filled first: others who open and close files
//! meanwhile make a round better or worse by some hundred bytes a connection.
//!
//! The servers have [buffers](BUFFER) of 1 KiB, as theirs would who expect many connections that are silent for the
//! most part: with those of `echo`, it is 16 KiB of zeros that would be measured.

use std::{
    mem,
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{
    client, load,
    process::{self, Cores, Process},
    round::play,
    servers::{SERVERS, Server},
};
use crate::{
    harness::{Bench, Better, Result, Session, Table},
    memory::{self, Memory},
};

pub(crate) const BENCH: Bench = Bench {
    name: "idle",
    about: "memory for each of 10,000 idle connections to the echo servers, the kernel's included",
    run,
    child: None,
};

/// How many connections are made at once: asyncio has room for so many.
const STEP: usize = 100;

/// What the servers' buffers have room for.
const BUFFER: usize = 1024;

/// How long a server may take to accept connections.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a server may take to come to rest.
const RESTLESS: Duration = Duration::from_secs(5);

/// A server that does nothing for so long has nothing to do.
const QUIET: Duration = Duration::from_millis(10);

fn run(session: &Session) -> Result<()> {
    let connections = session.size(10_000, 200);
    let files = process::raise_file_limit()?;
    if !process::enough_files(session, files, "idle", connections) {
        return Ok(());
    }
    let cores = Cores::choose(session)?;
    let mut servers: Vec<&Server> = SERVERS.iter().collect();
    servers.retain(|server| session.wants(server.name));
    let samples =
        play(session, &mut servers, &cores, BUFFER, |server| measure(server, connections))?;
    for (index, (state, about)) in
        [("accepted", "on which nothing was sent"), ("echoed", "on which a message was echoed")]
            .into_iter()
            .enumerate()
    {
        let name = format!("idle/{connections}/{state}");
        let about = format!("{connections} connections {about}: memory for each");
        let mut table =
            Table::new(name, about, "bytes", Better::Lower).reference("tokio").reference("epoll");
        for (name, rounds) in &samples {
            let costs: Vec<&Cost> = rounds.iter().map(|states| &states[index]).collect();
            for cost in &costs {
                table.add(name, cost.total());
            }
            table.note(name, Cost::parts(&costs));
        }
        session.show(&table);
    }
    Ok(())
}

/// Bytes for each connection.
struct Cost {
    resident: f64,
    page_tables: f64,
    kernel: f64,
    /// What TCP accounts for, at both ends.
    buffers: f64,
}

impl Cost {
    fn total(&self) -> f64 {
        self.resident + self.page_tables + self.kernel
    }

    /// Means of the parts, in words.
    fn parts(costs: &[&Self]) -> String {
        let mean = |part: fn(&Self) -> f64| {
            costs.iter().map(|cost| part(cost)).sum::<f64>() / costs.len() as f64
        };
        format!(
            "resident {:.0}, page tables {:.0}, kernel {:.0} (TCP accounts for {:.0})",
            mean(|cost| cost.resident),
            mean(|cost| cost.page_tables),
            mean(|cost| cost.kernel),
            mean(|cost| cost.buffers),
        )
    }
}

/// What is in use, by a server and by the kernel.
#[derive(Clone, Copy)]
struct Usage {
    server: Memory,
    slabs: u64,
    buffers: u64,
}

impl Usage {
    fn of(server: &Process) -> Result<Self> {
        Ok(Self {
            server: Memory::of(server.id())?,
            slabs: memory::slabs()?,
            buffers: memory::tcp_buffers()?,
        })
    }

    fn since(self, before: Self, connections: usize, client_end: f64) -> Cost {
        let each = |before, after| difference(before, after) / connections as f64;
        Cost {
            resident: each(before.server.resident, self.server.resident),
            page_tables: each(before.server.page_tables, self.server.page_tables),
            kernel: each(before.slabs, self.slabs) - client_end,
            buffers: each(before.buffers, self.buffers),
        }
    }
}

/// It may well be negative: others give memory back.
fn difference(before: u64, after: u64) -> f64 {
    after as f64 - before as f64
}

/// What the connections cost once they are accepted, and once they have been used.
fn measure(server: &Process, connections: usize) -> Result<[Cost; 2]> {
    let client_end = plain_socket(connections)?;
    let message = load::closed(1, 64).message();
    let echo = |stream: &TcpStream| {
        client::ask(stream, &message, &mut vec![0; message.len()], |echo| echo == message)
    };
    echo(&client::connect(server.port())?)?; // what only the first one costs
    settle(server)?;

    let (before, files) = (Usage::of(server)?, server.open_files()?);
    let mut streams = Vec::with_capacity(connections);
    while streams.len() < connections {
        // In steps, so that no more wait to be accepted than there is room for.
        let step = STEP.min(connections - streams.len());
        for _ in 0..step {
            streams.push(client::connect(server.port())?);
        }
        let expected = files + streams.len();
        wait(|| match server.open_files()? {
            open if open < expected => {
                Err(format!("{} connections are not accepted", expected - open).into())
            }
            _ => Ok(()),
        })?;
    }
    settle(server)?;
    let accepted = Usage::of(server)?;
    streams.iter().try_for_each(echo)?;
    settle(server)?;
    let echoed = Usage::of(server)?;
    Ok([accepted, echoed].map(|usage| usage.since(before, connections, client_end)))
}

/// Returns when the server has nothing to do. One that never rests is looked at all the same.
fn settle(server: &Process) -> Result<()> {
    let deadline = Instant::now() + RESTLESS;
    let mut worked = server.cpu_time()?.on_core;
    loop {
        thread::sleep(QUIET);
        let before = mem::replace(&mut worked, server.cpu_time()?.on_core);
        if worked == before || deadline < Instant::now() {
            return Ok(());
        }
    }
}

/// Waits for `condition`. If it is not fulfilled in time, its error is the last word.
fn wait(mut condition: impl FnMut() -> Result<()>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match condition() {
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => {}
            Ok(()) => return Ok(()),
        }
    }
}

/// What one end of a connection takes of the kernel's slabs, where both are sockets that nobody polls.
fn plain_socket(connections: usize) -> Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let before = memory::slabs()?;
    let mut ends = Vec::with_capacity(connections);
    for _ in 0..connections / 2 {
        ends.push(client::connect(port)?);
        ends.push(listener.accept()?.0);
    }
    Ok(difference(before, memory::slabs()?) / ends.len() as f64)
}
