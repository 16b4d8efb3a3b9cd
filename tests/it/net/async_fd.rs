//! Any file descriptor on the loop.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use corio::net::Async;
use corio::{Result, create_task, gather, run, sleep, timeout};
use corio_tests::{Log, ms, settle, virtual_run, yield_now};

use super::{connection, pattern};

type Pipe = (Async<io::PipeReader>, Async<io::PipeWriter>);

fn pipe() -> Result<Pipe> {
    let (reader, writer) = io::pipe()?;
    Ok((Async::new(reader)?, Async::new(writer)?))
}

#[test]
fn a_pipe_is_read_and_written_like_a_socket() -> Result<()> {
    run(|| {
        let (mut reader, mut writer) = pipe()?;
        let bytes = pattern(1024 * 1024);
        let mut all = Vec::new();
        let (written, read) = (&bytes, &mut all);
        gather((
            move || Ok(writer.write_all(written)?),
            move || Ok(reader.read_to_end(read).map(drop)?),
        ))?;
        assert!(all == bytes);
        Ok(())
    })
}

#[test]
#[cfg(target_os = "linux")]
fn regular_files_are_refused_with_an_explanation() -> Result<()> {
    run(|| {
        let file = std::fs::File::open("/proc/self/exe")?;
        let error = Async::new(file.try_clone()?).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("regular file"), "{error}");
        let flags = rustix::fs::fcntl_getfl(&file).map_err(io::Error::from)?;
        assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK), "it is left as it was");
        Ok(())
    })
}

#[test]
#[cfg(unix)]
fn a_descriptor_belongs_to_one_thing_of_the_loop() -> Result<()> {
    run(|| {
        let (near, _far) = connection()?;
        let error = Async::new(near).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        Ok(())
    })
}

#[test]
fn off_the_loop_nothing_is_registered() {
    let (reader, _writer) = io::pipe().expect("a pipe");
    let error = Async::new(reader).map(drop).unwrap_err();
    assert!(error.to_string().starts_with("no running event loop"), "{error}");
}

#[test]
fn it_is_readable_as_long_as_there_is_something_to_read() -> Result<()> {
    virtual_run(|| {
        let (reader, writer) = pipe()?;
        let until = |what: fn(&Async<io::PipeReader>) -> io::Result<()>| {
            timeout(ms(5), || Ok(what(&reader)?))
        };
        assert!(until(Async::readable).unwrap_err().is_timeout());
        writer.get_ref().write_all(b"ab")?;
        until(Async::readable)?;
        until(Async::readable)?;
        // Read behind its back.
        reader.get_ref().read_exact(&mut [0])?;
        until(Async::readable)?;
        reader.get_ref().read_exact(&mut [0])?;
        assert!(until(Async::readable).unwrap_err().is_timeout());
        writer.writable()?;
        drop(writer);
        until(Async::readable)?;
        Ok(())
    })
}

#[test]
fn a_full_pipe_is_not_writable_until_somebody_reads() -> Result<()> {
    virtual_run(|| {
        let (mut reader, mut writer) = pipe()?;
        while writer.get_ref().write(&[0; 4096]).is_ok() {}
        assert!(timeout(ms(5), || Ok(writer.writable()?)).unwrap_err().is_timeout());
        let waiting = create_task(move || {
            writer.writable()?;
            Ok(writer.write(b"x")?)
        });
        settle()?;
        reader.read_exact(&mut [0; 8192])?;
        assert_eq!(waiting.wait()?, 1);
        Ok(())
    })
}

#[test]
fn an_operation_may_itself_wait() -> Result<()> {
    virtual_run(|| {
        let (reader, mut writer) = pipe()?;
        let mut tries = 0;
        let reading = || {
            let byte = reader.read_with(|mut pipe| {
                tries += 1;
                let mut byte = [0];
                let read = pipe.read(&mut byte);
                sleep(ms(10))?; // meanwhile the byte comes, and the loop is told of it
                read.map(|_| byte[0])
            })?;
            Ok(byte)
        };
        let writing = || {
            sleep(ms(5))?;
            Ok(writer.write_all(b"x")?)
        };
        let (byte, ()) = timeout(ms(1000), || gather((reading, writing)))?;
        assert_eq!((byte, tries), (b'x', 2));
        Ok(())
    })
}

#[test]
fn a_cancelled_operation_leaves_the_descriptor_usable() -> Result<()> {
    virtual_run(|| {
        let (mut reader, mut writer) = pipe()?;
        assert!(timeout(ms(1), || Ok(reader.read(&mut [0])?)).unwrap_err().is_timeout());
        writer.write_all(b"x")?;
        assert_eq!(reader.read(&mut [0; 8])?, 1);
        let reader = reader.into_inner(); // and back
        let mut reader = Async::new(reader)?;
        drop(writer);
        assert_eq!(reader.read(&mut [0; 8])?, 0);
        Ok(())
    })
}

#[test]
fn a_reader_is_called_as_long_as_there_is_something_to_read() -> Result<()> {
    virtual_run(|| {
        let (reader, mut writer) = pipe()?;
        let (reader, read) = (Rc::new(reader), Rc::new(RefCell::new(Vec::new())));
        let (pipe, bytes) = (Rc::clone(&reader), Rc::clone(&read));
        reader.add_reader(move || {
            let mut byte = [0];
            let count = pipe.get_ref().read(&mut byte).expect("it is readable");
            bytes.borrow_mut().push((count, byte[0]));
            if count == 0 {
                assert!(pipe.remove_reader(), "it has seen the end");
            }
        })?;
        settle()?;
        assert_eq!(*read.borrow(), []);
        writer.write_all(b"abc")?;
        settle()?;
        assert_eq!(read.take(), [(1, b'a'), (1, b'b'), (1, b'c')]);
        writer.write_all(b"d")?;
        drop(writer);
        settle()?;
        assert_eq!(read.take(), [(1, b'd'), (0, 0)]);
        settle()?;
        assert!(!reader.remove_reader());
        assert_eq!(Rc::strong_count(&reader), 1, "the reader has let go of it");
        Ok(())
    })
}

#[test]
fn another_reader_takes_the_place_of_the_first_and_leaves_the_writer() -> Result<()> {
    virtual_run(|| {
        let (near, mut far) = std::os::unix::net::UnixStream::pair()?;
        let socket = Rc::new(Async::new(near)?);
        let log = Log::new();
        let note = |text: &'static str| {
            let (log, socket) = (log.clone(), Rc::downgrade(&socket));
            move || {
                log.note(text);
                let socket = socket.upgrade().expect("it is registered");
                if text == "writer" {
                    socket.remove_writer()
                } else {
                    socket.remove_reader()
                };
            }
        };
        socket.add_reader(note("first"))?;
        socket.add_writer(note("writer"))?;
        socket.add_reader(note("second"))?;
        far.write_all(b"x")?;
        settle()?;
        let mut events = log.take();
        events.sort();
        assert_eq!(events, ["second", "writer"]);
        assert!(!socket.remove_reader() && !socket.remove_writer());
        Ok(())
    })
}

#[test]
fn a_reader_that_is_removed_is_not_called_even_if_it_was_due() -> Result<()> {
    virtual_run(|| {
        let (reader, mut writer) = pipe()?;
        let reader = Rc::new(reader);
        let calls = Rc::new(Cell::new(0));
        let count = Rc::clone(&calls);
        reader.add_reader(move || count.set(count.get() + 1))?;
        settle()?;
        writer.write_all(b"x")?;
        yield_now()?; // the loop has seen it by now
        let before = calls.get();
        assert!(reader.remove_reader());
        settle()?;
        assert_eq!(calls.get(), before);
        Ok(())
    })
}

#[test]
fn a_reader_that_panics_is_reported_and_gone() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        log.note_reports();
        let (reader, mut writer) = pipe()?;
        let reader = Rc::new(reader);
        reader.add_reader(|| panic!("ouch"))?;
        writer.write_all(b"x")?;
        settle()?;
        let reports = log.take();
        assert_eq!(reports.len(), 1);
        assert!(
            reports[0].contains("reader") && reports[0].ends_with("panicked: ouch"),
            "{reports:?}"
        );
        assert!(!reader.remove_reader());
        Ok(())
    })
}

#[test]
fn readers_end_with_the_loop() -> Result<()> {
    let (reader, _writer) = virtual_run(|| {
        let (reader, writer) = pipe()?;
        let reader = Rc::new(reader);
        reader.add_reader(|| unreachable!("nothing is written"))?;
        sleep(ms(1))?;
        Ok((reader, writer))
    })?;
    assert!(!reader.remove_reader());
    assert_eq!(Rc::strong_count(&reader), 1);
    let error = reader.add_reader(|| ()).unwrap_err();
    assert!(error.to_string().starts_with("no running event loop"), "{error}");
    Ok(())
}
