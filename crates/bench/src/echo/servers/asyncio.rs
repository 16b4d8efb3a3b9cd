//! CPython: asyncio's own loop and uvloop, each with streams and with a `Protocol`.

use std::process::Command;

/// `python3` with the script. `arguments` are words for it.
pub(super) fn command(arguments: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg("-c").arg(include_str!("asyncio.py"));
    command.args(arguments.split(' '));
    command
}
