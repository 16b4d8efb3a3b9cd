//! Rounds: servers in turn under the same load, what they cost and how long they take.

use std::{
    io,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use super::{
    client::histogram,
    process::{Cores, CpuTime, Launch, Process},
    servers::Server,
};
use crate::harness::{Better, Result, Session, Table};

/// From this share of the time on, the programs that share the machine are taken to have disturbed a round.
const DISTURBED: f64 = 0.03;

/// The rounds of one server under one load: what was measured in each.
pub(crate) type Rounds<R = Round> = (&'static str, Vec<R>);

/// All rounds of one load, with servers that have buffers of so many bytes. One that cannot run here is taken out of
/// `servers`.
pub(crate) fn play<R>(
    session: &Session,
    servers: &mut Vec<&Server>,
    cores: &Cores,
    buffer: usize,
    measure: impl Fn(&Process) -> Result<R>,
) -> Result<Vec<Rounds<R>>> {
    let mut samples: Vec<Rounds<R>> = servers.iter().map(|server| (server.name, vec![])).collect();
    for _ in 0..session.rounds(5, 1) {
        for (name, samples) in &mut samples {
            let Some(index) = servers.iter().position(|server| server.name == *name) else {
                continue;
            };
            match Process::launch(servers[index], cores, buffer)? {
                Launch::Listening(process) => {
                    let _pinned = cores.pin_generator()?;
                    let round = measure(&process).map_err(|error| format!("{name}: {error}"));
                    samples.push(round?);
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
    let cpu = cpu(name, what, samples);
    let mut rate = table(name, "rate", what, "how many a second", "/s", Better::Higher);
    let mut latency = table(name, "latency", what, "how long each takes", "us", Better::Lower);
    for (name, rounds) in samples {
        for round in rounds {
            rate.add(name, round.rate());
            latency.add(name, micros(&round.latencies, 0.5));
        }
        rate.note(name, busy(rounds));
        latency.note(name, tail(rounds));
    }
    session.show(&cpu);
    session.show(&rate);
    session.show(&latency);
}

/// The same of an [open loop](super::open), whose rate is given.
pub(crate) fn show_open(session: &Session, name: &str, what: &str, rate: u32, samples: &[Rounds]) {
    let mut cpu = cpu(name, what, samples);
    for (name, rounds) in samples {
        cpu.note(name, keeping_up(rounds, rate));
    }
    session.show(&cpu);
    for (figure, about, quantile) in [
        ("p50", "what half of them take at most, from when they are due", 0.5),
        ("p99", "what 99 % of them take at most", 0.99),
        ("p99.9", "what 99.9 % of them take at most", 0.999),
    ] {
        let mut latency = table(name, figure, what, about, "us", Better::Lower);
        for (name, rounds) in samples {
            for round in rounds {
                latency.add(name, micros(&round.latencies, quantile));
            }
            let late = mean(rounds, |round| micros(&round.lateness, quantile));
            latency.note(name, format!("sent at most {late:.1} late"));
        }
        session.show(&latency);
    }
}

fn table(
    name: &str,
    figure: &str,
    what: &str,
    about: &str,
    unit: &'static str,
    better: Better,
) -> Table {
    let table = Table::new(format!("{name}/{figure}"), format!("{what}: {about}"), unit, better);
    table.reference("tokio").reference("epoll")
}

fn cpu(name: &str, what: &str, samples: &[Rounds]) -> Table {
    let mut cpu = table(name, "cpu", what, "the server's CPU time for each", "ns", Better::Lower);
    for (name, rounds) in samples {
        for round in rounds {
            cpu.add(name, round.server.on_core.as_secs_f64() * 1e9 / round.count);
        }
    }
    cpu
}

/// What happened in one round.
pub(crate) struct Round {
    count: f64,
    /// Seconds.
    elapsed: f64,
    server: CpuTime,
    generator: CpuTime,
    latencies: Histogram<u64>,
    lateness: Histogram<u64>,
}

/// What puts a server under load.
pub(crate) trait Work {
    /// Works for so long. Says how often it did what is counted.
    fn run(&mut self, duration: Duration) -> io::Result<u64>;

    /// How long each took since the last call, in nanoseconds.
    fn take_latencies(&mut self) -> Histogram<u64>;

    /// How late it began them, likewise: a closed loop never is.
    fn take_lateness(&mut self) -> Histogram<u64> {
        histogram()
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
        work.take_lateness();
        let (server_before, generator_before) = (server.cpu_time()?, CpuTime::of_this_thread()?);
        let start = Instant::now();
        let count = work.run(duration)?;
        Ok(Self {
            count: count as f64,
            elapsed: start.elapsed().as_secs_f64(),
            server: server.cpu_time()? - server_before,
            generator: CpuTime::of_this_thread()? - generator_before,
            latencies: work.take_latencies(),
            lateness: work.take_lateness(),
        })
    }

    fn rate(&self) -> f64 {
        self.count / self.elapsed
    }

    /// The share of the time that the server was on its core.
    fn load(&self) -> f64 {
        self.server.on_core.as_secs_f64() / self.elapsed
    }

    /// The share of the time that other programs kept one of the two from its core.
    fn disturbance(&self) -> f64 {
        let waiting = self.server.waiting.max(self.generator.waiting);
        waiting.as_secs_f64() / self.elapsed
    }
}

/// What a quantile of nanoseconds is in microseconds.
fn micros(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1e3
}

fn mean(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    rounds.iter().map(figure).sum::<f64>() / rounds.len() as f64
}

/// What the slowest took, over all rounds.
fn tail(rounds: &[Round]) -> String {
    let [p99, p999] =
        [0.99, 0.999].map(|quantile| mean(rounds, |round| micros(&round.latencies, quantile)));
    format!("p99 {p99:.0}, p99.9 {p999:.0}")
}

/// How busy the two processes were, and what that says about the figures beside it.
fn busy(rounds: &[Round]) -> String {
    let server = mean(rounds, Round::load) * 100.0;
    let generator =
        mean(rounds, |round| round.generator.on_core.as_secs_f64() / round.elapsed) * 100.0;

    let mut note = format!("busy: server {server:.0} %, generator {generator:.0} %");
    if generator > 95.0 && generator > server {
        note += " (the generator is the limit)";
    }
    note + &disturbed(rounds)
}

/// Less than this share of a rate means that a server cannot keep up with it, or was kept from it.
const KEPT_UP: f64 = 0.95;

/// How busy a server was that was sent messages at a fixed rate, by a generator that is always busy.
fn keeping_up(rounds: &[Round], rate: u32) -> String {
    let reached = mean(rounds, Round::rate);
    let mut note = format!("busy: server {:.0} %", mean(rounds, Round::load) * 100.0);
    if reached < KEPT_UP * f64::from(rate) {
        note += &format!(" (only {reached:.0} a second)");
    }
    note + &disturbed(rounds)
}

fn disturbed(rounds: &[Round]) -> String {
    let disturbance = mean(rounds, Round::disturbance);
    if disturbance > DISTURBED {
        format!(" (disturbed: {:.0} % spent waiting for a core)", disturbance * 100.0)
    } else {
        String::new()
    }
}
