//! Servers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use corio::net::TcpListener;
use corio::streams::ServerMisused;
use corio::{
    Result, Server, StreamReader, StreamWriter, create_task, gather, open_connection, run, sleep,
    start_server, timeout,
};
use corio_tests::{Log, ms, now, settle, virtual_run, yield_now};

use crate::net::{LARGE, pattern};

const LOCAL: &str = "127.0.0.1:0";

/// Sends lines back until there are no more.
fn echo(mut reader: StreamReader, writer: StreamWriter) -> Result<()> {
    loop {
        let line = reader.read_line()?;
        if line.is_empty() {
            return Ok(());
        }
        writer.write(&line)?;
        writer.drain()?;
    }
}

fn connect(server: &Server) -> Result<(StreamReader, StreamWriter)> {
    open_connection(server.local_addr())
}

/// Waits until so many clients are known to the server.
fn wait_for_clients(server: &Server, count: usize) -> Result<()> {
    while server.clients() != count {
        yield_now()?;
    }
    Ok(())
}

#[test]
fn many_clients_are_served_at_once() -> Result<()> {
    run(|| {
        let server = start_server(echo, LOCAL)?;
        let client = |number: usize| {
            let server = &server;
            move || {
                let (mut reader, writer) = connect(server)?;
                for round in 0..10 {
                    let line = format!("{number} in round {round}\n");
                    writer.write(&line)?;
                    assert_eq!(reader.read_line()?, line.as_bytes());
                }
                Ok(())
            }
        };
        gather((0..50).map(client).collect::<Vec<_>>())?;
        wait_for_clients(&server, 0)
    })
}

#[test]
fn what_a_handler_wrote_is_sent_after_it_has_returned() -> Result<()> {
    run(|| {
        let server = start_server(|_, writer| writer.write(pattern(60_000)), LOCAL)?;
        let (mut reader, _writer) = connect(&server)?;
        let mut all = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut all)?;
        assert!(all == pattern(60_000));
        Ok(())
    })
}

#[test]
fn a_handler_that_fails_is_reported_and_only_its_connection_closed() -> Result<()> {
    run(|| {
        let log = Log::new();
        log.note_reports();
        let fail = |mut reader: StreamReader, writer: StreamWriter| {
            let line = reader.read_line()?;
            match &line[..] {
                b"fail\n" => Err(corio::Error::msg("as you wish")),
                b"panic\n" => panic!("as you wish"),
                line => writer.write(line),
            }
        };
        let server = start_server(fail, LOCAL)?;
        let (mut bystander, bystanders) = connect(&server)?;
        for words in ["fail\n", "panic\n"] {
            let (mut reader, writer) = connect(&server)?;
            let name = format!("client {} of {}", writer.local_addr()?, server.local_addr());
            writer.write(words)?;
            assert_eq!(reader.read_line()?, b"", "it is closed");
            let reports = log.take();
            assert_eq!(reports.len(), 1, "{reports:?}");
            assert!(reports[0].contains(&name), "{reports:?}");
            assert!(reports[0].ends_with("as you wish"), "{reports:?}");
        }
        bystanders.write("well\n")?;
        assert_eq!(bystander.read_line()?, b"well\n");
        Ok(())
    })
}

#[test]
fn a_handler_that_is_cancelled_closes_its_connection_in_silence() -> Result<()> {
    run(|| {
        let log = Log::new();
        log.note_reports();
        let server = start_server(echo, LOCAL)?;
        let (mut reader, _writer) = connect(&server)?;
        wait_for_clients(&server, 1)?;
        for task in corio::all_tasks()? {
            if task.name().starts_with("client ") {
                task.cancel();
            }
        }
        assert_eq!(reader.read_line()?, b"");
        assert_eq!(log.take(), [""; 0]);
        Ok(())
    })
}

#[test]
fn a_closed_server_accepts_nobody_and_leaves_its_clients_alone() -> Result<()> {
    run(|| {
        let server = start_server(echo, LOCAL)?;
        let address = server.local_addr();
        let (mut reader, writer) = connect(&server)?;
        wait_for_clients(&server, 1)?;
        assert!(server.is_serving());
        server.close();
        assert!(!server.is_serving());
        yield_now()?;
        assert!(open_connection(address).is_err());
        TcpListener::bind(address)?; // the port is free
        writer.write("still there?\n")?;
        assert_eq!(reader.read_line()?, b"still there?\n");
        assert_eq!(server.addresses(), [address]);
        Ok(())
    })
}

#[test]
fn to_wait_for_the_end_is_to_wait_for_close_and_for_the_clients() -> Result<()> {
    virtual_run(|| {
        for close_first in [true, false] {
            let server = start_server(echo, LOCAL)?;
            let (_reader, writer) = connect(&server)?;
            wait_for_clients(&server, 1)?;
            let server = Rc::new(server);
            let in_task = Rc::clone(&server);
            let closed = create_task(move || in_task.wait_closed());
            let steps: [&dyn Fn(); 2] = [&|| server.close(), &|| writer.close()];
            let [first, second] = if close_first { steps } else { [steps[1], steps[0]] };
            settle()?;
            first();
            sleep(ms(5))?;
            assert!(!closed.done());
            second();
            closed.wait()?;
            assert_eq!(server.clients(), 0);
            server.wait_closed()?; // and at once from now on
        }
        Ok(())
    })
}

#[test]
fn clients_are_closed_when_all_is_sent_or_at_once() -> Result<()> {
    virtual_run(|| {
        let bytes: Rc<[u8]> = pattern(LARGE).into();
        for abort in [false, true] {
            let seen = Rc::new(RefCell::new(Vec::new()));
            let (ends, sent) = (Rc::clone(&seen), Rc::clone(&bytes));
            let server = start_server(
                move |mut reader, writer| {
                    writer.set_high_water_mark(LARGE);
                    writer.write(&sent)?;
                    let line = reader.read_line()?;
                    ends.borrow_mut().push(line);
                    Ok(())
                },
                LOCAL,
            )?;
            let (mut reader, _writer) = connect(&server)?;
            wait_for_clients(&server, 1)?;
            settle()?;
            server.close();
            if abort {
                server.abort_clients()
            } else {
                server.close_clients()
            }
            let mut all = Vec::new();
            std::io::Read::read_to_end(&mut reader, &mut all)?;
            if abort {
                assert!(all.len() < LARGE, "it did not fit into the buffers of the system");
            } else {
                assert!(all == *bytes);
            }
            server.wait_closed()?;
            settle()?;
            assert_eq!(seen.take(), [b""], "the handler saw the end");
        }
        Ok(())
    })
}

#[test]
fn serving_for_ever_ends_when_the_server_is_closed_and_the_clients_are_gone() -> Result<()> {
    virtual_run(|| {
        let server = Rc::new(start_server(echo, LOCAL)?);
        let in_task = Rc::clone(&server);
        let serving = create_task(move || in_task.serve_forever());
        let (_reader, writer) = connect(&server)?;
        wait_for_clients(&server, 1)?;
        let twice = server.serve_forever().unwrap_err();
        assert_eq!(twice.downcast_ref(), Some(&ServerMisused::AlreadyServing));
        server.close();
        settle()?;
        assert!(!serving.done());
        writer.close();
        serving.wait()?;
        let closed = server.serve_forever().unwrap_err();
        assert_eq!(closed.downcast_ref(), Some(&ServerMisused::Closed));
        Ok(())
    })
}

#[test]
fn serving_for_ever_that_is_cancelled_closes_the_server_and_waits() -> Result<()> {
    virtual_run(|| {
        let server = Rc::new(start_server(echo, LOCAL)?);
        let in_task = Rc::clone(&server);
        let serving = create_task(move || in_task.serve_forever());
        let (mut reader, writer) = connect(&server)?;
        wait_for_clients(&server, 1)?;
        serving.cancel();
        settle()?;
        assert!(!server.is_serving() && !serving.done());
        writer.write("bye\n")?;
        assert_eq!(reader.read_line()?, b"bye\n");
        writer.close();
        assert!(serving.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn a_graceful_shutdown_waits_and_has_a_limit() -> Result<()> {
    virtual_run(|| {
        let slow = |mut reader: StreamReader, writer: StreamWriter| {
            let pause: u64 = String::from_utf8(reader.read_line()?)?.trim().parse()?;
            sleep(ms(pause))?;
            writer.write("done\n")
        };
        for (pauses, limit, cut_off, took) in
            [(&[10, 20][..], 100, 0, 20), (&[10, 1000, 2000][..], 100, 2, 100), (&[], 100, 0, 0)]
        {
            let server = start_server(slow, LOCAL)?;
            let mut readers = Vec::new();
            for pause in pauses {
                let (reader, writer) = connect(&server)?;
                writer.write(format!("{pause}\n"))?;
                readers.push((reader, writer));
            }
            wait_for_clients(&server, pauses.len())?;
            let before = now();
            settle()?;
            assert_eq!(server.shutdown(ms(limit))?, cut_off);
            assert_eq!((now() - before).as_millis(), took);
            for ((mut reader, _writer), pause) in readers.into_iter().zip(pauses) {
                let expected = if *pause <= limit { "done\n" } else { "" };
                assert_eq!(reader.read_line()?, expected.as_bytes());
            }
        }
        Ok(())
    })
}

#[test]
fn a_dropped_server_is_closed() -> Result<()> {
    run(|| {
        let server = start_server(echo, LOCAL)?;
        let address = server.local_addr();
        let (mut reader, writer) = connect(&server)?;
        wait_for_clients(&server, 1)?;
        drop(server);
        yield_now()?;
        assert!(open_connection(address).is_err());
        writer.write("still there?\n")?;
        assert_eq!(reader.read_line()?, b"still there?\n");
        Ok(())
    })
}

#[test]
fn a_server_ends_with_the_loop() -> Result<()> {
    let log = Log::new();
    let ended = log.clone();
    let server = run(|| {
        let server = start_server(
            move |mut reader, _| {
                let error = reader.read_line().unwrap_err();
                ended.note(error.to_string());
                Err(error)
            },
            LOCAL,
        )?;
        let _client = connect(&server)?;
        wait_for_clients(&server, 1)?;
        sleep(ms(1))?;
        Ok(server)
    })?;
    assert!(!server.is_serving());
    assert_eq!(server.clients(), 0);
    assert!(log.take().len() <= 1, "it was cancelled, or saw the end");
    Ok(())
}

#[test]
fn a_server_listens_at_several_places() -> Result<()> {
    run(|| {
        let listeners = [TcpListener::bind(LOCAL)?, TcpListener::bind("127.0.0.2:0")?];
        let server = Server::start(echo, listeners)?;
        assert_eq!(server.addresses().len(), 2);
        for address in server.addresses() {
            let (mut reader, writer) = open_connection(address)?;
            assert_eq!(writer.peer_addr()?, *address);
            writer.write("hello\n")?;
            assert_eq!(reader.read_line()?, b"hello\n");
        }
        let error = Server::<std::net::TcpListener>::start(echo, []).unwrap_err();
        assert!(error.to_string().contains("something to listen at"), "{error}");
        Ok(())
    })
}

#[test]
fn an_address_in_use_is_named() -> Result<()> {
    run(|| {
        let server = start_server(echo, LOCAL)?;
        let address = server.local_addr();
        let error = start_server(echo, address).map(drop).unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot listen at {address}: ")), "{error}");
        Ok(())
    })
}

#[test]
fn a_handler_may_close_its_own_server_and_wait_for_that() -> Result<()> {
    run(|| {
        let server = Rc::new(Cell::new(None::<Rc<Server>>));
        let own = Rc::clone(&server);
        let started = Rc::new(start_server(
            move |_, writer| {
                let server = own.take().expect("it was put there");
                server.close();
                writer.close();
                server.wait_closed()
            },
            LOCAL,
        )?);
        server.set(Some(Rc::clone(&started)));
        let (mut reader, _writer) = connect(&started)?;
        assert_eq!(reader.read_line()?, b"");
        started.wait_closed()
    })
}

#[test]
fn a_client_that_never_reads_can_be_shut_out() -> Result<()> {
    virtual_run(|| {
        let flood = |_, writer: StreamWriter| -> Result<()> {
            loop {
                writer.write([0; 10_000])?;
            }
        };
        let server = start_server(flood, LOCAL)?;
        let _client = connect(&server)?;
        wait_for_clients(&server, 1)?;
        assert!(timeout(ms(100), || server.wait_closed()).is_err());
        assert_eq!(server.shutdown(ms(100))?, 1);
        Ok(())
    })
}

#[test]
#[cfg(unix)]
fn a_server_without_file_descriptors_says_so_and_recovers() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let test = "servers::a_server_without_file_descriptors_says_so_and_recovers";
    let output = corio_tests::in_a_process(test, || {
        let served = virtual_run(|| {
            let log = Log::new();
            log.note_reports();
            let server = start_server(echo, LOCAL)?;
            let (mut reader, writer) = connect(&server)?;
            let all = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..all })
                .map_err(std::io::Error::from)?;
            sleep(ms(3000))?;
            setrlimit(Resource::Nofile, all).map_err(std::io::Error::from)?;
            let reports = log.take();
            assert!((2..=3).contains(&reports.len()), "about one a second: {reports:?}");
            assert!(reports[0].contains(&server.local_addr().to_string()), "{reports:?}");
            assert!(reports[0].contains("Too many open files"), "{reports:?}");
            writer.write("now?\n")?;
            while server.clients() == 0 {
                sleep(ms(100))?;
            }
            assert_eq!(reader.read_line()?, b"now?\n");
            Ok(())
        });
        served.expect("it recovers");
    });
    if let Some(output) = output {
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_left_of_connections_that_end_in_all_ways() {
    let test = "servers::nothing_is_left_of_connections_that_end_in_all_ways";
    let output = corio_tests::in_a_process(test, || {
        let counts = || {
            let files = std::fs::read_dir("/proc/self/fd").map(Iterator::count);
            Ok::<_, corio::Error>((files?, corio::all_tasks()?.len()))
        };
        let ended = virtual_run(|| {
            let before = counts()?;
            let server = start_server(echo, LOCAL)?;
            let ways = pattern(200);
            for chunk in ways.chunks(20) {
                gather(chunk.iter().map(|way| || end_somehow(&server, *way)).collect::<Vec<_>>())?;
            }
            wait_for_clients(&server, 0)?;
            drop(server);
            settle()?;
            assert_eq!(counts()?, before);
            Ok(())
        });
        ended.expect("they end");
    });
    if let Some(output) = output {
        assert!(output.status.success(), "{output:?}");
    }
}

/// Connects, and ends that in one of several ways.
#[cfg(target_os = "linux")]
fn end_somehow(server: &Server, way: u8) -> Result<()> {
    let (mut reader, writer) = connect(server)?;
    writer.write("hello\n")?;
    if way & 1 == 0 {
        assert_eq!(reader.read_line()?, b"hello\n");
    }
    match way >> 1 & 7 {
        0 => {}
        1 => writer.close(),
        2 => writer.abort(),
        3 => {
            writer.write_eof()?;
            std::io::Read::read_to_end(&mut reader, &mut Vec::new())?;
        }
        4 => {
            let socket: Rc<corio::net::TcpStream> = writer.transport().expect("it is open");
            socket.set_linger(Some(std::time::Duration::ZERO))?;
        }
        5 => {
            assert!(timeout(ms(1), || reader.read_exactly(100)).is_err());
        }
        6 => {
            let flood = vec![0; LARGE]; // the server soon waits for its client to read
            assert!(timeout(ms(1), || writer.write(flood)).is_err());
            writer.abort();
        }
        _ => {
            drop(writer);
            sleep(ms(1))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
mod unix {
    use std::os::unix::net::UnixListener;

    use corio::{open_unix_connection, start_unix_server};
    use corio_tests::TempDir;

    use super::*;

    #[test]
    fn a_unix_server_serves_and_takes_its_path_with_it() -> Result<()> {
        run(|| {
            let folder = TempDir::new();
            let path = folder.path().join("socket");
            let server = start_unix_server(echo, &path)?;
            assert_eq!(server.local_addr().as_pathname(), Some(&*path));
            let (mut reader, writer) = open_unix_connection(&path)?;
            writer.write("hello\n")?;
            assert_eq!(reader.read_line()?, b"hello\n");
            assert!(path.exists());
            server.close();
            assert!(!path.exists());
            Ok(())
        })
    }

    #[test]
    fn a_path_that_is_somebody_elses_by_now_stays() -> Result<()> {
        run(|| {
            let folder = TempDir::new();
            let path = folder.path().join("socket");
            let server = start_unix_server(echo, &path)?;
            let another = start_unix_server(echo, &path)?;
            server.close();
            server.wait_closed()?;
            let (mut reader, writer) = open_unix_connection(&path)?;
            writer.write("who is it?\n")?;
            assert_eq!(reader.read_line()?, b"who is it?\n");
            std::fs::remove_file(&path)?;
            drop(another); // its path is gone, which is all the same
            Ok(())
        })
    }

    #[test]
    fn a_socket_that_was_left_is_replaced_and_a_file_is_not() -> Result<()> {
        run(|| {
            let folder = TempDir::new();
            let path = folder.path().join("socket");
            drop(UnixListener::bind(&path)?);
            drop(start_unix_server(echo, &path)?);
            std::fs::write(&path, "precious")?;
            let error = start_unix_server(echo, &path).map(drop).unwrap_err();
            assert!(
                error.to_string().starts_with(&format!("cannot listen at {path:?}")),
                "{error}"
            );
            assert_eq!(std::fs::read_to_string(&path)?, "precious");
            Ok(())
        })
    }
}
