//! Runs several commands at the same time, and shows what each of them says, line by line, with its
//! name in front. When one fails, or on Ctrl-C, the others are told to end.
//!
//! `cargo run --release --example foreman web="python3 -m http.server" log="tail -f /var/log/syslog"`
//! runs those; without arguments, the program has some of its own.

use std::io;
use std::time::Duration;

use corio::process::{Command, Stdio};
use corio::{Result, StreamReader, gather, task_group, timeout};

/// How long a command may take to end once it is told to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shows what comes until the end.
fn show(name: &str, output: &mut StreamReader) -> Result<()> {
    for line in output {
        println!("{name:>8} | {}", line?);
    }
    Ok(())
}

/// Runs a command to its end, or until this is cancelled.
fn look_after(name: &str, line: &str) -> Result<()> {
    let mut child = Command::shell(line)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdout = child.stdout.take().expect("it is piped").into_reader();
    let mut stderr = child.stderr.take().expect("it is piped").into_reader();
    let mut attend =
        || gather((|| show(name, &mut stdout), || show(name, &mut stderr), || Ok(child.wait()?)));
    let (.., status) = attend().or_else(|error| {
        child.terminate()?;
        timeout(PATIENCE, &mut attend)?; // it may have something to say to that
        Err(error)
    })?;
    println!("{name:>8} : {status}");
    if !status.success() {
        return Err(io::Error::other(format!("{name} has failed")).into());
    }
    Ok(())
}

fn main() -> Result<()> {
    let mut commands: Vec<_> = std::env::args().skip(1).collect();
    if commands.is_empty() {
        let own = [
            "count=for i in 1 2 3; do echo $i; sleep 0.1; done",
            "warn=sleep 0.15; echo 'beware!' >&2",
            "list=ls | head -n 3",
        ];
        commands = own.map(String::from).into();
    }
    corio::run(|| {
        task_group(|group| {
            for command in &commands {
                let usage = || io::Error::other(format!("{command:?} is no NAME=COMMAND"));
                let (name, line) = command.split_once('=').ok_or_else(usage)?;
                group.create_task(move || look_after(name, line));
            }
            Ok(())
        })
    })
}
