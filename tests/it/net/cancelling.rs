//! Waits for sockets that are given up: nothing is lost, nothing is broken.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

use corio::net::{TcpListener, TcpStream};
use corio::{Error, Result, create_task, current_task, gather, run, sleep, timeout};
use corio_tests::{Log, ms, settle, virtual_run, yield_now};

use super::{LARGE, connection, pattern};

#[test]
fn a_cancelled_read_loses_nothing_and_leaves_the_stream_usable() -> Result<()> {
    virtual_run(|| {
        let (mut near, mut far) = connection()?;
        let mut received = Vec::new();
        for round in 0..20 {
            let mut byte = [0];
            let error = timeout(ms(1), || Ok(near.read_exact(&mut byte)?)).unwrap_err();
            assert!(error.is_timeout());
            far.write_all(&[round])?;
            near.read_exact(&mut byte)?;
            received.push(byte[0]);
        }
        assert_eq!(received, (0..20).collect::<Vec<_>>());
        Ok(())
    })
}

#[test]
fn a_read_cancelled_at_any_moment_loses_nothing() -> Result<()> {
    // The reader always finds data, so it is interrupted where it is made to yield.
    run(|| {
        let (near, mut far) = connection()?;
        let sent = pattern(3000);
        far.write_all(&sent)?;
        far.shutdown(Shutdown::Write)?;
        let received = Rc::new(RefCell::new(Vec::new()));
        let mut reads = 0;
        while received.borrow().len() < sent.len() {
            let (mut stream, keep) = (near.try_clone()?, Rc::clone(&received));
            let reader = create_task(move || {
                let mut bytes = [0; 1];
                while stream.read(&mut bytes)? > 0 {
                    keep.borrow_mut().push(bytes[0]);
                }
                Ok(())
            });
            yield_now()?;
            reader.cancel();
            match reader.wait() {
                Ok(()) => break,
                Err(error) => assert!(error.is_cancelled()),
            }
            reads += 1;
        }
        assert!(reads > 3, "it was interrupted {reads} times");
        assert_eq!(*received.borrow(), sent);
        Ok(())
    })
}

#[test]
fn a_write_cancelled_at_any_moment_says_how_much_was_written() -> Result<()> {
    run(|| {
        let (near, mut far) = connection()?;
        let sent = pattern(2000);
        let written = Rc::new(Cell::new(0));
        while written.get() < sent.len() {
            let (mut stream, count, rest) =
                (near.try_clone()?, Rc::clone(&written), sent[written.get()..].to_vec());
            let writer = create_task(move || {
                for byte in rest.chunks(1) {
                    count.set(count.get() + stream.write(byte)?);
                }
                Ok(())
            });
            yield_now()?;
            writer.cancel();
            if let Err(error) = writer.wait() {
                assert!(error.is_cancelled());
            }
        }
        near.shutdown(Shutdown::Write)?;
        let mut received = Vec::new();
        far.read_to_end(&mut received)?;
        assert_eq!(received, sent, "nothing is missing and nothing came twice");
        Ok(())
    })
}

#[test]
fn accepting_cancelled_at_any_moment_loses_no_connection() -> Result<()> {
    run(|| {
        let listener = Rc::new(TcpListener::bind("127.0.0.1:0")?);
        let address = listener.local_addr()?;
        let accepted = Rc::new(RefCell::new(Vec::new()));
        for _ in 0..3 {
            // As many as the queue of the listener surely holds.
            let clients = (0..60).map(|_| TcpStream::connect(address));
            let clients = clients.collect::<io::Result<Vec<_>>>()?;
            let before = accepted.borrow().len();
            while accepted.borrow().len() < before + clients.len() {
                let (listener, keep) = (Rc::clone(&listener), Rc::clone(&accepted));
                let acceptor = create_task(move || -> Result<()> {
                    loop {
                        keep.borrow_mut().push(listener.accept()?.1);
                    }
                });
                yield_now()?;
                acceptor.cancel();
                assert!(acceptor.wait().unwrap_err().is_cancelled());
            }
            let clients: io::Result<Vec<_>> = clients.iter().map(TcpStream::local_addr).collect();
            assert_eq!(accepted.borrow()[before..], clients?);
        }
        Ok(())
    })
}

#[test]
fn the_error_of_a_cancelled_read_is_an_io_error_that_is_not_retried() -> Result<()> {
    virtual_run(|| {
        let (mut near, _far) = connection()?;
        let reader = create_task(move || {
            let mut text = String::new();
            let error = near.read_to_string(&mut text).unwrap_err(); // std retries `Interrupted`
            assert_ne!(error.kind(), ErrorKind::Interrupted);
            assert_ne!(error.kind(), ErrorKind::WouldBlock);
            assert!(Error::from(error).is_cancelled());
            Ok(current_task()?.cancelling())
        });
        settle()?;
        reader.cancel();
        assert_eq!(reader.wait()?, 1);
        Ok(())
    })
}

#[test]
fn a_timeout_ends_accepting_reading_and_writing() -> Result<()> {
    virtual_run(|| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let error = timeout(ms(5), || Ok(listener.accept().map(drop)?)).unwrap_err();
        assert!(error.is_timeout());
        let (mut near, mut far) = connection()?;
        let mut byte = [0];
        let error = timeout(ms(5), || Ok(near.read_exact(&mut byte)?)).unwrap_err();
        assert!(error.is_timeout());
        let error = timeout(ms(5), || Ok(near.write_all(&pattern(LARGE))?)).unwrap_err();
        assert!(error.is_timeout(), "nobody reads");
        // What was written before is there all the same, and in order.
        let mut start = vec![0; 100_000];
        far.read_exact(&mut start)?;
        assert_eq!(start, pattern(100_000));
        // The listener was not broken either.
        let address = listener.local_addr()?;
        gather((|| Ok(listener.accept()?.0), || Ok(TcpStream::connect(address)?))).map(drop)
    })
}

#[test]
fn a_connect_that_is_given_up_leaves_nothing_behind() -> Result<()> {
    virtual_run(|| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let connect = create_task(move || Ok(TcpStream::connect(address)?));
        connect.cancel();
        assert!(connect.wait().map(drop).unwrap_err().is_cancelled());
        TcpStream::connect(address).map(drop)?;
        Ok(())
    })
}

#[test]
fn tasks_that_wait_for_sockets_are_no_deadlock_and_end_with_run() -> Result<()> {
    let log = Log::new();
    let in_main = log.clone();
    virtual_run(move || {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let log = in_main.clone();
        drop(create_task(move || {
            let error = Error::from(listener.accept().unwrap_err());
            log.note(error.to_string());
            Err::<(), _>(error)
        }));
        sleep(ms(1))
    })?;
    assert_eq!(log.take(), ["cancelled"]);
    Ok(())
}

/// Connections that were begun and processes that were started, however far they had come.
#[test]
#[cfg(target_os = "linux")]
fn what_is_given_up_at_any_moment_leaves_no_descriptor_behind() {
    use std::time::Duration;

    use corio::process::{Command, Stdio};

    let test = "net::cancelling::what_is_given_up_at_any_moment_leaves_no_descriptor_behind";
    let output = corio_tests::in_a_process(test, || {
        let files = || std::fs::read_dir("/proc/self/fd").expect("it is there").count();
        let given_up = run(|| {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let open = listener.local_addr()?;
            // Two that refuse, and one that answers.
            let addresses =
                [2, 3, 1].map(|host| std::net::SocketAddr::from(([127, 0, 0, host], open.port())));
            let before = files();
            for step in 0..40 {
                let limit = Duration::from_micros(step * 25);
                let connect = || Ok(TcpStream::connect(&addresses[..]).map(drop)?);
                let accept = || Ok(listener.accept().map(drop)?);
                let echo = || {
                    let mut cat = Command::new("cat");
                    cat.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
                    Ok(cat.spawn()?.communicate("x").map(drop)?)
                };
                let (_, _, _) =
                    (timeout(limit, connect), timeout(limit, accept), timeout(limit, echo));
            }
            // Those that were killed are reaped in the background.
            while corio::all_tasks()?.len() > 1 {
                yield_now()?;
            }
            assert_eq!(files(), before);
            Ok(())
        });
        given_up.expect("it ends");
    });
    if let Some(output) = output {
        assert!(output.status.success(), "{output:?}");
    }
}

/// What the documentation says of std's functions that read several times, and of ours.
#[test]
#[cfg(unix)]
fn half_a_line_is_lost_by_lines_of_std_and_kept_by_read_until_and_streams() -> Result<()> {
    use std::io::{BufRead, BufReader};

    use corio::connect_read_pipe;
    use corio::net::Async;

    virtual_run(|| {
        let half = || -> Result<_> {
            let (ours, mut theirs) = io::pipe()?;
            theirs.write_all(b"half ")?;
            Ok((ours, theirs))
        };
        let rest = b"a line\n";

        let (ours, mut theirs) = half()?;
        let mut lines = BufReader::new(Async::new(ours)?).lines();
        assert!(timeout(ms(1), || Ok(lines.next().transpose()?)).unwrap_err().is_timeout());
        theirs.write_all(rest)?;
        assert_eq!(lines.next().transpose()?.as_deref(), Some("a line"));

        let (ours, mut theirs) = half()?;
        let mut reader = Async::new(ours)?;
        let mut bytes = [0; 12];
        assert!(timeout(ms(1), || Ok(reader.read_exact(&mut bytes)?)).unwrap_err().is_timeout());
        theirs.write_all(rest)?;
        drop(theirs);
        let error = reader.read_exact(&mut bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "it began anew");

        let (ours, mut theirs) = half()?;
        let mut reader = BufReader::new(Async::new(ours)?);
        let mut line = Vec::new();
        let read = timeout(ms(1), || Ok(reader.read_until(b'\n', &mut line)?));
        assert!(read.unwrap_err().is_timeout());
        theirs.write_all(rest)?;
        reader.read_until(b'\n', &mut line)?;
        assert_eq!(line, b"half a line\n");

        let (ours, mut theirs) = half()?;
        let mut reader = Async::new(ours)?;
        let mut all = Vec::new();
        let read = timeout(ms(1), || Ok(reader.read_to_end(&mut all)?));
        assert!(read.unwrap_err().is_timeout());
        theirs.write_all(rest)?;
        drop(theirs);
        reader.read_to_end(&mut all)?;
        assert_eq!(all, b"half a line\n");

        let (ours, mut theirs) = half()?;
        let mut reader = connect_read_pipe(ours)?;
        assert!(timeout(ms(1), || reader.read_exactly(12)).unwrap_err().is_timeout());
        assert!(timeout(ms(1), || reader.read_until("\n")).unwrap_err().is_timeout());
        let mut line = || (&mut reader).into_iter().next().transpose(); // not `BufRead::lines`
        assert!(timeout(ms(1), &mut line).unwrap_err().is_timeout());
        theirs.write_all(rest)?;
        assert_eq!(line()?.as_deref(), Some("half a line"));
        Ok(())
    })
}
