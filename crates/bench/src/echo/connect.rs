//! `connect`: how many connections a server accepts.
//!
//! Connect, send a byte, read it back, close. The servers are those of [`echo`](super).
//! - `connect/1`: one at a time, so that most of it is waking one another up, and a server accepts one connection each
//!   time it looks;
//! - `connect/100`: in bursts of a hundred. The kernel completes a connection without the server, which so has many to
//!   accept at once. It is as many as asyncio's `backlog` has room for: one more, and its client would be turned
//!   away, to try again a second later.
//!
//! The client resets a connection at the end, or its ports would soon be used up by connections that linger.

use std::{
    io::{self, Read, Write},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use rustix::net::sockopt::set_socket_linger;

use super::{
    client::{self, histogram},
    process::{self, Cores},
    round::{Round, Work, play, show},
    servers::{BUFFER, SERVERS, Server},
};
use crate::harness::{Bench, Result, Session};

pub(crate) const BENCH: Bench = Bench {
    name: "connect",
    about: "connect, a byte there and back, close: the echo servers' CPU time, how many a second",
    run,
    child: None,
};

fn run(session: &Session) -> Result<()> {
    process::raise_file_limit()?;
    let cores = Cores::choose(session)?;
    let mut servers: Vec<&Server> = SERVERS.iter().collect();
    servers.retain(|server| session.wants(server.name));
    for (burst, what) in [
        (1, "connections for one byte, one at a time"),
        (100, "connections for one byte, 100 at a time"),
    ] {
        let samples = play(session, &mut servers, &cores, BUFFER, |server| {
            let mut caller = Caller { port: server.port(), burst, latencies: histogram() };
            Round::measure(session, server, &mut caller)
        })?;
        show(session, &format!("connect/{burst}"), what, &samples);
    }
    Ok(())
}

struct Caller {
    port: u16,
    /// How many connections are made before the first is read from.
    burst: usize,
    latencies: Histogram<u64>,
}

impl Caller {
    fn call(&mut self) -> io::Result<()> {
        let mut calls = Vec::with_capacity(self.burst);
        for _ in 0..self.burst {
            let start = Instant::now();
            let mut stream = client::connect(self.port)?;
            set_socket_linger(&stream, Some(Duration::ZERO))?;
            stream.write_all(b"?")?;
            calls.push((stream, start));
        }
        for (mut stream, start) in calls {
            stream.read_exact(&mut [0])?;
            self.latencies.saturating_record(start.elapsed().as_nanos() as u64);
        }
        Ok(())
    }
}

impl Work for Caller {
    fn run(&mut self, duration: Duration) -> io::Result<u64> {
        let (begin, mut calls) = (Instant::now(), 0);
        while begin.elapsed() < duration {
            self.call()?;
            calls += self.burst as u64;
        }
        Ok(calls)
    }

    fn take_latencies(&mut self) -> Histogram<u64> {
        client::take(&mut self.latencies)
    }
}
