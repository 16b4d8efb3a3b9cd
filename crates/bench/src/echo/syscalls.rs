//! `syscalls`: how many system calls an echo costs a server, counted by `strace -c`.
//!
//! The servers are those of [`echo`](super). strace is attached when a server is warm, and lets go of it again. That makes
//! the server slow, so several messages are there when it looks, and it has less reason to wait than
//! otherwise: with many connections, the share of waiting in the figures is a lower bound.

use std::{
    env, fs,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    load::{self, Load},
    process::{self, Cores, Launch, Process},
    round::Work,
    servers::{BUFFER, SERVERS},
};
use crate::harness::{Bench, Better, Result, Session, Table};

pub(crate) const BENCH: Bench = Bench {
    name: "syscalls",
    about: "the echo servers' system calls for each message, if strace is there",
    run,
    child: None,
};

const LOADS: [Load; 2] = [load::closed(50, 64), load::closed(1000, 64)];

/// How long strace may take to attach itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it may take, once attached, to begin counting.
const SETTLE: Duration = Duration::from_millis(50);

fn run(session: &Session) -> Result<()> {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        session.note("syscalls is left out: there is no strace");
        return Ok(());
    }
    process::raise_file_limit()?;
    let cores = Cores::choose(session)?;
    for load in LOADS {
        let about = format!("{}: system calls for each", load.describe());
        let table = Table::new(format!("syscalls/{load}"), about, "calls", Better::Lower);
        let mut table = table.reference("epoll");
        for server in SERVERS.iter().filter(|server| session.wants(server.name)) {
            let Launch::Listening(process) = Process::launch(server, &cores, BUFFER)? else {
                continue;
            };
            let mut generator = super::closed_loop(process.port(), load)?;
            generator.run(session.size(Duration::from_millis(100), Duration::from_millis(10)))?;
            let Some(trace) = Trace::attach(process.id())? else {
                session.note("syscalls is left out: strace may not attach itself");
                return Ok(());
            };
            let duration = session.size(Duration::from_millis(500), Duration::from_millis(40));
            let messages = generator.run(duration)? as f64;
            let calls = trace.end()?;
            let total: u64 = calls.iter().map(|(_, count)| count).sum();
            table.add(server.name, total as f64 / messages);
            table.note(server.name, most(&calls, messages));
        }
        session.show(&table);
    }
    Ok(())
}

/// The calls that matter, as "read 1.00, write 1.00".
fn most(calls: &[(String, u64)], messages: f64) -> String {
    let shares = calls.iter().map(|(name, count)| (name, *count as f64 / messages));
    let shares = shares.filter(|(_, share)| *share >= 0.005);
    shares.map(|(name, share)| format!("{name} {share:.2}")).collect::<Vec<_>>().join(", ")
}

/// An strace that counts what a process does.
struct Trace {
    strace: Child,
    summary: std::path::PathBuf,
}

impl Trace {
    /// `None` if that is not allowed.
    fn attach(process: u32) -> Result<Option<Self>> {
        let summary = env::temp_dir().join(format!("corio-bench-syscalls-{process}"));
        let strace = Command::new("strace")
            .args(["-f", "-c", "-p", &process.to_string(), "-o"])
            .arg(&summary)
            .stderr(Stdio::null())
            .spawn()?;
        let mut trace = Self { strace, summary };
        let begin = Instant::now();
        loop {
            let status = fs::read_to_string(format!("/proc/{process}/status"))?;
            if status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0")) {
                thread::sleep(SETTLE);
                return Ok(Some(trace));
            }
            if trace.strace.try_wait()?.is_some() || begin.elapsed() > PATIENCE {
                return Ok(None);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// What was called how often, the most frequent first.
    fn end(mut self) -> Result<Vec<(String, u64)>> {
        kill_process(Pid::from_child(&self.strace), Signal::INT)?;
        self.strace.wait()?;
        let summary = fs::read_to_string(&self.summary)?;
        // % time, seconds, usecs/call, calls, errors if there are any, and the name.
        let mut calls: Vec<_> = summary
            .lines()
            .filter_map(|line| {
                let fields: Vec<_> = line.split_whitespace().collect();
                let [_, _, _, count, .., name] = fields[..] else { return None };
                (name != "total").then_some((name.to_owned(), count.parse().ok()?))
            })
            .collect();
        calls.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Ok(calls)
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        // All three fail only where there is nothing to do.
        let _ = self.strace.kill();
        let _ = self.strace.wait();
        let _ = fs::remove_file(&self.summary);
    }
}
