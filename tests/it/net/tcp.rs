//! TCP, over the loopback interface.

use std::io::{self, BufRead, BufReader, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::time::Duration;

use corio::net::{TcpListener, TcpStream};
use corio::{Result, create_task, run, timeout};
use corio_tests::{ms, virtual_run, yield_now};

use super::{LARGE, connection, pattern};

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
        assert_eq!(timeout(ms(1), || Ok(near.peek(&mut [])?))?, 0);
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
fn connecting_goes_through_all_addresses() -> Result<()> {
    run(|| {
        let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // and it is closed again
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let open = listener.local_addr()?;
        let stream = TcpStream::connect(&[closed, open][..])?;
        assert_eq!(stream.peer_addr()?, open);

        let error = TcpStream::connect(&[closed, closed][..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let failure = format!("cannot connect to {closed}: Connection refused (os error 111)");
        assert_eq!(error.to_string(), format!("{failure}; {failure}"));
        Ok(())
    })
}

#[test]
fn a_name_that_cannot_be_resolved_is_named() -> Result<()> {
    run(|| {
        let error = TcpStream::connect("no port").unwrap_err();
        assert!(error.to_string().starts_with("cannot resolve \"no port\": "), "{error}");
        Ok(())
    })
}

#[test]
fn connecting_takes_no_longer_than_it_may() -> Result<()> {
    virtual_run(|| {
        // A listener with a full queue does not answer.
        let listener = TcpListener::options().backlog(0).bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let mut streams = Vec::new();
        let error = loop {
            match TcpStream::connect_timeout(address, ms(3000)) {
                Ok(stream) => streams.push(stream),
                Err(error) => break error,
            }
            assert!(streams.len() < 100, "the queue is shorter");
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let message = format!("cannot connect to {address}: no answer within 3s");
        assert_eq!(error.to_string(), message);
        Ok(())
    })
}

#[test]
fn options_are_what_they_were_set_to() -> Result<()> {
    run(|| {
        let (stream, _far) = connection()?;
        stream.set_nodelay(true)?;
        assert!(stream.nodelay()?);
        assert!(!stream.keepalive()?);
        stream.set_keepalive(Some(Duration::from_secs(90)))?;
        assert!(stream.keepalive()?);
        #[cfg(target_os = "linux")]
        {
            let idle = rustix::net::sockopt::tcp_keepidle(&stream);
            assert_eq!(idle.map_err(io::Error::from)?, Duration::from_secs(90));
        }
        stream.set_keepalive(None)?;
        assert!(!stream.keepalive()?);
        assert_eq!(stream.linger()?, None);
        stream.set_linger(Some(Duration::ZERO))?;
        assert_eq!(stream.linger()?, Some(Duration::ZERO));
        Ok(())
    })
}

/// Zero, which a fraction of a second would be cut down to, drops what is unsent.
#[test]
fn a_fraction_of_a_second_is_not_taken_for_none() -> Result<()> {
    run(|| {
        let (stream, _far) = connection()?;
        stream.set_linger(Some(ms(1)))?;
        assert_eq!(stream.linger()?, Some(Duration::from_secs(1)));
        stream.set_linger(Some(ms(1500)))?;
        assert_eq!(stream.linger()?, Some(Duration::from_secs(2)));
        stream.set_linger(Some(Duration::MAX))?;
        assert!(stream.linger()? > Some(Duration::from_secs(60)));
        stream.set_linger(None)?; // else dropping it would take its time
        stream.set_keepalive(Some(ms(1)))?;
        assert!(stream.keepalive()?);
        #[cfg(target_os = "linux")]
        {
            let idle = rustix::net::sockopt::tcp_keepidle(&stream);
            assert_eq!(idle.map_err(io::Error::from)?, Duration::from_secs(1));
        }
        Ok(())
    })
}

#[test]
fn several_buffers_are_read_and_written_at_once() -> Result<()> {
    run(|| {
        let (mut near, mut far) = connection()?;
        let bytes: [&[u8]; 3] = [b"ab", b"", b"cde"];
        assert_eq!(near.write_vectored(&bytes.map(IoSlice::new))?, 5);
        let (mut one, mut two) = ([0; 3], [0; 9]);
        let buffers = &mut [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
        assert_eq!(far.read_vectored(buffers)?, 5);
        assert_eq!((&one, &two[..2]), (b"abc", &b"de"[..]));
        assert_eq!(near.write_vectored(&[])?, 0);
        assert_eq!(far.read_vectored(&mut [])?, 0);
        // Nothing is left, so this waits.
        let reader = create_task(move || {
            let mut bytes = [0; 4];
            let count = far.read_vectored(&mut [IoSliceMut::new(&mut bytes)])?;
            Ok(bytes[..count].to_vec())
        });
        yield_now()?;
        near.write_all(b"fg")?;
        assert_eq!(reader.wait()?, b"fg");
        Ok(())
    })
}

/// A read ends before an urgent byte, whatever follows it.
#[test]
#[cfg(target_os = "linux")]
fn urgent_data_hides_nothing_behind_it() -> Result<()> {
    virtual_run(|| {
        for waits in [false, true] {
            let (mut near, mut far) = connection()?;
            if waits {
                assert!(timeout(ms(1), || Ok(near.read(&mut [0])?)).is_err());
            }
            far.write_all(b"before")?;
            socket2::SockRef::from(&far).send_out_of_band(b"!")?;
            far.write_all(b"after")?;
            let mut all = [0; 11];
            timeout(ms(100), || Ok(near.read_exact(&mut all)?))?;
            assert_eq!(&all, b"beforeafter");
        }
        Ok(())
    })
}
