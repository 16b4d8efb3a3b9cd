//! Several tasks and several sockets.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

use corio::net::{TcpListener, TcpStream};
use corio::{Result, create_task, gather, get_running_loop, run, sleep, task_group};
use corio_tests::{ms, settle, virtual_run, yield_now};

use super::{LARGE, connection, pattern};

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
