//! What to start, and how.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{self, ExitStatus, Output, Stdio};

use corio_futures::Error;

use super::Child;
use crate::event_loop::EventLoop;

/// A process to be started, as [`std::process::Command`].
///
/// What is not here, such as the user that it runs as, can be had of
/// [`as_std_mut`](Self::as_std_mut); or set up std's, and use `Command::from`.
///
/// # Examples
///
/// ```
/// use corio::process::Command;
///
/// corio::run(|| {
///     let output = Command::new("sh").args(["-c", "echo $GREETING"]).env("GREETING", "hi").output()?;
///     assert_eq!(output.stdout, b"hi\n");
///     assert!(output.status.success());
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[derive(Debug)]
pub struct Command {
    command: process::Command,
    stdin_is_set: bool,
    kill_on_drop: bool,
}

impl Command {
    /// A command that runs `program`, which is looked for in `PATH` if it is no path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let command = process::Command::new(program);
        Self { command, stdin_is_set: false, kill_on_drop: false }
    }

    /// A command line for the shell, `/bin/sh`.
    ///
    /// Whatever goes into `line` is interpreted, so quote what comes from others, or better, do
    /// without a shell.
    pub fn shell(line: impl AsRef<OsStr>) -> Self {
        let mut command = Self::new("/bin/sh");
        command.arg("-c").arg(line);
        command
    }

    /// Adds an argument.
    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> &mut Self {
        self.command.args(arguments);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.command.env(name, value);
        self
    }

    /// Sets variables of the environment.
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> &mut Self {
        self.command.envs(variables);
        self
    }

    /// Leaves a variable of this process's environment out.
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.command.env_remove(name);
        self
    }

    /// Leaves all variables of this process's environment out.
    pub fn env_clear(&mut self) -> &mut Self {
        self.command.env_clear();
        self
    }

    /// Sets the directory to run in.
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.command.current_dir(directory);
        self
    }

    /// Says where standard input comes from: by default, from where this process has it.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.stdin_is_set = true;
        self.command.stdin(stdin);
        self
    }

    /// Says where standard output goes: by default, where that of this process goes.
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        self.command.stdout(stdout);
        self
    }

    /// Says where standard error goes: by default, where that of this process goes.
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        self.command.stderr(stderr);
        self
    }

    /// Whether the process is killed when its [`Child`] is dropped; by default it is not. asyncio
    /// does so when the process is forgotten or the loop closed.
    pub fn kill_on_drop(&mut self, kill: bool) -> &mut Self {
        self.kill_on_drop = kill;
        self
    }

    /// Std's command below.
    pub fn as_std(&self) -> &process::Command {
        &self.command
    }

    /// Std's command below, for what this has no method for.
    pub fn as_std_mut(&mut self) -> &mut process::Command {
        &mut self.command
    }

    /// Starts the process. Does not wait, so it cannot be cancelled half-way.
    ///
    /// # Errors
    ///
    /// If there is no such program, or it cannot be run, with its name in the message; if the process
    /// cannot be watched, and then it is killed; off the loop.
    pub fn spawn(&mut self) -> io::Result<Child> {
        self.spawn_child(self.kill_on_drop)
    }

    fn spawn_child(&mut self, kill_on_drop: bool) -> io::Result<Child> {
        // Before there is anything to be undone.
        EventLoop::current("a process").map_err(Error::from)?;
        let child = self.command.spawn().map_err(|error| {
            let message = format!("cannot run {:?}: {error}", self.command.get_program());
            io::Error::new(error.kind(), message)
        })?;
        Child::new(child, kill_on_drop)
    }

    /// Runs the process, and waits until it has ended.
    ///
    /// # Cancellation
    ///
    /// Kills the process, which nobody else could. It is reaped in the background.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn) and [`Child::wait`]. That the process fails is none.
    #[track_caller]
    pub fn status(&mut self) -> io::Result<ExitStatus> {
        let mut child = self.spawn_child(true)?;
        child.stdin = None;
        child.wait()
    }

    /// Runs the process, and waits until it has ended, for what it writes to standard output and
    /// error. Its standard input is empty, unless it was set.
    ///
    /// To send it something, [`spawn`](Self::spawn) it and [`communicate`](Child::communicate).
    ///
    /// # Cancellation
    ///
    /// As [`status`](Self::status).
    ///
    /// # Errors
    ///
    /// As [`status`](Self::status).
    #[track_caller]
    pub fn output(&mut self) -> io::Result<Output> {
        if !self.stdin_is_set {
            self.command.stdin(Stdio::null());
        }
        self.stdout(Stdio::piped()).stderr(Stdio::piped());
        self.spawn_child(true)?.communicate([])
    }
}

impl From<process::Command> for Command {
    fn from(command: process::Command) -> Self {
        Self { command, stdin_is_set: true, kill_on_drop: false }
    }
}
