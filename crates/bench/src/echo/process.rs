//! Servers as processes: starting one, placing it on a core, reading its CPU time.

use std::{
    fmt, fs,
    io::{self, BufRead, BufReader},
    ops::Sub,
    path::Path,
    process::{Child, Stdio},
    time::Duration,
};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use super::servers::Server;
use crate::harness::{Result, Session};

/// The core of the server and that of the load generator: the first two that this process may use.
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) generator: usize,
    allowed: CpuSet,
}

impl Cores {
    pub(crate) fn choose(session: &Session) -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let server = cores.next().unwrap_or(0);
        let generator = cores.next().unwrap_or(server);
        if server == generator {
            session.note("only one core: the load generator shares it with the servers");
        }
        Ok(Self { server, generator, allowed })
    }

    /// Pins this thread, and those and the processes it will start, to the generator's core until the result is
    /// dropped.
    pub(crate) fn pin_generator(&self) -> io::Result<Pinned<'_>> {
        self.pin(self.generator)
    }

    fn pin(&self, core: usize) -> io::Result<Pinned<'_>> {
        let mut set = CpuSet::new();
        set.set(core);
        sched_setaffinity(None, &set)?;
        Ok(Pinned { cores: self })
    }
}

pub(crate) struct Pinned<'a> {
    cores: &'a Cores,
}

impl Drop for Pinned<'_> {
    fn drop(&mut self) {
        // Left pinned, this thread would only make later benches noisier.
        let _ = sched_setaffinity(None, &self.cores.allowed);
    }
}

/// Allows this process, and the servers it starts, as many files as the hard limit does: 1000 connections
/// are more than the usual soft limit. Says how many these are.
pub(crate) fn raise_file_limit() -> io::Result<u64> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    setrlimit(Resource::Nofile, raised)?;
    Ok(maximum.unwrap_or(u64::MAX))
}

/// Says so if a process may not have so many connections open at once.
pub(crate) fn enough_files(
    session: &Session,
    files: u64,
    what: impl fmt::Display,
    connections: usize,
) -> bool {
    let enough = files >= connections as u64 + 100; // some are for other things
    if !enough {
        session.note(&format!("{what} is left out: only {files} files may be open at once"));
    }
    enough
}

/// What became of starting a server.
pub(crate) enum Launch {
    Listening(Process),
    /// The server's own reason why it cannot run here.
    Impossible(String),
}

/// A running server, killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    port: u16,
}

impl Process {
    /// Starts a server on its core, with buffers of so many bytes, and waits for its first line, which is `port N` or
    /// `skip REASON`.
    pub(crate) fn launch(server: &Server, cores: &Cores, buffer: usize) -> Result<Launch> {
        let mut command = server.command(buffer)?;
        let pinned = cores.pin(cores.server)?; // which a process inherits
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        drop(pinned);
        let child = match child {
            Ok(child) => child,
            Err(error) => {
                let program = command.get_program().to_string_lossy();
                return Ok(Launch::Impossible(format!("{program}: {error}")));
            }
        };
        let mut process = Self { child, port: 0 };

        let stdout = process.child.stdout.take().expect("stdout is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        match line.trim().split_once(' ') {
            Some(("port", port)) => process.port = port.parse()?,
            Some(("skip", reason)) => return Ok(Launch::Impossible(reason.to_owned())),
            _ => return Err(format!("the server {} did not start", server.name).into()),
        }
        Ok(Launch::Listening(process))
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many files the server has open.
    pub(crate) fn open_files(&self) -> Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.child.id()))?.count())
    }

    /// The CPU time of all threads of the server together.
    pub(crate) fn cpu_time(&self) -> Result<CpuTime> {
        let mut total = CpuTime::default();
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let task = CpuTime::read(&task?.path().join("schedstat"))?;
            total.on_core += task.on_core;
            total.waiting += task.waiting;
        }
        Ok(total)
    }
}

/// From `schedstat`, which counts nanoseconds, where `stat` counts ticks of 10 ms.
#[derive(Clone, Copy, Default)]
pub(crate) struct CpuTime {
    /// On a core, in the kernel and out of it.
    pub(crate) on_core: Duration,
    /// Ready to run, with others on the core.
    pub(crate) waiting: Duration,
}

impl CpuTime {
    pub(crate) fn of_this_thread() -> Result<Self> {
        Self::read(Path::new("/proc/thread-self/schedstat"))
    }

    fn read(schedstat: &Path) -> Result<Self> {
        let text = fs::read_to_string(schedstat)?;
        let mut times =
            text.split_whitespace().map(str::parse).map(|n| n.map(Duration::from_nanos));
        let mut next = || times.next().ok_or("a schedstat that is too short");
        Ok(Self { on_core: next()??, waiting: next()?? })
    }
}

impl Sub for CpuTime {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { on_core: self.on_core - earlier.on_core, waiting: self.waiting - earlier.waiting }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a child that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
