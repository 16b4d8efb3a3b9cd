//! `echo`: TCP servers that send back what they get, under the same load.
//!
//! Each server is a process of its own, pinned to one core; the load generator is in this process, pinned to
//! another. There are two: in the [closed loop](closed) a connection is a ping-pong: send a message, wait for all of its
//! echo, send the next. In the [open loop](open) messages are sent at a fixed rate, whatever comes back. Each server
//! is started afresh for each round of each [load], warmed up, and then measured:
//! - `…/cpu`, the main figure: the CPU time the server used for each message, kernel and all its threads
//!   included. It is hardly touched by what the other core does;
//! - `…/rate` of a closed loop: messages per second. Where the load generator is the busier of the two processes this
//!   measures the load generator, so how busy both were stands beside it, and such a row is marked;
//! - `…/latency` of a closed loop: how long an echo takes, the median of all, with the 99th and 99.9th percentiles beside
//!   it. With many connections most of it is waiting in line, so it says how fair a server is;
//! - `…/p50`, `…/p99` and `…/p99.9` of an open loop: how long an echo takes from the time its message was due.
//!
//! A round during which other programs kept either of the two waiting for its core is played again, a few times at
//! most; what disturbance remains is shown.
//!
//! Every server sets `TCP_NODELAY` and reads into a buffer of 16 KiB for each connection ([`servers::BUFFER`]).

pub(crate) mod client;
pub(crate) mod closed;
pub(crate) mod connect;
pub(crate) mod idle;
mod load;
mod open;
pub(crate) mod process;
pub(crate) mod round;
pub(crate) mod servers;
pub(crate) mod syscalls;

use crate::harness::{Bench, Result, Session};
use client::Exchange;
use closed::ClosedLoop;
use load::Load;
use open::OpenLoop;
use process::Cores;
use round::{Round, play, show, show_open};
use servers::{BUFFER, SERVERS, Server};

pub(crate) const BENCH: Bench = Bench {
    name: "echo",
    about: "TCP echo servers, each a process on one core: CPU time, messages per second, latency",
    run,
    child: Some(servers::child),
};

fn run(session: &Session) -> Result<()> {
    let loads = Load::of(session)?;
    let files = process::raise_file_limit()?;
    let cores = Cores::choose(session)?;
    let mut servers: Vec<&Server> = SERVERS.iter().collect();
    servers.retain(|server| session.wants(server.name));
    for load in loads {
        if !process::enough_files(session, files, load, load.connections) {
            continue;
        }
        let (name, what) = (format!("echo/{load}"), load.describe());
        match load.rate {
            None => {
                let samples = play(session, &mut servers, &cores, BUFFER, |server| {
                    Round::measure(session, server, &mut closed_loop(server.port(), load)?)
                })?;
                show(session, &name, &what, &samples);
            }
            Some(_) if cores.server == cores.generator => {
                session.note(&format!("{load} is left out: its generator needs a core for itself"));
            }
            Some(rate) => {
                let samples = play(session, &mut servers, &cores, BUFFER, |server| {
                    let message = load.message();
                    let mut work =
                        OpenLoop::connect(server.port(), load.connections, message, rate)?;
                    Round::measure(session, server, &mut work)
                })?;
                show_open(session, &name, &what, rate, &samples);
            }
        }
    }
    Ok(())
}

/// A closed loop of echoes.
fn closed_loop(port: u16, load: Load) -> Result<ClosedLoop> {
    let message = load.message();
    let exchange = Exchange { answer: message.len(), message: message.clone() };
    Ok(ClosedLoop::connect(port, load.connections, exchange, |echo| echo == message)?)
}
