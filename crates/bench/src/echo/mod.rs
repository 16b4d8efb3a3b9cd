//! `echo`: TCP servers that send back what they get, under the same load.
//!
//! Each server is a process of its own, pinned to one core; the [load generator](load) is in this process, pinned to
//! another. A connection is a ping-pong: send a message, wait for all of its echo, send the next. Each server
//! is started afresh for each round of each load, warmed up, and then measured:
//! - `…/cpu`, the main figure: the CPU time the server used for each message, kernel and all its threads
//!   included. It is hardly touched by what the other core does;
//! - `…/rate`: messages per second. Where the load generator is the busier of the two processes this measures
//!   the load generator, so how busy both were stands beside it, and such a row is marked.
//!
//! A round during which other programs kept either of the two waiting for its core is played again, a few times at
//! most; what disturbance remains is shown.
//!
//! Every server sets `TCP_NODELAY` and reads into a buffer of 16 KiB for each connection ([`servers::BUFFER`]).

mod load;
mod process;
mod servers;

use std::time::{Duration, Instant};

use crate::harness::{Bench, Better, Result, Session, Table};
use load::{Generator, Load};
use process::{Cores, CpuTime, Launch, Process};
use servers::{SERVERS, Server};

pub(crate) const BENCH: Bench = Bench {
    name: "echo",
    about: "TCP echo servers, each a process on one core: CPU time per message, messages per second",
    run,
    child: Some(servers::child),
};

const LOADS: [Load; 4] = [
    Load { connections: 1, message: 64 },
    Load { connections: 50, message: 64 },
    Load { connections: 1000, message: 64 },
    Load { connections: 50, message: 16 * 1024 },
];

/// From this share of the time on, the programs that share the machine are taken to have disturbed a round.
const DISTURBED: f64 = 0.03;

fn run(session: &Session) -> Result<()> {
    process::raise_file_limit()?;
    let cores = Cores::choose()?;
    if cores.server == cores.generator {
        session.note("only one core: the load generator shares it with the servers");
    }
    let mut servers: Vec<&Server> = SERVERS.iter().collect();
    servers.retain(|server| session.wants(server.name));
    for load in LOADS {
        let samples = play(session, &mut servers, load, &cores)?;
        show(session, load, &samples);
    }
    Ok(())
}

/// The samples of one server under one load.
type Samples = (&'static str, Vec<Sample>);

/// All rounds of one load. A server that cannot run here is taken out of `servers`.
fn play(
    session: &Session,
    servers: &mut Vec<&Server>,
    load: Load,
    cores: &Cores,
) -> Result<Vec<Samples>> {
    let mut samples: Vec<Samples> = servers.iter().map(|server| (server.name, vec![])).collect();
    for _ in 0..session.size(5, 1) {
        for (name, samples) in &mut samples {
            let Some(index) = servers.iter().position(|server| server.name == *name) else {
                continue;
            };
            match Process::launch(servers[index], cores)? {
                Launch::Listening(process) => {
                    samples.push(measure(session, &process, load, cores)?)
                }
                Launch::Impossible(reason) => {
                    session.note(&format!("{name} is left out: {reason}"));
                    servers.remove(index);
                }
            }
        }
    }
    samples.retain(|(_, samples)| !samples.is_empty());
    Ok(samples)
}

fn show(session: &Session, load: Load, samples: &[Samples]) {
    let table = |figure: &str, about, unit, better| {
        let name = format!("echo/{load}/{figure}");
        let about = format!("{}: {about}", load.describe());
        Table::new(name, about, unit, better).reference("tokio").reference("epoll")
    };
    let mut cpu = table("cpu", "the server's CPU time for each", "ns", Better::Lower);
    let mut rate = table("rate", "how many a second", "msg/s", Better::Higher);
    for (name, samples) in samples {
        for sample in samples {
            cpu.add(name, sample.server.on_core.as_secs_f64() * 1e9 / sample.messages);
            rate.add(name, sample.messages / sample.elapsed);
        }
        rate.note(name, busy(samples));
    }
    session.show(&cpu);
    session.show(&rate);
}

/// What happened in one round.
struct Sample {
    messages: f64,
    /// Seconds.
    elapsed: f64,
    server: CpuTime,
    generator: CpuTime,
}

impl Sample {
    /// The share of the time that other programs kept one of the two from its core.
    fn disturbance(&self) -> f64 {
        let waiting = self.server.waiting.max(self.generator.waiting);
        waiting.as_secs_f64() / self.elapsed
    }
}

/// One round. If others disturb it, it is played again, and the least disturbed one counts, whatever it shows.
fn measure(session: &Session, server: &Process, load: Load, cores: &Cores) -> Result<Sample> {
    let warm_up = session.size(Duration::from_millis(100), Duration::from_millis(10));
    let measured = session.size(Duration::from_millis(400), Duration::from_millis(40));
    let attempts = session.size(4, 1);

    let _pinned = cores.pin_generator()?;
    let mut generator = Generator::connect(server.port(), load)?;
    generator.run(warm_up)?;
    let mut least = sample(server, &mut generator, measured)?;
    for _ in 1..attempts {
        if least.disturbance() < DISTURBED {
            break;
        }
        let again = sample(server, &mut generator, measured)?;
        if again.disturbance() < least.disturbance() {
            least = again;
        }
    }
    Ok(least)
}

fn sample(server: &Process, generator: &mut Generator, duration: Duration) -> Result<Sample> {
    let (server_before, generator_before) = (server.cpu_time()?, CpuTime::of_this_thread()?);
    let start = Instant::now();
    let messages = generator.run(duration)?;
    Ok(Sample {
        messages: messages as f64,
        elapsed: start.elapsed().as_secs_f64(),
        server: server.cpu_time()? - server_before,
        generator: CpuTime::of_this_thread()? - generator_before,
    })
}

/// How busy the two processes were, and what that says about the figures beside it.
fn busy(samples: &[Sample]) -> String {
    let mean = |share: &dyn Fn(&Sample) -> f64| {
        samples.iter().map(share).sum::<f64>() / samples.len() as f64 * 100.0
    };
    let server = mean(&|sample| sample.server.on_core.as_secs_f64() / sample.elapsed);
    let generator = mean(&|sample| sample.generator.on_core.as_secs_f64() / sample.elapsed);
    let disturbance = mean(&Sample::disturbance);

    let mut note = format!("busy: server {server:.0} %, generator {generator:.0} %");
    if generator > 95.0 && generator > server {
        note += " (the generator is the limit)";
    }
    if disturbance > DISTURBED * 100.0 {
        note += &format!(" (disturbed: {disturbance:.0} % spent waiting for a core)");
    }
    note
}
