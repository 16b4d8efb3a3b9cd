//! `connect`: how many connections a server accepts.
//!
//! One at a time: connect, send a byte, read it back, close. The servers are those of [`echo`](super). The client resets the
//! connection at the end, or its ports would soon be used up by connections that linger.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use rustix::net::sockopt::set_socket_linger;

use super::{
    load::{PATIENCE, histogram},
    process::{self, Cores},
    round::{Round, Work, play, show},
    servers::{SERVERS, Server},
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
    let samples = play(session, &mut servers, &cores, |server| {
        let mut caller = Caller { port: server.port(), latencies: histogram() };
        Round::measure(session, server, &mut caller)
    })?;
    show(session, "connect", "connections for one byte", &samples);
    Ok(())
}

struct Caller {
    port: u16,
    latencies: Histogram<u64>,
}

impl Caller {
    fn call(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        set_socket_linger(&stream, Some(Duration::ZERO))?;
        stream.write_all(b"?")?;
        stream.read_exact(&mut [0])
    }
}

impl Work for Caller {
    fn run(&mut self, duration: Duration) -> io::Result<u64> {
        let (begin, mut calls) = (Instant::now(), 0);
        while begin.elapsed() < duration {
            let start = Instant::now();
            self.call()?;
            self.latencies.saturating_record(start.elapsed().as_nanos() as u64);
            calls += 1;
        }
        Ok(calls)
    }

    fn take_latencies(&mut self) -> Histogram<u64> {
        let taken = self.latencies.clone();
        self.latencies.reset();
        taken
    }
}
