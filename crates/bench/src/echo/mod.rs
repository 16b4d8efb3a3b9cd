//! `echo`: TCP servers that send back what they get, under the same load.
//!
//! Each server is a process of its own, pinned to one core; the [load generator](load) is in this process, pinned to
//! another. A connection is a ping-pong: send a message, wait for all of its echo, send the next. Each server
//! is started afresh for each round of each load, warmed up, and then measured:
//! - `…/cpu`, the main figure: the CPU time the server used for each message, kernel and all its threads
//!   included. It is hardly touched by what the other core does;
//! - `…/rate`: messages per second. Where the load generator is the busier of the two processes this measures
//!   the load generator, so how busy both were stands beside it, and such a row is marked;
//! - `…/latency`: how long an echo takes, the median of all, with the 99th and 99.9th percentiles beside it. The load is
//!   a closed loop: with many connections most of it is waiting in line, so it says how fair a server is.
//!
//! A round during which other programs kept either of the two waiting for its core is played again, a few times at
//! most; what disturbance remains is shown.
//!
//! Every server sets `TCP_NODELAY` and reads into a buffer of 16 KiB for each connection ([`servers::BUFFER`]).

pub(crate) mod connect;
pub(crate) mod load;
pub(crate) mod process;
pub(crate) mod round;
pub(crate) mod servers;
pub(crate) mod syscalls;

use crate::harness::{Bench, Result, Session};
use load::{Generator, Load};
use process::Cores;
use round::{Round, play, show};
use servers::{SERVERS, Server};

pub(crate) const BENCH: Bench = Bench {
    name: "echo",
    about: "TCP echo servers, each a process on one core: CPU time per message, messages per second",
    run,
    child: Some(servers::child),
};

const LOADS: [Load; 8] = [
    Load { connections: 1, message: 64 },
    Load { connections: 50, message: 64 },
    Load { connections: 1000, message: 64 },
    Load { connections: 10_000, message: 64 },
    Load { connections: 50, message: 1024 },
    Load { connections: 1000, message: 1024 },
    Load { connections: 50, message: 16 * 1024 },
    Load { connections: 50, message: 100 * 1024 },
];

/// More connections than this take a while to make.
const QUICK: usize = 1000;

fn run(session: &Session) -> Result<()> {
    let files = process::raise_file_limit()?;
    let cores = Cores::choose(session)?;
    let mut servers: Vec<&Server> = SERVERS.iter().collect();
    servers.retain(|server| session.wants(server.name));
    for load in LOADS {
        if session.quick && load.connections > QUICK {
            continue;
        }
        // Some are for other things than connections.
        if files < load.connections as u64 + 100 {
            session.note(&format!("{load} is left out: only {files} files may be open at once"));
            continue;
        }
        let samples = play(session, &mut servers, &cores, |server| {
            let exchange = load.exchange();
            let message = exchange.message.clone();
            let is_right = move |echo: &[u8]| echo == message;
            let mut generator =
                Generator::connect(server.port(), load.connections, exchange, is_right)?;
            Round::measure(session, server, &mut generator)
        })?;
        show(session, &format!("echo/{load}"), &load.describe(), &samples);
    }
    Ok(())
}
