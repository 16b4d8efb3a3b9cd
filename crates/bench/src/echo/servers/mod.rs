//! The echo servers, each written as the users of its library would write it.

mod asyncio;
mod corio;
mod epoll;
mod may;
mod monoio;
mod smol;
mod tokio;

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::OnceLock,
};

use rustix::process::{Signal, set_parent_process_death_signal};

use crate::harness::{self, Result};

/// Every server there is. A new one is a file in this folder and a line here.
pub(crate) const SERVERS: &[Server] = &[
    Server::own("corio", corio::serve),
    Server::own("corio-streams", corio::serve_streams),
    Server::own("tokio", tokio::serve),
    Server::own("smol", smol::serve),
    Server::own("may", may::serve),
    Server::own("monoio", monoio::serve),
    Server::own("epoll", epoll::serve),
    Server::python("asyncio", "asyncio streams"),
    Server::python("asyncio-protocol", "asyncio protocol"),
    Server::python("uvloop", "uvloop streams"),
    Server::python("uvloop-protocol", "uvloop protocol"),
];

/// The usual size of each connection's buffer, in bytes.
pub(crate) const BUFFER: usize = 16 * 1024;

/// A connection's buffer, of the size that the parent wants.
fn buffer() -> Vec<u8> {
    vec![0; buffer_size()]
}

fn buffer_size() -> usize {
    BUFFER_SIZE.get().copied().unwrap_or(BUFFER)
}

static BUFFER_SIZE: OnceLock<usize> = OnceLock::new();

pub(crate) struct Server {
    pub(crate) name: &'static str,
    bench: &'static str,
    program: Program,
}

enum Program {
    /// This program again. The function serves until the process is killed.
    Own(fn() -> Result<()>),
    /// CPython, with the words that tell the script what to do.
    Python(&'static str),
    /// Any other program.
    File(PathBuf),
}

impl Server {
    const fn own(name: &'static str, serve: fn() -> Result<()>) -> Self {
        Self::of("echo", name, serve)
    }

    /// A server of the bench `bench`, whose children are handled by [`serve`].
    pub(crate) const fn of(
        bench: &'static str,
        name: &'static str,
        serve: fn() -> Result<()>,
    ) -> Self {
        Self { name, bench, program: Program::Own(serve) }
    }

    const fn python(name: &'static str, arguments: &'static str) -> Self {
        let program = Program::Python(arguments);
        Self { name, bench: "echo", program }
    }

    /// A server that is a program of its own. It must [announce] its port, too.
    pub(crate) const fn file(bench: &'static str, name: &'static str, path: PathBuf) -> Self {
        Self { name, bench, program: Program::File(path) }
    }

    /// The command that runs this server, which reads into buffers of so many bytes if it has any.
    pub(crate) fn command(&self, buffer: usize) -> Result<Command> {
        let mut command = match &self.program {
            Program::Own(_) => {
                let mut command = harness::child(self.bench)?;
                command.arg(self.name);
                command
            }
            Program::Python(arguments) => asyncio::command(arguments),
            Program::File(path) => Command::new(path),
        };
        command.arg(buffer.to_string());
        Ok(command)
    }
}

/// The child process of `echo`.
pub(crate) fn child(arguments: &[String]) -> Result<()> {
    serve(SERVERS, arguments)
}

/// A child process that is one of `servers`: `arguments` are its name and the size of its buffers.
pub(crate) fn serve(servers: &[Server], arguments: &[String]) -> Result<()> {
    let [name, buffer] = arguments else {
        return Err("a server and the size of its buffers are expected".into());
    };
    let buffer = buffer.parse()?;
    BUFFER_SIZE.get_or_init(|| buffer);
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let server = servers.iter().find(|server| server.name == name);
    match server.map(|server| &server.program) {
        Some(Program::Own(serve)) => serve(),
        _ => Err(format!("{name} is not a server of this program").into()),
    }
}

/// Any free port of this machine.
pub(crate) const ANY_PORT: &str = "127.0.0.1:0";

/// Tells the parent where the server listens.
pub(crate) fn announce(address: io::Result<SocketAddr>) -> Result<()> {
    tell(&format!("port {}", address?.port()))
}

/// Tells the parent that the server cannot run here.
fn skip(reason: &str) -> Result<()> {
    tell(&format!("skip {reason}"))
}

fn tell(line: &str) -> Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    Ok(())
}
