//! The pipes of subprocesses, as asyncio has them: readers and writers.

use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt;

use corio::process::{Child, Command, Stdio};
use corio::{
    Error, IncompleteRead, LimitOverrun, Result, StreamReader, StreamWriter, gather, run, timeout,
};
use corio_tests::ms;

use crate::net::pattern;

/// More than two pipes and a writer's buffer hold.
const MUCH: usize = 1 << 20;

/// Runs a line of shell with a writer for its input and a reader for its output.
fn converse(line: &str) -> Result<(Child, StreamWriter, StreamReader)> {
    let mut shell = Command::shell(line);
    let mut child =
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let stdin = child.stdin.take().expect("it is piped").into_writer();
    let stdout = child.stdout.take().expect("it is piped").into_reader();
    Ok((child, stdin, stdout))
}

fn is_broken_pipe(error: &Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// A process that is just being started by another test may hold the pipe for a moment.
fn write_until_it_fails(writer: &StreamWriter) -> Error {
    loop {
        if let Err(error) = writer.write("hello?") {
            return error;
        }
    }
}

#[test]
fn a_conversation_goes_line_by_line() -> Result<()> {
    run(|| {
        let (child, stdin, mut stdout) = converse("exec cat")?;
        for line in ["one\n", "two\n"] {
            stdin.write(line)?;
            assert_eq!(stdout.read_line()?, line.as_bytes());
        }
        stdin.close();
        stdin.wait_closed()?;
        assert_eq!(stdout.read_line()?, b"");
        assert!(child.wait()?.success());
        Ok(())
    })
}

#[test]
fn output_is_read_by_lines_separators_and_lengths() -> Result<()> {
    run(|| {
        let (_child, _stdin, mut stdout) = converse(r"printf 'a\nb\0ccc\nd\ne'")?;
        assert_eq!(stdout.read_line()?, b"a\n");
        assert_eq!(stdout.read_until("\0")?, b"b\0");
        assert_eq!(stdout.read_exactly(3)?, b"ccc");
        assert_eq!(stdout.read_line()?, b"\n");
        let lines: Result<Vec<_>> = stdout.lines().collect();
        assert_eq!(lines?, ["d", "e"]);
        Ok(())
    })
}

#[test]
fn both_outputs_are_read_at_once() -> Result<()> {
    run(|| {
        let line = "i=0; while [ $i -lt 20000 ]; do echo $i; echo $i >&2; i=$((i+1)); done";
        let mut child =
            Command::shell(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut stdout = child.stdout.take().expect("it is piped").into_reader();
        let mut stderr = child.stderr.take().expect("it is piped").into_reader();
        let sum = |reader: &mut StreamReader| -> Result<u32> {
            reader.lines().map(|line| Ok(line?.parse::<u32>()?)).sum()
        };
        let sums = gather((|| sum(&mut stdout), || sum(&mut stderr)))?;
        assert_eq!(sums, (199_990_000, 199_990_000));
        assert!(child.wait()?.success());
        Ok(())
    })
}

#[test]
fn more_than_the_pipes_hold_goes_through_both_ways() -> Result<()> {
    run(|| {
        let (child, stdin, mut stdout) = converse("exec cat")?;
        let input = pattern(MUCH);
        let write = || {
            for piece in input.chunks(10_000) {
                stdin.write(piece)?;
                assert!(stdin.write_buffer_size() <= 64 * 1024);
            }
            stdin.write_eof()
        };
        let ((), output) = gather((write, || stdout.read_exactly(MUCH)))?;
        assert!(output == input);
        assert_eq!(stdout.read_some(1)?, b"");
        assert!(child.wait()?.success());
        Ok(())
    })
}

#[test]
fn a_process_that_does_not_read_holds_up_who_writes_until_it_is_gone() -> Result<()> {
    run(|| {
        let (child, stdin, mut stdout) = converse("echo ready; exec sleep 60")?;
        stdout.read_line()?;
        assert!(timeout(ms(20), || stdin.write(pattern(MUCH))).unwrap_err().is_timeout());
        assert!(stdin.write_buffer_size() <= 64 * 1024);
        child.kill()?;
        assert!(is_broken_pipe(&stdin.write(pattern(MUCH)).unwrap_err()));
        assert!(is_broken_pipe(&stdin.flush().unwrap_err()));
        assert_eq!(child.wait()?.signal(), Some(9));
        Ok(())
    })
}

#[test]
fn a_process_that_does_not_listen_breaks_the_pipe_and_can_still_be_heard() -> Result<()> {
    run(|| {
        let (child, stdin, mut stdout) = converse("exec 0<&-; echo deaf; exec sleep 60")?;
        assert_eq!(stdout.read_line()?, b"deaf\n");
        assert!(is_broken_pipe(&write_until_it_fails(&stdin)));
        stdin.close();
        assert!(is_broken_pipe(&stdin.wait_closed().unwrap_err()));
        child.terminate()?;
        assert_eq!(stdout.read_line()?, b"");
        Ok(())
    })
}

#[test]
fn a_reader_that_is_dropped_is_noticed_by_the_process() -> Result<()> {
    run(|| {
        let (child, _stdin, mut stdout) = converse("exec yes")?;
        assert_eq!(stdout.read_line()?, b"y\n");
        drop(stdout);
        assert_eq!(child.wait()?.signal(), Some(13), "SIGPIPE, which a child does not ignore");
        Ok(())
    })
}

#[test]
fn a_line_beyond_the_limit_is_an_error_and_stays() -> Result<()> {
    run(|| {
        let (_child, _stdin, mut stdout) = converse(r"printf '1234567890\n'")?;
        stdout.set_limit(5);
        let error = stdout.read_line().unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&LimitOverrun { consumed: 10, limit: 5 }));
        assert_eq!(stdout.read_exactly(11)?, b"1234567890\n");
        Ok(())
    })
}

#[test]
fn a_process_that_ends_too_soon_leaves_what_it_has_said() -> Result<()> {
    run(|| {
        let (child, _stdin, mut stdout) = converse("printf abc; kill -9 $$")?;
        let error = stdout.read_exactly(10).unwrap_err();
        let IncompleteRead { partial, expected } = error.downcast_ref().expect("it is incomplete");
        assert_eq!((&**partial, *expected), (&b"abc"[..], Some(10)));
        assert_eq!(child.wait()?.signal(), Some(9));
        Ok(())
    })
}
