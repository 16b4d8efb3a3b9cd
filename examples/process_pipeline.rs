//! `ps | sort | head`, without a shell: three processes, connected by the system, of which the last is
//! listened to line by line. Meanwhile the loop is free.
//!
//! `cargo run --release --example process_pipeline`

use std::io::{self, BufRead, BufReader};
use std::time::Duration;

use corio::process::{Child, Command, PipeReader, Stdio};
use corio::{gather, timeout};

/// Starts `command` with `input` for its standard input, and gives what it writes.
fn stage(command: &mut Command, input: Option<PipeReader>) -> io::Result<(Child, PipeReader)> {
    let input = input.map_or(Ok(Stdio::null()), PipeReader::into_stdio)?;
    let mut child = command.stdin(input).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let output = child.stdout.take().expect("it is piped");
    Ok((child, output))
}

/// The processes of this machine, by the memory that they use; or something else to be sorted.
fn list() -> io::Result<(Child, PipeReader)> {
    match stage(Command::new("ps").args(["-eo", "rss=,comm="]), None) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            stage(Command::new("printf").arg("%s\n").args(["7 seven", "40 forty", "3 three"]), None)
        }
        started => started,
    }
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        timeout(Duration::from_secs(10), || {
            let (list, listed) = list()?;
            let (sort, sorted) = stage(Command::new("sort").arg("-rn"), Some(listed))?;
            let (head, top) = stage(Command::new("head").args(["-n", "5"]), Some(sorted))?;
            for line in BufReader::new(top).lines() {
                println!("{}", line?);
            }
            // `head` may have left before the others were through.
            let ends = gather([&list, &sort, &head].map(|child| || Ok(child.wait()?)))?;
            assert!(ends[2].success());
            Ok(())
        })
    })
}
