//! `StreamWriter`.

use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;

use corio::net::TcpStream;
use corio::streams::{Transport, WriteBufferFull, open};
use corio::{Event, Result, create_task, gather, run, sleep, task_group, timeout};
use corio_tests::{Log, ms, settle, virtual_run};
use proptest::prelude::*;

use super::{Failure, Puppet, stream_and_socket};
use crate::net::{LARGE, pattern};

/// asyncio's mark.
const HIGH_WATER: usize = 64 * 1024;

#[test]
fn what_the_system_takes_is_sent_at_once() -> Result<()> {
    virtual_run(|| {
        let puppet = Puppet::writing([]);
        let (_reader, writer) = open(puppet.clone());
        writer.write("as ")?;
        writer.write(b"bytes")?;
        writer.write(vec![b'!'])?;
        writer.write("")?;
        assert_eq!(*puppet.written.borrow(), b"as bytes!");
        assert_eq!(writer.write_buffer_size(), 0);
        Ok(())
    })
}

#[test]
fn what_it_does_not_take_is_sent_in_the_background() -> Result<()> {
    virtual_run(|| {
        let puppet = Puppet::writing([2, 0, 3, 0, 1]);
        let (_reader, writer) = open(puppet.clone());
        writer.write("abcdefgh")?;
        writer.write("ijk")?;
        assert_eq!((writer.write_buffer_size(), &puppet.written.borrow()[..]), (9, &b"ab"[..]));
        let tasks = corio::all_tasks()?.len();
        writer.flush()?;
        assert_eq!(*puppet.written.borrow(), b"abcdefghijk");
        settle()?;
        assert_eq!(corio::all_tasks()?.len(), tasks - 1, "the task that sent is gone");
        Ok(())
    })
}

#[test]
fn a_peer_that_never_reads_costs_no_more_than_the_high_water_mark() -> Result<()> {
    virtual_run(|| {
        let (_reader, writer, _far) = stream_and_socket()?;
        let writer = Rc::new(writer);
        let writing = {
            let writer = Rc::clone(&writer);
            create_task(move || -> Result<()> {
                loop {
                    writer.write([0; 1000])?; // and nobody thinks of `drain`
                }
            })
        };
        sleep(ms(1000))?;
        assert!(!writing.done());
        assert!((HIGH_WATER - 1000..=HIGH_WATER).contains(&writer.write_buffer_size()));
        // One write alone does not break the limit either.
        let error = timeout(ms(1), || writer.write(vec![0; LARGE])).unwrap_err();
        assert!(error.is_timeout());
        assert!(writer.write_buffer_size() <= HIGH_WATER);
        writing.cancel();
        assert!(writing.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn a_write_above_the_mark_goes_on_when_the_peer_reads() -> Result<()> {
    run(|| {
        let (_reader, writer, mut far) = stream_and_socket()?;
        let bytes = pattern(LARGE);
        let mut all = Vec::new();
        let write = || {
            writer.write(&bytes)?;
            writer.write_eof()
        };
        gather((write, || Ok(far.read_to_end(&mut all).map(drop)?)))?;
        assert!(all == bytes);
        Ok(())
    })
}

#[test]
fn a_write_keeps_together_wherever_its_task_has_had_its_share() -> Result<()> {
    for waits in 120..=130 {
        virtual_run(|| {
            let puppet = Puppet::writing([0]);
            let (_reader, writer) = open(puppet.clone());
            writer.set_high_water_mark(4);
            let event = Event::new();
            event.set();
            task_group(|group| {
                group.create_task(|| {
                    (0..waits).try_for_each(|_| event.wait())?;
                    writer.write("aaaaaaaa")
                });
                group.create_task(|| writer.write("bbbb"));
                Ok(())
            })?;
            writer.flush()?;
            let written = String::from_utf8_lossy(&puppet.written.borrow()).into_owned();
            assert!(written.contains("aaaaaaaa"), "after {waits} waits: {written}");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn what_each_task_writes_arrives_in_one_piece() -> Result<()> {
    run(|| {
        let (_reader, writer, mut far) = stream_and_socket()?;
        writer.set_high_water_mark(1000);
        let mut all = Vec::new();
        task_group(|group| {
            let writers: Vec<_> = (0..10_u8)
                .map(|number| {
                    let writer = &writer;
                    group.create_task(move || {
                        writer.write(vec![number; 700_000])?;
                        writer.write([number; 7])
                    })
                })
                .collect();
            group.create_task(|| {
                writers.into_iter().try_for_each(|writer| writer.wait())?;
                writer.write_eof()
            });
            far.read_to_end(&mut all)?;
            Ok(())
        })?;
        assert_eq!(all.len(), 10 * 700_007);
        let runs = all.chunk_by(|a, b| a == b).map(<[u8]>::len);
        assert!(runs.clone().all(|run| [7, 700_000, 700_007].contains(&run)), "{runs:?}");
        Ok(())
    })
}

#[test]
fn draining_waits_for_a_quarter_of_the_mark_and_flushing_for_all() -> Result<()> {
    virtual_run(|| {
        let puppet = Puppet::default();
        puppet.stuck.set(true);
        let (_reader, writer) = open(puppet.clone());
        writer.set_high_water_mark(100);
        writer.write([0; 25])?;
        timeout(ms(5), || writer.drain())?; // that is little
        writer.write([0; 50])?;
        assert!(timeout(ms(5), || writer.drain()).unwrap_err().is_timeout());
        puppet.room.borrow_mut().extend([49, 0, 1, 0, 24]);
        task_group(|group| {
            let drained = [(); 3].map(|()| group.create_task(|| writer.drain()));
            let flushed = group.create_task(|| writer.flush());
            settle()?;
            assert!(drained.iter().all(|task| !task.done()));
            puppet.stuck.set(false);
            for drained in drained {
                drained.wait()?;
                assert_eq!(writer.write_buffer_size(), 25);
            }
            assert!(!flushed.done());
            flushed.wait()?;
            assert_eq!(writer.write_buffer_size(), 0);
            Ok(())
        })
    })
}

#[test]
fn a_ready_drain_does_not_yield() -> Result<()> {
    virtual_run(|| {
        let (_reader, writer) = open(Puppet::default());
        let other = create_task(|| Ok(()));
        for _ in 0..50 {
            writer.write("x")?;
            writer.drain()?;
        }
        assert!(!other.done());
        other.wait()
    })
}

#[test]
fn who_writes_and_drains_for_ever_lets_others_run() -> Result<()> {
    virtual_run(|| {
        let (_reader, writer) = open(Puppet::default());
        let other = create_task(|| Ok(()));
        let mut writes = 0;
        while !other.done() {
            writer.write("x")?;
            writer.drain()?;
            writes += 1;
            assert!(writes < 1000);
        }
        Ok(())
    })
}

#[test]
fn who_only_writes_for_ever_lets_others_run() -> Result<()> {
    virtual_run(|| {
        let (_reader, writer) = open(Puppet::default());
        let other = create_task(|| Ok(()));
        for writes in 0.. {
            assert!(writes < 1000);
            writer.write("x")?;
            if other.done() {
                break;
            }
        }
        Ok(())
    })
}

#[test]
fn without_waiting_all_is_written_or_nothing() -> Result<()> {
    virtual_run(|| {
        let puppet = Puppet::default();
        puppet.stuck.set(true);
        let (_reader, writer) = open(puppet.clone());
        writer.set_high_water_mark(10);
        writer.write_nowait("12345678")?;
        let error = writer.write_nowait("9abc").unwrap_err();
        assert!(error.downcast_ref::<WriteBufferFull>().is_some(), "{error}");
        writer.write_nowait("9a")?;
        assert!(writer.write_nowait("b").is_err());
        writer.write_nowait("")?;
        puppet.stuck.set(false);
        writer.flush()?;
        assert_eq!(*puppet.written.borrow(), b"123456789a");
        Ok(())
    })
}

#[test]
fn a_callback_can_write_what_needs_no_waiting() -> Result<()> {
    virtual_run(|| {
        let puppet = Puppet::writing([1, 0]);
        let (_reader, writer) = open(puppet.clone());
        writer.set_high_water_mark(10);
        let writer = Rc::new(writer);
        let in_callback = Rc::clone(&writer);
        let (promise, result) = corio::create_future();
        corio::get_running_loop()?.call_soon(move || {
            in_callback.write("hello").expect("there is room");
            let too_much = in_callback.write([0; 100]).unwrap_err();
            promise.set_result(too_much.to_string()).expect("nobody cancelled it");
        });
        let error = result.wait()?;
        assert!(error.contains("in a callback of the event loop"), "{error}");
        writer.flush()?;
        assert_eq!(puppet.written.borrow()[..5], *b"hello");
        Ok(())
    })
}

#[test]
fn std_writes_to_it_as_to_anything() -> Result<()> {
    virtual_run(|| {
        let puppet = Puppet::writing([3, 0]);
        let (_reader, mut writer) = open(puppet.clone());
        write!(writer, "{} bottles", 99)?;
        write!(&writer, " of milk")?;
        Write::flush(&mut writer)?;
        assert_eq!(*puppet.written.borrow(), b"99 bottles of milk");
        // It takes what there is room for, and says how much that was.
        puppet.stuck.set(true);
        writer.set_high_water_mark(4);
        assert_eq!(Write::write(&mut writer, b"abcdef")?, 4);
        let error = timeout(ms(1), || Ok(Write::write(&mut writer, b"ef")?)).unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(Write::write(&mut writer, b"")?, 0);
        Ok(())
    })
}

#[test]
fn writing_to_who_is_gone_is_an_error_sooner_or_later() -> Result<()> {
    run(|| {
        let (_reader, writer, far) = stream_and_socket()?;
        drop(far);
        let error = loop {
            match writer.write("anybody?") {
                Ok(()) => sleep(ms(1))?,
                Err(error) => break error,
            }
        };
        let kind = error.downcast_ref::<std::io::Error>().expect("an io::Error").kind();
        assert!(matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset));
        assert!(writer.drain().is_err());
        assert!(writer.write("anybody?").is_err(), "and it stays one");
        writer.close();
        assert!(writer.wait_closed().is_err());
        Ok(())
    })
}

#[test]
fn what_the_peer_said_before_it_hung_up_can_be_read_after_a_failed_write() -> Result<()> {
    run(|| {
        let (mut reader, writer, mut far) = stream_and_socket()?;
        far.write_all(b"413 too large\n")?;
        far.shutdown(std::net::Shutdown::Read)?;
        drop(far);
        sleep(ms(1))?;
        while writer.write(pattern(10_000)).is_ok() {
            sleep(ms(1))?;
        }
        assert_eq!(reader.read_line()?, b"413 too large\n");
        Ok(())
    })
}

#[test]
fn a_reset_that_the_writer_has_met_is_no_end_for_the_reader() -> Result<()> {
    run(|| {
        let (mut reader, writer, far) = stream_and_socket()?;
        far.set_linger(Some(std::time::Duration::ZERO))?;
        writer.write("are you there?")?;
        drop(far);
        sleep(ms(1))?;
        let error = writer.write("hello?").unwrap_err();
        assert_eq!(kind(&error), Some(ErrorKind::ConnectionReset));
        for _ in 0..2 {
            let error = reader.read_line().unwrap_err();
            assert_eq!(kind(&error), Some(ErrorKind::ConnectionReset), "what came may not be all");
        }
        writer.close();
        assert_eq!(reader.read_line()?, b"", "whoever closes a connection sees its end");
        Ok(())
    })
}

fn kind(error: &corio::Error) -> Option<ErrorKind> {
    error.downcast_ref::<std::io::Error>().map(std::io::Error::kind)
}

#[test]
fn who_waits_for_room_hears_of_the_failure() -> Result<()> {
    run(|| {
        let (_reader, writer, far) = stream_and_socket()?;
        let writer = Rc::new(writer);
        let waiting: Vec<_> = (0..3)
            .map(|kind| {
                let writer = Rc::clone(&writer);
                create_task(move || match kind {
                    0 => writer.write(pattern(LARGE)),
                    1 => writer.drain(),
                    _ => writer.flush(),
                })
            })
            .collect();
        settle()?;
        assert!(!waiting[0].done() && !waiting[1].done());
        far.set_linger(Some(std::time::Duration::ZERO))?;
        drop(far);
        for task in waiting {
            let error = task.wait().unwrap_err();
            assert!(error.downcast_ref::<std::io::Error>().is_some(), "{error}");
        }
        assert_eq!(writer.write_buffer_size(), 0, "nothing is kept for nobody");
        Ok(())
    })
}

#[test]
fn a_transport_that_fails_in_the_background_is_an_error_and_no_hang() -> Result<()> {
    for (failure, message) in [
        (Failure::Error, "broken pipe"),
        (Failure::Nothing, "takes nothing any more"),
        (Failure::Panic, "could not be sent"),
    ] {
        virtual_run(|| {
            let log = Log::new();
            log.note_reports();
            let puppet = Puppet { failure: Some(failure), ..Puppet::writing([1, 0, 0]) };
            let (_reader, writer) = open(puppet);
            writer.write("abc")?;
            let error = writer.flush().unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
            assert_eq!(writer.write("d").unwrap_err().to_string(), error.to_string());
            writer.close();
            assert_eq!(writer.wait_closed().unwrap_err().to_string(), error.to_string());
            let reports = log.take();
            assert_eq!(
                reports.len(),
                usize::from(matches!(failure, Failure::Panic)),
                "{reports:?}"
            );
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn the_transport_is_within_reach() -> Result<()> {
    run(|| {
        let (_reader, writer, far) = stream_and_socket()?;
        assert_eq!(writer.peer_addr()?, far.local_addr()?);
        assert_eq!(writer.local_addr()?, far.peer_addr()?);
        let socket: Rc<TcpStream> = writer.transport().expect("it is TCP");
        socket.set_nodelay(true)?;
        assert!(writer.transport::<Puppet>().is_none());
        let (_reader, writer) = open(Puppet::default());
        assert_eq!(writer.peer_addr().unwrap_err().kind(), ErrorKind::Unsupported);
        writer.close();
        assert_eq!(writer.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
        Ok(())
    })
}

#[test]
#[cfg(unix)]
fn unix_sockets_have_other_addresses() -> Result<()> {
    run(|| {
        let (near, _far) = corio::net::UnixStream::pair()?;
        assert_eq!(Transport::peer_addr(&near).unwrap_err().kind(), ErrorKind::Unsupported);
        Ok(())
    })
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    StdWrite(usize),
    Nowait(usize),
    Drain,
    Flush,
    Pause,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..60_usize).prop_map(Step::Write),
        (0..60_usize).prop_map(Step::StdWrite),
        (0..30_usize).prop_map(Step::Nowait),
        Just(Step::Drain),
        Just(Step::Flush),
        Just(Step::Pause),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_room_there_is_all_arrives_in_order_and_the_buffer_is_bounded(
        high_water in 1..40_usize,
        room in prop::collection::vec(0..20_usize, 0..60),
        steps in prop::collection::vec(step(), 0..40),
    ) {
        virtual_run(|| {
            let puppet = Puppet::writing(room);
            let (_reader, writer) = open(puppet.clone());
            writer.set_high_water_mark(high_water);
            let mut bytes = pattern(10_000).into_iter();
            let mut expected = Vec::new();
            for step in steps {
                let mut take = |count: usize| bytes.by_ref().take(count).collect::<Vec<_>>();
                match step {
                    Step::Write(count) => {
                        let bytes = take(count);
                        writer.write(&bytes)?;
                        expected.extend(bytes);
                    }
                    Step::StdWrite(count) => {
                        let bytes = take(count);
                        let written = Write::write(&mut &writer, &bytes)?;
                        assert!(written > 0 || count == 0);
                        expected.extend(&bytes[..written]);
                    }
                    Step::Nowait(count) => {
                        let bytes = take(count);
                        if writer.write_nowait(&bytes).is_ok() {
                            expected.extend(bytes);
                        }
                    }
                    Step::Drain => {
                        writer.drain()?;
                        assert!(writer.write_buffer_size() <= high_water / 4);
                    }
                    Step::Flush => {
                        writer.flush()?;
                        assert_eq!(*puppet.written.borrow(), expected);
                    }
                    Step::Pause => settle()?,
                }
                assert!(writer.write_buffer_size() <= high_water);
                let sent = puppet.written.borrow().len();
                assert_eq!(sent + writer.write_buffer_size(), expected.len());
            }
            writer.close();
            writer.wait_closed()?;
            assert_eq!(*puppet.written.borrow(), expected);
            Ok(())
        }).expect("it does as it should");
    }
}
