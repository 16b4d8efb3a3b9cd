//! How streams end.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;

use corio::streams::{WriterClosed, open};
use corio::{Result, create_task, run, sleep, timeout};
use corio_tests::{Log, ms, settle, virtual_run, yield_now};

use super::{Puppet, stream_and_socket};
use crate::net::{LARGE, pattern};

#[test]
fn closing_sends_what_is_left_first() -> Result<()> {
    virtual_run(|| {
        let puppet = Puppet::writing([2, 0, 2, 0, 2]);
        let (_reader, writer) = open(puppet.clone());
        writer.write("abcdefgh")?;
        writer.close();
        assert!(writer.is_closing());
        assert_eq!(*puppet.shut_down.borrow(), []);
        let error = writer.write("more").unwrap_err();
        assert!(error.downcast_ref::<WriterClosed>().is_some(), "{error}");
        writer.wait_closed()?;
        assert_eq!(*puppet.written.borrow(), b"abcdefgh");
        assert_eq!(*puppet.shut_down.borrow(), [Shutdown::Both]);
        writer.close();
        writer.wait_closed()?; // as often as you like
        Ok(())
    })
}

#[test]
fn closing_sends_all_although_there_is_something_to_read() -> Result<()> {
    run(|| {
        let (reader, writer, mut far) = stream_and_socket()?;
        far.write_all(b"unread")?;
        let bytes = pattern(60_000);
        writer.write(&bytes)?;
        writer.close();
        let closed = create_task(move || writer.wait_closed());
        let mut received = vec![0; bytes.len()];
        far.read_exact(&mut received)?;
        assert!(received == bytes);
        drop(reader);
        closed.wait()
    })
}

#[test]
fn who_reads_sees_the_end_when_the_connection_is_closed() -> Result<()> {
    virtual_run(|| {
        for abort in [false, true] {
            let (mut reader, writer, _far) = stream_and_socket()?;
            let reading = create_task(move || {
                let line = reader.read_line()?;
                assert!(reader.at_eof());
                assert_eq!(reader.read_line()?, b"");
                Ok(line)
            });
            settle()?;
            if abort {
                writer.abort()
            } else {
                writer.close()
            }
            assert_eq!(reading.wait()?, b"");
        }
        Ok(())
    })
}

#[test]
fn the_socket_is_gone_when_the_connection_is_closed() -> Result<()> {
    run(|| {
        let (_reader, writer, mut far) = stream_and_socket()?;
        writer.close();
        writer.wait_closed()?;
        assert!(writer.transport::<corio::net::TcpStream>().is_none());
        assert_eq!(far.read(&mut [0; 8])?, 0);
        // If it were only shut down, this would not be refused.
        while far.write(b"x").is_ok() {
            yield_now()?;
        }
        Ok(())
    })
}

#[test]
fn aborting_drops_what_is_left() -> Result<()> {
    virtual_run(|| {
        let (_reader, writer, mut far) = stream_and_socket()?;
        let writer = Rc::new(writer);
        let in_task = Rc::clone(&writer);
        let writing = create_task(move || in_task.write(pattern(LARGE)));
        let in_task = Rc::clone(&writer);
        let flushing = create_task(move || in_task.flush());
        settle()?;
        assert!(!writing.done());
        writer.abort();
        writer.wait_closed()?;
        assert!(writing.wait().is_err());
        assert!(flushing.wait().is_err(), "it was not flushed");
        assert_eq!(writer.write_buffer_size(), 0);
        let mut all = Vec::new();
        far.read_to_end(&mut all)?;
        assert!(all.len() < LARGE);
        Ok(())
    })
}

#[test]
fn a_half_closed_connection_still_reads() -> Result<()> {
    run(|| {
        let (mut reader, writer, mut far) = stream_and_socket()?;
        writer.write("question")?;
        writer.write_eof()?;
        writer.write_eof()?;
        assert!(!writer.is_closing());
        let error = writer.write("more").unwrap_err();
        assert!(error.downcast_ref::<WriterClosed>().is_some(), "{error}");
        let mut text = String::new();
        far.read_to_string(&mut text)?;
        assert_eq!(text, "question");
        far.write_all(b"answer\n")?;
        assert_eq!(reader.read_line()?, b"answer\n");
        Ok(())
    })
}

#[test]
fn the_end_is_told_after_all_was_sent() -> Result<()> {
    virtual_run(|| {
        let puppet = Puppet::writing([2, 0, 2, 0]);
        let (_reader, writer) = open(puppet.clone());
        writer.write("abcdefgh")?;
        writer.write_eof()?;
        assert_eq!(*puppet.shut_down.borrow(), []);
        writer.flush()?;
        settle()?;
        assert_eq!(*puppet.shut_down.borrow(), [Shutdown::Write]);
        assert_eq!(*puppet.written.borrow(), b"abcdefgh");
        writer.close();
        assert_eq!(*puppet.shut_down.borrow(), [Shutdown::Write, Shutdown::Both]);
        Ok(())
    })
}

#[test]
fn a_dropped_writer_ends_its_half_and_a_dropped_pair_the_connection() -> Result<()> {
    run(|| {
        let (mut reader, writer, mut far) = stream_and_socket()?;
        let bytes = pattern(60_000);
        writer.write(&bytes)?;
        drop(writer);
        let mut received = Vec::new();
        far.read_to_end(&mut received)?;
        assert!(received == bytes);
        far.write_all(b"answer\n")?;
        assert_eq!(reader.read_line()?, b"answer\n");
        drop(reader);
        while far.write(b"x").is_ok() {
            yield_now()?;
        }
        Ok(())
    })
}

#[test]
fn a_dropped_reader_leaves_the_writer_alone() -> Result<()> {
    run(|| {
        let (reader, writer, mut far) = stream_and_socket()?;
        drop(reader);
        writer.write("hello")?;
        drop(writer);
        let mut text = String::new();
        far.read_to_string(&mut text)?;
        assert_eq!(text, "hello");
        Ok(())
    })
}

#[test]
fn waiting_for_the_end_can_be_given_up() -> Result<()> {
    virtual_run(|| {
        let puppet = Puppet::default();
        puppet.stuck.set(true);
        let (_reader, writer) = open(puppet.clone());
        writer.write("x")?;
        writer.close();
        assert!(timeout(ms(5), || writer.wait_closed()).unwrap_err().is_timeout());
        puppet.stuck.set(false);
        writer.wait_closed()
    })
}

#[test]
fn what_is_not_sent_when_the_loop_ends_is_an_error_and_no_cancellation_of_others() -> Result<()> {
    let puppet = Puppet::default();
    puppet.stuck.set(true);
    let log = Log::new();
    let (_reader, writer) = virtual_run(|| {
        let (reader, writer) = open(puppet.clone());
        writer.write("never")?;
        sleep(ms(5))?;
        // As if the loop ended: the task that sends is cancelled, and no other.
        for task in corio::all_tasks()? {
            if task.name().contains("sender") {
                task.cancel();
            }
        }
        let error = writer.flush().unwrap_err();
        assert!(!error.is_cancelled());
        log.note(error.downcast_ref::<std::io::Error>().expect("an io::Error").kind().to_string());
        Ok((reader, writer))
    })?;
    assert_eq!(log.take(), [ErrorKind::ConnectionAborted.to_string()]);
    assert!(writer.write("x").is_err());
    Ok(())
}

#[test]
fn a_stream_outlives_its_loop_harmlessly() -> Result<()> {
    let (mut reader, writer, mut far) = run(stream_and_socket)?;
    far.write_all(b"hello\n")?;
    assert_eq!(reader.read_line()?, b"hello\n");
    let error = reader.read_line().unwrap_err();
    assert!(error.to_string().starts_with("no running event loop"), "{error}");
    writer.write("small")?; // the system takes it
    let error = writer.write(pattern(LARGE)).unwrap_err();
    assert!(error.to_string().starts_with("no running event loop"), "{error}");
    drop((reader, writer));
    let mut start = [0; 5];
    far.read_exact(&mut start)?;
    assert_eq!(&start, b"small");
    Ok(())
}
