//! TCP on the loop, over the loopback interface.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

use corio::net::{TcpListener, TcpStream};
use corio::{
    Error, Result, Runner, create_task, current_task, gather, get_running_loop, run, sleep,
    task_group, timeout,
};
use corio_tests::{Log, OnDrop, ms, settle, virtual_run, yield_now};

/// Both ends of a connection.
fn connection() -> Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (near, far) = gather((|| Ok(TcpStream::connect(address)?), || Ok(listener.accept()?.0)))?;
    assert_eq!(near.local_addr()?, far.peer_addr()?);
    Ok((near, far))
}

/// Bytes none of which looks like its neighbours.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

/// Enough to fill the buffers of both ends several times over.
const LARGE: usize = 16 * 1024 * 1024;

#[test]
fn many_clients_are_echoed_at_once() -> Result<()> {
    run(|| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let served = Cell::new(0);
        task_group(|group| {
            let server = group.create_task(|| {
                task_group(|clients| {
                    for stream in listener.incoming() {
                        let stream = stream?;
                        let served = &served;
                        clients.create_task(move || {
                            io::copy(&mut &stream, &mut &stream)?; // std's own copy
                            served.set(served.get() + 1);
                            Ok(())
                        });
                    }
                    Ok(())
                })
            });
            let client = |index: usize| {
                move || {
                    let mut stream = TcpStream::connect(address)?;
                    let bytes = pattern(1000 + index);
                    for chunk in bytes.chunks(100) {
                        stream.write_all(chunk)?;
                        let mut echo = vec![0; chunk.len()];
                        stream.read_exact(&mut echo)?;
                        assert_eq!(echo, chunk);
                    }
                    stream.shutdown(Shutdown::Write)?;
                    let mut rest = Vec::new();
                    assert_eq!(stream.read_to_end(&mut rest)?, 0);
                    Ok(())
                }
            };
            gather((0..100).map(client).collect::<Vec<_>>())?;
            server.cancel();
            Ok(())
        })?;
        assert_eq!(served.get(), 100);
        Ok(())
    })
}

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
fn a_half_closed_peer_is_read_to_its_end_and_can_be_answered() -> Result<()> {
    run(|| {
        let (mut near, mut far) = connection()?;
        near.write_all(b"question")?;
        near.shutdown(Shutdown::Write)?;
        let mut text = String::new();
        far.read_to_string(&mut text)?;
        assert_eq!(text, "question");
        assert_eq!(far.read(&mut [0; 8])?, 0, "the end stays the end");
        far.write_all(b"answer")?;
        drop(far);
        text.clear();
        near.read_to_string(&mut text)?;
        assert_eq!(text, "answer");
        Ok(())
    })
}

#[test]
fn data_and_the_end_of_the_stream_together_are_both_seen() -> Result<()> {
    run(|| {
        for size in [1, 10, 100, 8192] {
            for delay in [false, true] {
                let (mut near, mut far) = connection()?;
                let reader = create_task(move || {
                    let mut all = Vec::new();
                    let mut buffer = vec![0; size];
                    loop {
                        match near.read(&mut buffer)? {
                            0 => return Ok(all),
                            count => all.extend_from_slice(&buffer[..count]),
                        }
                    }
                });
                if delay {
                    yield_now()?; // the reader waits by now
                }
                far.write_all(&pattern(50))?;
                drop(far);
                assert_eq!(reader.wait()?, pattern(50));
            }
        }
        Ok(())
    })
}

#[test]
fn a_connection_that_the_peer_resets_is_an_error_and_not_a_hang() -> Result<()> {
    run(|| {
        let (mut near, far) = connection()?;
        let in_task = near.try_clone()?;
        let reader = create_task(move || Ok((&in_task).read(&mut [0; 8]).map_err(|e| e.kind())));
        yield_now()?;
        near.write_all(b"never read")?;
        drop(far); // with unread data: the system answers with a reset
        assert_eq!(reader.wait()?, Err(ErrorKind::ConnectionReset));
        let error = loop {
            match near.write_all(b"more") {
                Ok(()) => yield_now()?,
                Err(error) => break error,
            }
        };
        assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset));
        Ok(())
    })
}

#[test]
fn clones_of_a_stream_read_and_write_at_the_same_time() -> Result<()> {
    run(|| {
        let (near, far) = connection()?;
        let bytes = pattern(LARGE);
        let pump = |stream: TcpStream| {
            let bytes = &bytes;
            move || {
                let mut writer = stream.try_clone()?;
                let mut reader = stream;
                gather((
                    || {
                        writer.write_all(bytes)?;
                        Ok(writer.shutdown(Shutdown::Write)?)
                    },
                    || {
                        let mut all = Vec::new();
                        reader.read_to_end(&mut all)?;
                        assert!(all == *bytes);
                        Ok(())
                    },
                ))
                .map(drop)
            }
        };
        gather([pump(near), pump(far)]).map(drop)
    })
}

#[test]
fn a_write_larger_than_the_buffers_waits_for_a_slow_reader() -> Result<()> {
    virtual_run(|| {
        let (mut near, mut far) = connection()?;
        let bytes = pattern(LARGE);
        task_group(|group| {
            let writer = group.create_task(|| Ok(near.write_all(&bytes)?));
            settle()?;
            assert!(!writer.done(), "it cannot all be in the buffers");
            let mut received = vec![0; bytes.len()];
            for chunk in received.chunks_mut(1024 * 1024) {
                sleep(ms(10))?;
                far.read_exact(chunk)?;
            }
            writer.wait()?;
            assert!(received == bytes);
            Ok(())
        })
    })
}

#[test]
fn a_buffered_reader_reads_lines_that_come_in_pieces() -> Result<()> {
    run(|| {
        let (near, mut far) = connection()?;
        let reader = create_task(move || {
            let lines: io::Result<Vec<_>> = BufReader::new(near).lines().collect();
            Ok(lines?)
        });
        for piece in ["GET / HT", "TP/1.1\r", "\nHost: x\r\n\r\n", "no end"] {
            far.write_all(piece.as_bytes())?;
            yield_now()?;
        }
        drop(far);
        assert_eq!(reader.wait()?, ["GET / HTTP/1.1", "Host: x", "", "no end"]);
        Ok(())
    })
}

#[test]
fn reading_and_writing_nothing_is_done_at_once() -> Result<()> {
    virtual_run(|| {
        let (mut near, mut far) = connection()?;
        // Once before and once after the stream is known to have nothing to read.
        assert_eq!(timeout(ms(1), || Ok(near.read(&mut [])?))?, 0);
        assert!(timeout(ms(1), || Ok(near.read(&mut [0])?)).is_err());
        assert_eq!(timeout(ms(1), || Ok(near.read(&mut [])?))?, 0);
        assert_eq!(near.write(&[])?, 0);
        assert!(timeout(ms(1), || Ok(near.write_all(&pattern(LARGE))?)).is_err());
        assert_eq!(timeout(ms(1), || Ok(near.write(&[])?))?, 0, "also where there is no room");
        far.read_exact(&mut [0; 1000])?;
        Ok(())
    })
}

#[test]
fn peeking_leaves_the_bytes_where_they_are() -> Result<()> {
    run(|| {
        let (mut near, mut far) = connection()?;
        let in_task = near.try_clone()?;
        let peek = create_task(move || {
            let mut bytes = [0; 2];
            Ok((in_task.peek(&mut bytes)?, bytes))
        });
        yield_now()?;
        far.write_all(b"peek")?;
        assert_eq!(peek.wait()?, (2, *b"pe"));
        let mut all = [0; 4];
        near.read_exact(&mut all)?;
        assert_eq!(&all, b"peek");
        Ok(())
    })
}

#[test]
fn a_task_that_always_finds_data_ready_lets_others_run() -> Result<()> {
    run(|| {
        let (near, mut far) = connection()?;
        far.write_all(&pattern(10_000))?;
        far.shutdown(Shutdown::Write)?;
        let turns = Rc::new(Cell::new(0));
        let count = Rc::clone(&turns);
        let other = create_task(move || -> Result<()> {
            loop {
                count.set(count.get() + 1);
                yield_now()?;
            }
        });
        let (mut total, mut byte) = (0, [0]);
        while (&near).read(&mut byte)? > 0 {
            total += 1;
        }
        assert_eq!(total, 10_000);
        assert!(turns.get() >= 10_000 / 128, "others had {} turns", turns.get());
        other.cancel();
        assert!(other.wait().is_err());
        Ok(())
    })
}

#[test]
fn a_task_that_always_finds_connections_ready_lets_others_run() -> Result<()> {
    run(|| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let turns = Rc::new(Cell::new(0));
        let count = Rc::clone(&turns);
        drop(create_task(move || -> Result<()> {
            loop {
                count.set(count.get() + 1);
                yield_now()?;
            }
        }));
        for _ in 0..10 {
            let clients: io::Result<Vec<_>> =
                (0..60).map(|_| TcpStream::connect(address)).collect();
            for _ in clients? {
                listener.accept()?;
            }
        }
        assert!(turns.get() >= 5, "others had {} turns", turns.get());
        Ok(())
    })
}

#[test]
fn a_stream_that_is_dropped_while_a_clone_is_waited_for_stays_open() -> Result<()> {
    run(|| {
        let (near, mut far) = connection()?;
        let clone = near.try_clone()?;
        let reader = create_task(move || {
            let mut text = String::new();
            (&clone).read_to_string(&mut text)?;
            Ok(text)
        });
        yield_now()?;
        drop(near);
        far.write_all(b"still there")?;
        drop(far);
        assert_eq!(reader.wait()?, "still there");
        Ok(())
    })
}

#[test]
fn a_dropped_stream_is_closed_although_the_loop_goes_on() -> Result<()> {
    run(|| {
        let (near, mut far) = connection()?;
        let reader = create_task(move || {
            let near = near;
            (&near).read_exact(&mut [0; 8])?;
            Ok(())
        });
        yield_now()?;
        reader.cancel();
        assert!(reader.wait().is_err());
        assert_eq!(far.read(&mut [0; 8])?, 0, "the reader owned it");
        Ok(())
    })
}

#[test]
fn closing_the_reading_half_wakes_who_reads() -> Result<()> {
    run(|| {
        let (near, _far) = connection()?;
        let clone = near.try_clone()?;
        let reader = create_task(move || Ok((&clone).read(&mut [0; 8])?));
        yield_now()?;
        near.shutdown(Shutdown::Read)?;
        assert_eq!(reader.wait()?, 0);
        Ok(())
    })
}

#[test]
fn of_two_readers_of_one_stream_each_byte_goes_to_one() -> Result<()> {
    run(|| {
        let (near, mut far) = connection()?;
        let readers = [near.try_clone()?, near].map(|mut stream| {
            create_task(move || {
                let mut all = Vec::new();
                let mut byte = [0];
                while stream.read(&mut byte)? > 0 {
                    all.push(byte[0]);
                }
                Ok(all)
            })
        });
        let bytes: Vec<u8> = (0..200).collect();
        for chunk in bytes.chunks(7) {
            yield_now()?;
            far.write_all(chunk)?;
        }
        drop(far);
        let mut all = gather(readers)?.concat();
        all.sort_unstable();
        assert_eq!(all, bytes);
        Ok(())
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
fn streams_made_by_std_are_put_on_the_loop() -> Result<()> {
    run(|| {
        let std_listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let address = std_listener.local_addr()?;
        let listener = TcpListener::from_std(std_listener)?;
        let near = TcpStream::from_std(std::net::TcpStream::connect(address)?)?;
        let (far, peer) = listener.accept()?;
        assert_eq!(peer, near.local_addr()?);
        far.set_nodelay(true)?;
        let reader = create_task(move || {
            let mut bytes = [0; 2];
            (&near).read_exact(&mut bytes)?;
            Ok(bytes)
        });
        yield_now()?;
        (&far).write_all(b"ok")?;
        assert_eq!(reader.wait()?, *b"ok");
        Ok(())
    })
}

#[test]
fn a_peer_on_another_thread_wakes_the_loop() -> Result<()> {
    let std_listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = std_listener.local_addr()?;
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = std_listener.accept()?;
        let mut byte = [0];
        for _ in 0..50 {
            stream.read_exact(&mut byte)?;
            stream.write_all(&[byte[0] + 1])?;
        }
        io::Result::Ok(())
    });
    run(|| {
        let mut stream = TcpStream::connect(address)?;
        for value in 0..50 {
            stream.write_all(&[value])?;
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            assert_eq!(byte[0], value + 1);
        }
        Ok(())
    })?;
    thread.join().expect("no panic")?;
    Ok(())
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

#[test]
fn sockets_outlive_their_loop_harmlessly() -> Result<()> {
    let mut runner = Runner::new()?;
    let (near, far) = runner.run(connection)?;
    drop(runner);
    (&near).write_all(b"x")?;
    drop(near);
    let mut byte = [0];
    (&far).read_exact(&mut byte)?;
    assert_eq!(&byte, b"x");
    Ok(())
}

#[test]
fn writing_in_a_destructor_during_a_panic_does_what_needs_no_waiting() -> Result<()> {
    run(|| {
        let (near, mut far) = connection()?;
        let task = create_task(move || -> Result<()> {
            let mut near = near;
            let _late = OnDrop(move || near.write_all(b"bye").expect("there is room"));
            panic!("ouch")
        });
        let mut text = String::new();
        far.read_to_string(&mut text)?;
        assert_eq!(text, "bye");
        assert_eq!(corio_tests::panic_of(|| task.wait()), "ouch");
        Ok(())
    })
}

#[test]
fn an_idle_loop_polls_without_spinning() -> Result<()> {
    run(|| {
        let (mut near, mut far) = connection()?;
        let event_loop = get_running_loop()?;
        let before = event_loop.statistics().polls;
        let echo = create_task(move || {
            let mut byte = [0];
            far.read_exact(&mut byte)?;
            Ok(far.write_all(&byte)?)
        });
        sleep(ms(5))?;
        near.write_all(b"x")?;
        near.read_exact(&mut [0])?;
        echo.wait()?;
        let polls = event_loop.statistics().polls - before;
        assert!(polls < 20, "{polls} polls");
        Ok(())
    })
}
