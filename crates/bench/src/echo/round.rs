//! Rounds: servers in turn under the same load, what they cost and how long they take.

use std::{
    io,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{
    load::Generator,
    process::{Cores, CpuTime, Launch, Process},
    servers::Server,
};
use crate::harness::{Better, Result, Session, Table};

/// From this share of the time on, the programs that share the machine are taken to have disturbed a round.
const DISTURBED: f64 = 0.03;

/// The rounds of one server under one load.
pub(crate) type Rounds = (&'static str, Vec<Round>);

/// All rounds of one load. A server that cannot run here is taken out of `servers`.
pub(crate) fn play(
    session: &Session,
    servers: &mut Vec<&Server>,
    cores: &Cores,
    measure: impl Fn(&Process) -> Result<Round>,
) -> Result<Vec<Rounds>> {
    let mut samples: Vec<Rounds> = servers.iter().map(|server| (server.name, vec![])).collect();
    for _ in 0..session.size(5, 1) {
        for (name, samples) in &mut samples {
            let Some(index) = servers.iter().position(|server| server.name == *name) else {
                continue;
            };
            match Process::launch(servers[index], cores)? {
                Launch::Listening(process) => {
                    let _pinned = cores.pin_generator()?;
                    samples.push(measure(&process)?);
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

/// `what` is one of those that are counted, as in "messages of 64 B".
pub(crate) fn show(session: &Session, name: &str, what: &str, samples: &[Rounds]) {
    let table = |figure: &str, about, unit, better| {
        let about = format!("{what}: {about}");
        let table = Table::new(format!("{name}/{figure}"), about, unit, better);
        table.reference("tokio").reference("epoll")
    };
    let mut cpu = table("cpu", "the server's CPU time for each", "ns", Better::Lower);
    let mut rate = table("rate", "how many a second", "/s", Better::Higher);
    let mut latency = table("latency", "how long each takes", "us", Better::Lower);
    for (name, rounds) in samples {
        for round in rounds {
            cpu.add(name, round.server.on_core.as_secs_f64() * 1e9 / round.count);
            rate.add(name, round.count / round.elapsed);
            latency.add(name, round.latency(0.5));
        }
        rate.note(name, busy(rounds));
        latency.note(name, tail(rounds));
    }
    session.show(&cpu);
    session.show(&rate);
    session.show(&latency);
}

/// What happened in one round.
pub(crate) struct Round {
    count: f64,
    /// Seconds.
    elapsed: f64,
    server: CpuTime,
    generator: CpuTime,
    latencies: Histogram<u64>,
}

/// What puts a server under load.
pub(crate) trait Work {
    /// Works for so long. Says how often it did what is counted.
    fn run(&mut self, duration: Duration) -> io::Result<u64>;

    /// How long each took since the last call, in nanoseconds.
    fn take_latencies(&mut self) -> Histogram<u64>;
}

impl Work for Generator {
    fn run(&mut self, duration: Duration) -> io::Result<u64> {
        Generator::run(self, duration)
    }

    fn take_latencies(&mut self) -> Histogram<u64> {
        Generator::take_latencies(self)
    }
}

impl Round {
    /// Warms up and measures. If others disturb a round, it is played again, and the least disturbed one counts,
    /// whatever it shows.
    pub(crate) fn measure(
        session: &Session,
        server: &Process,
        work: &mut impl Work,
    ) -> Result<Self> {
        let warm_up = session.size(Duration::from_millis(100), Duration::from_millis(10));
        let measured = session.size(Duration::from_millis(400), Duration::from_millis(40));
        let attempts = session.size(4, 1);

        work.run(warm_up)?;
        let mut least = Self::once(server, work, measured)?;
        for _ in 1..attempts {
            if least.disturbance() < DISTURBED {
                break;
            }
            let again = Self::once(server, work, measured)?;
            if again.disturbance() < least.disturbance() {
                least = again;
            }
        }
        Ok(least)
    }

    fn once(server: &Process, work: &mut impl Work, duration: Duration) -> Result<Self> {
        work.take_latencies();
        let (server_before, generator_before) = (server.cpu_time()?, CpuTime::of_this_thread()?);
        let start = Instant::now();
        let count = work.run(duration)?;
        Ok(Self {
            count: count as f64,
            elapsed: start.elapsed().as_secs_f64(),
            server: server.cpu_time()? - server_before,
            generator: CpuTime::of_this_thread()? - generator_before,
            latencies: work.take_latencies(),
        })
    }

    /// In microseconds.
    fn latency(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1e3
    }

    /// The share of the time that other programs kept one of the two from its core.
    fn disturbance(&self) -> f64 {
        let waiting = self.server.waiting.max(self.generator.waiting);
        waiting.as_secs_f64() / self.elapsed
    }
}

/// What the slowest took, over all rounds.
fn tail(rounds: &[Round]) -> String {
    let mean = |quantile| {
        rounds.iter().map(|round| round.latency(quantile)).sum::<f64>() / rounds.len() as f64
    };
    format!("p99 {:.0}, p99.9 {:.0}", mean(0.99), mean(0.999))
}

/// How busy the two processes were, and what that says about the figures beside it.
fn busy(samples: &[Round]) -> String {
    let mean = |share: &dyn Fn(&Round) -> f64| {
        samples.iter().map(share).sum::<f64>() / samples.len() as f64 * 100.0
    };
    let server = mean(&|sample| sample.server.on_core.as_secs_f64() / sample.elapsed);
    let generator = mean(&|sample| sample.generator.on_core.as_secs_f64() / sample.elapsed);
    let disturbance = mean(&Round::disturbance);

    let mut note = format!("busy: server {server:.0} %, generator {generator:.0} %");
    if generator > 95.0 && generator > server {
        note += " (the generator is the limit)";
    }
    if disturbance > DISTURBED * 100.0 {
        note += &format!(" (disturbed: {disturbance:.0} % spent waiting for a core)");
    }
    note
}
