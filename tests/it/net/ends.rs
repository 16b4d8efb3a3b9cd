//! How connections end.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use corio::{Result, Runner, create_task, run};
use corio_tests::{OnDrop, yield_now};

use super::{connection, pattern};

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
fn a_connection_closed_without_lingering_is_reset() -> Result<()> {
    run(|| {
        let (mut near, far) = connection()?;
        far.set_linger(Some(Duration::ZERO))?;
        drop(far);
        let error = near.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert_eq!(near.read(&mut [0; 8])?, 0, "it is said once");
        Ok(())
    })
}

/// What a library does that is loaded by a program in C: nobody has ignored the signal.
#[test]
#[cfg(unix)]
fn writing_to_who_is_gone_is_an_error_and_no_signal() {
    let test = "net::ends::writing_to_who_is_gone_is_an_error_and_no_signal";
    let output = corio_tests::in_a_process(test, || {
        // SAFETY: the default action is no handler that could do harm.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let written = run(|| {
            for vectored in [false, true] {
                let (mut near, far) = corio::net::UnixStream::pair()?;
                drop(far);
                let error = match vectored {
                    false => near.write(b"x"),
                    true => near.write_vectored(&[io::IoSlice::new(b"x")]),
                };
                assert_eq!(error.unwrap_err().kind(), ErrorKind::BrokenPipe);
                let (mut near, far) = connection()?;
                drop(far);
                let error = loop {
                    let written = match vectored {
                        false => near.write(b"x"),
                        true => near.write_vectored(&[io::IoSlice::new(b"x")]),
                    };
                    match written {
                        Ok(_) => yield_now()?,
                        Err(error) => break error,
                    }
                };
                assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset));
            }
            Ok(())
        });
        written.expect("it ends");
    });
    if let Some(output) = output {
        assert!(output.status.success(), "{output:?}");
    }
}
