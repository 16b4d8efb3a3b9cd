//! Subprocesses.

mod streams;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use corio::process::{Child, Command, Stdio};
use corio::signal::{SIGTERM, SIGUSR1};
use corio::{Error, Result, create_subprocess_exec, create_task, run, task_group, timeout};
use corio_tests::{ms, yield_now};
use rustix::process::{Pid, test_kill_process};

/// A process that does nothing until it is told to end.
fn sleeper() -> Result<Child> {
    Ok(create_subprocess_exec("sleep", ["60"])?)
}

/// Whether there is no process of this number, not even one that waits to be reaped.
fn is_gone(id: u32) -> bool {
    test_kill_process(Pid::from_raw(id as i32).expect("it is not 0")).is_err()
}

fn until(condition: impl Fn() -> bool) -> Result<()> {
    timeout(Duration::from_secs(10), || {
        while !condition() {
            corio::sleep(ms(1))?;
        }
        Ok(())
    })
}

#[test]
fn many_tasks_wait_for_one_process() -> Result<()> {
    run(|| {
        let child = sleeper()?;
        task_group(|group| {
            for _ in 0..10 {
                group.create_task(|| {
                    assert_eq!(child.wait()?.signal(), Some(SIGTERM));
                    Ok(())
                });
            }
            yield_now()?;
            assert!(child.try_wait()?.is_none());
            Ok(child.terminate()?)
        })?;
        assert_eq!(child.wait()?.signal(), Some(SIGTERM), "it can be asked again");
        assert!(is_gone(child.id()));
        Ok(())
    })
}

#[test]
fn others_run_while_a_task_waits() -> Result<()> {
    run(|| {
        let child = sleeper()?;
        let ticks = create_task(|| {
            for _ in 0..3 {
                corio::sleep(ms(1))?;
            }
            Ok(())
        });
        task_group(|group| {
            group.create_task(|| Ok(child.wait().map(drop)?));
            ticks.wait()?;
            Ok(child.kill()?)
        })
    })
}

#[test]
fn a_cancelled_wait_does_no_harm() -> Result<()> {
    run(|| {
        let child = sleeper()?;
        let error = timeout(ms(5), || Ok(child.wait()?)).unwrap_err();
        assert!(error.is_timeout());
        assert!(child.try_wait()?.is_none());
        child.send_signal(SIGUSR1)?;
        assert_eq!(child.wait()?.signal(), Some(SIGUSR1));
        Ok(())
    })
}

#[test]
fn exit_codes_are_those_of_std() -> Result<()> {
    run(|| {
        assert_eq!(Command::shell("exit 7").status()?.code(), Some(7));
        assert!(Command::new("true").status()?.success());
        Ok(())
    })
}

#[test]
fn output_can_be_read_after_the_end() -> Result<()> {
    run(|| {
        let mut child = Command::new("printf").arg("late").stdout(Stdio::piped()).spawn()?;
        assert!(child.wait()?.success());
        let mut text = String::new();
        child.stdout.take().expect("it is piped").read_to_string(&mut text)?;
        assert_eq!(text, "late");
        Ok(())
    })
}

#[test]
fn a_conversation_goes_to_and_fro() -> Result<()> {
    run(|| {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut stdin = cat.stdin.take().expect("it is piped");
        let mut stdout = BufReader::new(cat.stdout.take().expect("it is piped"));
        for line in ["one\n", "two\n"] {
            stdin.write_all(line.as_bytes())?;
            let mut answer = String::new();
            stdout.read_line(&mut answer)?;
            assert_eq!(answer, line);
        }
        drop(stdin);
        assert!(cat.wait()?.success());
        Ok(())
    })
}

#[test]
fn more_than_the_pipes_hold_goes_through_both_ways() -> Result<()> {
    run(|| {
        let input = (0..1 << 20).map(|number: u32| (number / 7) as u8).collect::<Vec<_>>();
        let mut cat = Command::new("cat");
        let mut cat = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = cat.communicate(&input)?;
        assert!(output.stdout == input && output.status.success());
        Ok(())
    })
}

#[test]
fn communicate_minds_no_process_that_does_not_listen() -> Result<()> {
    run(|| {
        let mut child = Command::shell("exec 0<&-; echo deaf; echo loud >&2");
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = child.spawn()?.communicate(vec![0; 1 << 20])?;
        assert_eq!((&*output.stdout, &*output.stderr), (&b"deaf\n"[..], &b"loud\n"[..]));
        assert!(output.status.success());
        Ok(())
    })
}

#[test]
fn input_without_a_pipe_for_it_is_an_error() -> Result<()> {
    run(|| {
        let mut child = Command::new("true").stdin(Stdio::null()).spawn()?;
        assert_eq!(child.communicate("x").unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(child.communicate([])?.status.success());
        Ok(())
    })
}

#[test]
fn communicate_goes_on_where_it_was_cancelled() -> Result<()> {
    run(|| {
        let mut child = Command::shell("echo early; exec sleep 60");
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let error = timeout(ms(50), || Ok(child.communicate("unread")?)).unwrap_err();
        assert!(error.is_timeout());
        child.kill()?;
        let output = child.communicate([])?;
        assert_eq!(output.status.signal(), Some(9));
        assert_eq!(output.stdout, b"early\n");
        Ok(())
    })
}

#[test]
fn a_program_that_is_not_there_is_named() -> Result<()> {
    run(|| {
        let error = create_subprocess_exec("no-such-program", [""; 0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().starts_with("cannot run \"no-such-program\": "), "{error}");
        Ok(())
    })
}

#[test]
fn off_the_loop_nothing_is_started() {
    let marker = std::env::temp_dir().join(format!("corio-{}-off-the-loop", std::process::id()));
    let error = create_subprocess_exec("touch", [&marker]).unwrap_err();
    assert!(Error::from(error).to_string().contains("no running event loop"));
    assert!(!marker.exists());
}

#[test]
fn a_process_that_has_ended_gets_no_signal() -> Result<()> {
    run(|| {
        let child = create_subprocess_exec("true", [""; 0])?;
        child.wait()?;
        child.kill()?;
        child.send_signal(SIGTERM)?;
        assert!(child.wait()?.success());
        Ok(())
    })
}

#[test]
fn what_is_no_signal_is_an_error() -> Result<()> {
    run(|| {
        let child = sleeper()?;
        for signal in [-1, 0, 1000] {
            assert_eq!(child.send_signal(signal).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        child.kill()?;
        child.wait()?;
        Ok(())
    })
}

#[test]
fn signals_race_with_the_end() -> Result<()> {
    run(|| {
        for _ in 0..20 {
            let child = create_subprocess_exec("true", [""; 0])?;
            task_group(|group| {
                group.create_task(|| Ok(child.wait().map(drop)?));
                while child.try_wait()?.is_none() {
                    child.send_signal(SIGTERM)?;
                    yield_now()?;
                }
                Ok(child.kill()?)
            })?;
        }
        Ok(())
    })
}

#[test]
fn a_process_runs_on_when_its_handle_is_dropped_and_is_reaped_in_the_end() -> Result<()> {
    run(|| {
        let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child?;
        let id = child.id();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        drop(child);
        yield_now()?;
        assert!(!is_gone(id));
        stdin.as_ref().expect("it is piped").write_all(b"alive")?;
        drop(stdin);
        let mut text = String::new();
        stdout.expect("it is piped").read_to_string(&mut text)?;
        assert_eq!(text, "alive");
        until(|| is_gone(id))
    })
}

#[test]
fn a_process_that_outlives_its_loop_is_reaped_too() -> Result<()> {
    let mut hands_up = Command::new("cat");
    let (id, stdin) = run(|| {
        let mut child = hands_up.stdin(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().expect("it is piped").into_inner();
        Ok((child.id(), stdin))
    })?;
    assert!(!is_gone(id));
    drop(stdin); // so it ends
    run(|| until(|| is_gone(id)))
}

#[test]
fn kill_on_drop_kills() -> Result<()> {
    run(|| {
        let child = Command::new("sleep").arg("60").kill_on_drop(true).spawn()?;
        let id = child.id();
        drop(child);
        until(|| is_gone(id))
    })
}

#[test]
fn who_cancels_output_kills_the_process() -> Result<()> {
    run(|| {
        let marker = format!("{}", 6000 + std::process::id() % 1000);
        let mut command = Command::shell(format!("echo $$; exec sleep {marker}"));
        let (reader, writer) = std::io::pipe()?;
        let mut ids = BufReader::new(corio::net::Async::new(reader)?);
        command.stdout(writer).stdin(Stdio::null());
        let status = create_task(move || Ok(command.status()?));
        let mut id = String::new();
        ids.read_line(&mut id)?;
        status.cancel();
        assert!(status.wait().unwrap_err().is_cancelled());
        let id = id.trim().parse()?;
        until(|| is_gone(id))
    })
}

#[test]
fn the_system_connects_two_processes() -> Result<()> {
    run(|| {
        let mut words = Command::new("printf").arg("b\na\n").stdout(Stdio::piped()).spawn()?;
        let words_out = words.stdout.take().expect("it is piped").into_stdio()?;
        assert_eq!(Command::new("sort").stdin(words_out).output()?.stdout, b"a\nb\n");
        assert!(words.wait()?.success());
        Ok(())
    })
}

#[test]
fn output_has_an_empty_input_unless_there_is_another() -> Result<()> {
    run(|| {
        assert_eq!(Command::new("cat").output()?.stdout, b"");
        Ok(())
    })
}

#[test]
fn a_hundred_processes_at_a_time() -> Result<()> {
    let began = Instant::now();
    run(|| {
        task_group(|group| {
            for number in 0..100 {
                group.create_task(move || {
                    let output = Command::new("printf").arg(number.to_string()).output()?;
                    assert_eq!(output.stdout, number.to_string().as_bytes());
                    Ok(())
                });
            }
            Ok(())
        })
    })?;
    assert!(began.elapsed() < Duration::from_secs(20));
    Ok(())
}
