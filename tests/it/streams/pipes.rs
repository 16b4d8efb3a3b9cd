//! Streams over pipes and other descriptors that go one way.

use std::io::{self, ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use corio::net::Async;
use corio::streams::WriterClosed;
use corio::{
    Error, Result, StreamReader, StreamWriter, connect_read_pipe, connect_write_pipe, create_task,
    gather, run, timeout,
};
use corio_tests::{TempDir, ms, settle, virtual_run, yield_now};
use proptest::prelude::*;

use crate::net::pattern;

/// More than a pipe and a writer's buffer hold.
const MUCH: usize = 1 << 20;

/// A writer, and the bare other end of its pipe.
fn writer_and_pipe() -> Result<(StreamWriter, Async<PipeReader>)> {
    let (reader, writer) = io::pipe()?;
    Ok((connect_write_pipe(writer)?, Async::new(reader)?))
}

/// A reader, and the bare other end of its pipe.
fn reader_and_pipe() -> Result<(StreamReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    Ok((connect_read_pipe(reader)?, writer))
}

/// Everything up to the end of the pipe, which must be closed for that.
fn rest(mut pipe: &Async<PipeReader>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[track_caller]
fn kind(error: &Error) -> ErrorKind {
    error.downcast_ref::<io::Error>().expect("an io::Error").kind()
}

#[test]
fn a_writer_that_ends_in_whatever_way_sends_all_and_closes_the_pipe() -> Result<()> {
    let ends: [fn(StreamWriter); 3] = [
        |writer| writer.close(),
        |writer| writer.write_eof().expect("a pipe can end"),
        drop::<StreamWriter>,
    ];
    for end in ends {
        virtual_run(|| {
            let (writer, pipe) = writer_and_pipe()?;
            writer.set_high_water_mark(MUCH);
            writer.write(pattern(MUCH))?;
            assert!(writer.write_buffer_size() > 0, "not all of it fits into the pipe");
            end(writer);
            assert!(rest(&pipe)? == pattern(MUCH));
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn the_end_of_writing_is_the_end_of_all() -> Result<()> {
    virtual_run(|| {
        let (writer, pipe) = writer_and_pipe()?;
        writer.write("last words")?;
        writer.write_eof()?;
        assert!(writer.is_closing());
        assert!(writer.write("more").unwrap_err().downcast_ref::<WriterClosed>().is_some());
        writer.wait_closed()?;
        // So it is closed although the writer is still there.
        assert_eq!(rest(&pipe)?, b"last words");
        writer.write_eof()?;
        writer.close();
        Ok(())
    })
}

#[test]
fn aborting_drops_what_is_unsent_and_closes_the_pipe() -> Result<()> {
    virtual_run(|| {
        let (writer, pipe) = writer_and_pipe()?;
        writer.set_high_water_mark(MUCH);
        writer.write(pattern(MUCH))?;
        settle()?; // the task that sends waits for room
        writer.abort();
        writer.wait_closed()?;
        settle()?;
        assert_eq!(corio::all_tasks()?.len(), 1, "nobody sends, although there was never room");
        let sent = rest(&pipe)?;
        assert!(sent.len() < MUCH && sent == pattern(MUCH)[..sent.len()]);
        Ok(())
    })
}

#[test]
fn aborting_ends_a_write_that_waits() -> Result<()> {
    virtual_run(|| {
        let (writer, _pipe) = writer_and_pipe()?;
        let writer = Rc::new(writer);
        let same = Rc::clone(&writer);
        let writing = create_task(move || same.write(pattern(MUCH)));
        settle()?;
        writer.abort();
        assert!(writing.wait().unwrap_err().downcast_ref::<WriterClosed>().is_some());
        Ok(())
    })
}

#[test]
fn a_pipe_that_nobody_reads_holds_up_who_writes() -> Result<()> {
    virtual_run(|| {
        let (writer, pipe) = writer_and_pipe()?;
        assert!(timeout(ms(5), || writer.write(pattern(MUCH))).unwrap_err().is_timeout());
        assert_eq!(writer.write_buffer_size(), 64 * 1024);
        assert!(timeout(ms(5), || writer.drain()).unwrap_err().is_timeout());
        let mut sent = vec![0; MUCH / 2];
        (&pipe).read_exact(&mut sent[..100 * 1024])?;
        writer.drain()
    })
}

#[test]
fn when_nobody_reads_any_more_that_is_an_error_and_no_signal() -> Result<()> {
    virtual_run(|| {
        let (writer, pipe) = writer_and_pipe()?;
        drop(pipe);
        // A process that is just being started by another test may hold it for a moment.
        let error = loop {
            if let Err(error) = writer.write("x") {
                break error;
            }
        };
        assert_eq!(kind(&error), ErrorKind::BrokenPipe);
        assert_eq!(kind(&writer.write("x").unwrap_err()), ErrorKind::BrokenPipe);
        assert_eq!(kind(&writer.flush().unwrap_err()), ErrorKind::BrokenPipe);
        writer.close();
        assert_eq!(kind(&writer.wait_closed().unwrap_err()), ErrorKind::BrokenPipe);
        Ok(())
    })
}

#[test]
fn who_waits_for_room_hears_that_nobody_reads_any_more() -> Result<()> {
    virtual_run(|| {
        let (writer, pipe) = writer_and_pipe()?;
        let writer = Rc::new(writer);
        let task = |wait: fn(&StreamWriter) -> Result<()>| {
            let writer = Rc::clone(&writer);
            create_task(move || wait(&writer))
        };
        let waiting = [task(|writer| writer.write(pattern(MUCH))), task(|writer| writer.drain())];
        settle()?;
        assert!(waiting.iter().all(|task| !task.done()));
        drop(pipe);
        for task in waiting {
            assert_eq!(kind(&task.wait().unwrap_err()), ErrorKind::BrokenPipe);
        }
        assert_eq!(writer.write_buffer_size(), 0);
        Ok(())
    })
}

#[test]
fn a_dropped_reader_breaks_the_pipe() -> Result<()> {
    virtual_run(|| {
        let (mut reader, mut pipe) = reader_and_pipe()?;
        pipe.write_all(b"read\nunread\n")?;
        assert_eq!(reader.read_line()?, b"read\n");
        drop(reader);
        // As above.
        let error = loop {
            if let Err(error) = pipe.write(b"x") {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        Ok(())
    })
}

#[test]
fn a_cancelled_read_loses_nothing() -> Result<()> {
    virtual_run(|| {
        let (mut reader, mut pipe) = reader_and_pipe()?;
        pipe.write_all(b"one\ntw")?;
        assert_eq!(reader.read_line()?, b"one\n");
        assert!(timeout(ms(5), || reader.read_line()).unwrap_err().is_timeout());
        pipe.write_all(b"o\nthree")?;
        drop(pipe);
        let lines: Result<Vec<_>> = reader.lines().collect();
        assert_eq!(lines?, ["two", "three"]);
        assert!(reader.at_eof());
        Ok(())
    })
}

#[test]
fn a_reader_that_waits_sees_what_comes_and_the_end() -> Result<()> {
    virtual_run(|| {
        let (mut reader, mut pipe) = reader_and_pipe()?;
        let reading = create_task(move || Ok((reader.read_line()?, reader.read_line()?)));
        settle()?;
        pipe.write_all(b"line\n")?;
        settle()?;
        drop(pipe);
        assert_eq!(reading.wait()?, (b"line\n".to_vec(), vec![]));
        Ok(())
    })
}

#[test]
fn any_descriptor_that_can_be_waited_for_will_do() -> Result<()> {
    run(|| {
        let (socket, peer) = std::os::unix::net::UnixStream::pair()?;
        connect_write_pipe(OwnedFd::from(socket))?.write("by a socket\n")?;
        assert_eq!(connect_read_pipe(peer)?.read_line()?, b"by a socket\n");
        Ok(())
    })
}

#[test]
#[cfg(target_os = "linux")]
fn a_fifo_is_a_pipe() -> Result<()> {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    let folder = TempDir::new();
    let path = folder.path().join("fifo");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).map_err(io::Error::from)?;
    run(|| {
        // Either waits for the other.
        let (reader, writer) = gather((
            || {
                corio::to_thread({
                    let path = path.clone();
                    move || Ok(std::fs::File::open(path)?)
                })
            },
            || {
                corio::to_thread({
                    let path = path.clone();
                    move || Ok(std::fs::File::create(path)?)
                })
            },
        ))?;
        let (mut reader, writer) = (connect_read_pipe(reader)?, connect_write_pipe(writer)?);
        writer.write("by a name\n")?;
        writer.close();
        assert_eq!(reader.read_line()?, b"by a name\n");
        assert_eq!(reader.read_line()?, b"");
        Ok(())
    })
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_is_read_and_written() -> Result<()> {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    run(|| {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).map_err(io::Error::from)?;
        grantpt(&screen).map_err(io::Error::from)?;
        unlockpt(&screen).map_err(io::Error::from)?;
        let name = ptsname(&screen, Vec::new()).map_err(io::Error::from)?;
        let terminal = std::fs::File::options().write(true).open(name.to_str()?)?;
        let (mut reader, writer) = (connect_read_pipe(screen)?, connect_write_pipe(terminal)?);
        writer.write("hello\n")?;
        assert_eq!(reader.read_line()?, b"hello\r\n", "as terminals have it");
        Ok(())
    })
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_waited_for_is_refused() -> Result<()> {
    run(|| {
        for path in ["/proc/self/exe", "/dev/null"] {
            let error = connect_read_pipe(std::fs::File::open(path)?).unwrap_err();
            assert_eq!(kind(&error), ErrorKind::Unsupported, "{path}: {error}");
        }
        Ok(())
    })
}

#[test]
fn the_wrong_end_of_a_pipe_is_an_error() -> Result<()> {
    run(|| {
        let (reader, writer) = io::pipe()?;
        assert!(connect_read_pipe(writer)?.read_line().is_err());
        assert!(connect_write_pipe(reader)?.write("x").is_err());
        Ok(())
    })
}

#[test]
fn off_the_loop_there_are_none() -> Result<()> {
    let (reader, writer) = io::pipe()?;
    let error = connect_read_pipe(reader).unwrap_err();
    assert!(error.to_string().starts_with("no running event loop"), "{error}");
    let error = connect_write_pipe(writer).unwrap_err();
    assert!(error.to_string().starts_with("no running event loop"), "{error}");
    Ok(())
}

#[test]
fn a_pipe_has_no_addresses() -> Result<()> {
    run(|| {
        let (writer, _pipe) = writer_and_pipe()?;
        assert_eq!(writer.peer_addr().unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(writer.local_addr().unwrap_err().kind(), ErrorKind::Unsupported);
        Ok(())
    })
}

#[test]
fn a_writer_outlives_its_loop_harmlessly() -> Result<()> {
    let (reader, writer) = io::pipe()?;
    let streams = run(|| {
        let writer = connect_write_pipe(writer)?;
        writer.write("said in time")?;
        Ok(writer)
    })?;
    drop(streams);
    assert_eq!(io::read_to_string(reader)?, "said in time");
    Ok(())
}

#[derive(Clone, Debug)]
enum Put {
    Write(usize),
    /// std's, which is given up if there is no room.
    Impatient(usize),
    Nowait(usize),
    Drain,
    Pause,
}

#[derive(Clone, Debug)]
enum Take {
    Some(usize),
    /// Given up if they are not there.
    Exactly(usize),
    Line,
    Pause,
}

fn put() -> impl Strategy<Value = Put> {
    prop_oneof![
        (0..100_000_usize).prop_map(Put::Write),
        (0..100_000_usize).prop_map(Put::Impatient),
        (0..50_000_usize).prop_map(Put::Nowait),
        Just(Put::Drain),
        Just(Put::Pause),
    ]
}

fn take() -> impl Strategy<Value = Take> {
    prop_oneof![
        (1..100_000_usize).prop_map(Take::Some),
        (0..100_000_usize).prop_map(Take::Exactly),
        Just(Take::Line),
        Just(Take::Pause),
    ]
}

/// Writes as it is told, and then ends. Says what was taken.
fn write(writer: StreamWriter, puts: &[Put], abandon: bool) -> Result<Vec<u8>> {
    let mut bytes = pattern(1_000_000).into_iter();
    let mut taken = Vec::new();
    for put in puts {
        let mut next = |count: usize| bytes.by_ref().take(count).collect::<Vec<_>>();
        match *put {
            Put::Write(count) => {
                let bytes = next(count);
                writer.write(&bytes)?;
                taken.extend(bytes);
            }
            Put::Impatient(count) => {
                let bytes = next(count);
                match timeout(ms(1), || Ok(Write::write(&mut &writer, &bytes)?)) {
                    Ok(count) => taken.extend(&bytes[..count]),
                    Err(error) => assert!(error.is_timeout(), "{error}"),
                }
            }
            Put::Nowait(count) => {
                let bytes = next(count);
                if writer.write_nowait(&bytes).is_ok() {
                    taken.extend(bytes);
                }
            }
            Put::Drain => writer.drain()?,
            Put::Pause => corio::sleep(ms(3))?,
        }
    }
    if !abandon {
        writer.close();
        writer.wait_closed()?;
    }
    Ok(taken)
}

/// Reads as it is told, over and over, until the end.
fn read(mut reader: StreamReader, takes: &[Take]) -> Result<Vec<u8>> {
    let mut got = Vec::new();
    for take in takes.iter().cycle() {
        let piece = match *take {
            Take::Some(max) => reader.read_some(max)?,
            Take::Exactly(count) => match timeout(ms(1), || reader.read_exactly(count)) {
                Ok(bytes) => bytes,
                Err(error) if error.is_timeout() => continue,
                Err(error) => {
                    let incomplete = error.downcast_ref::<corio::IncompleteRead>();
                    incomplete.expect("nothing else goes wrong").partial.clone()
                }
            },
            Take::Line => reader.read_line()?,
            Take::Pause => {
                corio::sleep(ms(2))?;
                continue;
            }
        };
        got.extend(piece);
        if reader.at_eof() {
            break;
        }
    }
    Ok(got)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out_however_it_is_written_and_read(
        high_water in 1..300_000_usize,
        puts in prop::collection::vec(put(), 0..=10),
        takes in prop::collection::vec(take(), 0..6),
        abandon in any::<bool>(),
    ) {
        virtual_run(|| {
            let (reader, writer) = io::pipe()?;
            let (mut reader, writer) = (connect_read_pipe(reader)?, connect_write_pipe(writer)?);
            reader.set_limit(usize::MAX);
            writer.set_high_water_mark(high_water);
            // One that reads whatever happens, so that there is an end.
            let takes: Vec<_> = takes.into_iter().chain([Take::Some(70_000)]).collect();
            let (taken, got) = gather((|| write(writer, &puts, abandon), || read(reader, &takes)))?;
            assert!(taken == got, "{} bytes were taken, {} came out", taken.len(), got.len());
            yield_now()
        }).expect("it does as it should");
    }
}
