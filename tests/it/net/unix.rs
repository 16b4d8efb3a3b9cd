//! Unix sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;

use corio::net::{UnixDatagram, UnixListener, UnixStream};
use corio::{Result, create_task, gather, run, timeout};
use corio_tests::{TempDir, ms, settle, virtual_run};

use super::{LARGE, pattern};

#[test]
fn a_connection_by_path_carries_bytes_both_ways() -> Result<()> {
    run(|| {
        let folder = TempDir::new();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path)?;
        let server = create_task(move || {
            let (mut stream, _) = listener.accept()?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(stream.write_all(text.to_uppercase().as_bytes())?)
        });
        let mut stream = UnixStream::connect(&path)?;
        assert_eq!(stream.peer_addr()?.as_pathname(), Some(&*path));
        stream.write_all(b"question")?;
        stream.shutdown(Shutdown::Write)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        assert_eq!(text, "QUESTION");
        server.wait()
    })
}

#[test]
fn a_pair_carries_more_than_its_buffers_hold() -> Result<()> {
    run(|| {
        let (mut near, mut far) = UnixStream::pair()?;
        let bytes = pattern(LARGE / 4);
        let write = || {
            near.write_all(&bytes)?;
            Ok(near.shutdown(Shutdown::Write)?)
        };
        let mut all = Vec::new();
        gather((write, || Ok(far.read_to_end(&mut all).map(drop)?)))?;
        assert!(all == bytes);
        Ok(())
    })
}

#[test]
fn a_cancelled_read_loses_nothing() -> Result<()> {
    virtual_run(|| {
        let (mut near, mut far) = UnixStream::pair()?;
        for byte in 0..10 {
            assert!(timeout(ms(1), || Ok(near.read(&mut [0])?)).unwrap_err().is_timeout());
            far.write_all(&[byte])?;
            let mut read = [0];
            near.read_exact(&mut read)?;
            assert_eq!(read, [byte]);
        }
        Ok(())
    })
}

/// A read ends behind a message that carries descriptors, whatever follows it.
#[test]
#[cfg(target_os = "linux")]
fn a_peer_that_passes_descriptors_hides_nothing_behind_them() -> Result<()> {
    use std::mem::MaybeUninit;
    use std::os::fd::AsFd;

    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

    virtual_run(|| {
        let (mut near, far) = UnixStream::pair()?;
        assert!(timeout(ms(1), || Ok(near.read(&mut [0])?)).is_err());
        let descriptors = [far.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut passed = SendAncillaryBuffer::new(&mut space);
        assert!(passed.push(SendAncillaryMessage::ScmRights(&descriptors)));
        let text = [std::io::IoSlice::new(b"take this")];
        sendmsg(&far, &text, &mut passed, SendFlags::empty()).map_err(std::io::Error::from)?;
        (&far).write_all(b", and that")?;
        let mut all = [0; 19];
        timeout(ms(100), || Ok(near.read_exact(&mut all)?))?;
        assert_eq!(&all, b"take this, and that");
        Ok(())
    })
}

#[test]
fn errors_name_the_path() -> Result<()> {
    run(|| {
        let folder = TempDir::new();
        let path = folder.path().join("socket");
        let error = UnixStream::connect(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().starts_with(&format!("cannot connect to {path:?}: ")), "{error}");
        drop(UnixListener::bind(&path)?);
        let error = UnixListener::bind(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("cannot listen at {path:?}: ")), "{error}");
        let error = UnixStream::connect(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        Ok(())
    })
}

/// The system would take `a\0b` for `a`.
#[test]
fn paths_that_are_none_are_refused() -> Result<()> {
    run(|| {
        let folder = TempDir::new();
        let _listener = UnixListener::bind(folder.path().join("a"))?;
        let _datagrams = UnixDatagram::bind(folder.path().join("d"))?;
        for name in ["a\0b", "d\0b", "\0a", &"long".repeat(50)] {
            let path = if name.starts_with('\0') { name.into() } else { folder.path().join(name) };
            let errors = [
                UnixStream::connect(&path).err(),
                UnixListener::bind(&path).err(),
                UnixDatagram::bind(&path).err(),
                UnixDatagram::unbound()?.connect(&path).err(),
                UnixDatagram::unbound()?.send_to(b"x", &path).err(),
            ];
            for error in errors {
                assert_eq!(error.expect(name).kind(), ErrorKind::InvalidInput);
            }
        }
        Ok(())
    })
}

#[test]
fn a_path_need_not_be_text() -> Result<()> {
    use std::os::unix::ffi::OsStrExt;

    run(|| {
        let folder = TempDir::new();
        let path = folder.path().join(std::ffi::OsStr::from_bytes(b"\xff"));
        let listener = UnixListener::bind(&path)?;
        let stream = UnixStream::connect(&path)?;
        assert_eq!(stream.peer_addr()?.as_pathname(), Some(&*path));
        assert!(listener.accept()?.1.is_unnamed());
        Ok(())
    })
}

#[test]
#[cfg(target_os = "linux")]
fn names_that_are_no_paths_are_addresses_too() -> Result<()> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    let address = |name: &str| {
        SocketAddr::from_abstract_name(format!("corio-test-{}-{name}\0\n", std::process::id()))
    };
    virtual_run(|| {
        let [stream, here, there, nobody] = ["stream", "here", "there", "nobody"].map(address);
        let (stream, nobody) = (stream?, nobody?);
        let listener = UnixListener::bind_addr(&stream)?;
        let mut near = UnixStream::connect_addr(&stream)?;
        let (mut far, _) = listener.accept()?;
        near.write_all(b"x")?;
        far.read_exact(&mut [0])?;
        let error = UnixStream::connect_addr(&nobody).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains("nobody"), "{error}");
        let unnamed = near.local_addr()?;
        let error = UnixStream::connect_addr(&unnamed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);

        let near = UnixDatagram::bind_addr(&here?)?;
        let far = UnixDatagram::bind_addr(&there?)?;
        near.connect_addr(&far.local_addr()?)?;
        near.send(b"hello")?;
        let mut buffer = [0; 8];
        let (length, from) = far.recv_from(&mut buffer)?;
        assert_eq!(&buffer[..length], b"hello");
        far.send_to_addr(b"and you", &from)?;
        assert_eq!(near.recv(&mut buffer)?, 7);
        Ok(())
    })
}

#[test]
fn connecting_waits_for_a_place_in_the_queue() -> Result<()> {
    virtual_run(|| {
        let folder = TempDir::new();
        let path = folder.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&path)?;
        rustix::net::listen(&listener, 0).map_err(std::io::Error::from)?;
        let listener = UnixListener::from_std(listener)?;
        let mut streams = Vec::new();
        while let Ok(stream) = timeout(ms(10), || Ok(UnixStream::connect(&path)?)) {
            streams.push(stream);
            assert!(streams.len() < 100, "the queue is shorter");
        }
        let connecting = create_task(move || Ok(UnixStream::connect(path).map(drop)?));
        settle()?;
        assert!(!connecting.done());
        listener.accept()?;
        connecting.wait()
    })
}

#[test]
fn datagrams_arrive_whole_and_in_order() -> Result<()> {
    virtual_run(|| {
        let (near, far) = UnixDatagram::pair()?;
        // More than the system keeps: the sender waits.
        let sender = create_task(move || {
            for number in 0..2000_u32 {
                near.send(&number.to_be_bytes())?;
            }
            Ok(())
        });
        settle()?;
        assert!(!sender.done());
        let mut buffer = [0; 100];
        for number in 0..2000_u32 {
            assert_eq!(far.recv(&mut buffer)?, 4);
            assert_eq!(buffer[..4], number.to_be_bytes());
        }
        sender.wait()
    })
}

#[test]
fn who_sends_to_a_path_waits_too_while_the_receiver_has_too_many() -> Result<()> {
    virtual_run(|| {
        let folder = TempDir::new();
        let path = folder.path().join("socket");
        let receiver = UnixDatagram::bind(&path)?;
        let sender = create_task(move || {
            let socket = UnixDatagram::unbound()?;
            for number in 0..2000_u32 {
                socket.send_to(&number.to_be_bytes(), &path)?;
            }
            Ok(())
        });
        settle()?;
        assert!(!sender.done());
        let mut buffer = [0; 100];
        for number in 0..2000_u32 {
            // Virtual time passes only where a timer is waited for.
            let (length, from) = timeout(ms(1000), || Ok(receiver.recv_from(&mut buffer)?))?;
            assert!(from.is_unnamed());
            assert_eq!(buffer[..length], number.to_be_bytes());
        }
        sender.wait()
    })
}

#[test]
fn a_datagram_socket_knows_its_peer_and_notices_when_it_goes() -> Result<()> {
    run(|| {
        let folder = TempDir::new();
        let [here, there] = ["here", "there"].map(|name| folder.path().join(name));
        let (near, far) = (UnixDatagram::bind(&here)?, UnixDatagram::bind(&there)?);
        near.connect(&there)?;
        assert_eq!(near.peer_addr()?.as_pathname(), Some(&*there));
        near.send(b"hello")?;
        let mut buffer = [0; 100];
        let (length, from) = far.recv_from(&mut buffer)?;
        assert_eq!((length, from.as_pathname()), (5, Some(&*here)));
        far.send_to(b"hi", &here)?;
        assert_eq!(near.recv(&mut buffer)?, 2);
        drop(far);
        assert_eq!(near.send(b"hello?").unwrap_err().kind(), ErrorKind::ConnectionRefused);
        Ok(())
    })
}

#[test]
fn nothing_is_sent_after_the_writing_half_was_closed() -> Result<()> {
    run(|| {
        let (near, far) = UnixDatagram::pair()?;
        near.shutdown(Shutdown::Write)?;
        assert_eq!(near.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        far.send(b"y")?;
        assert_eq!(near.try_clone()?.recv(&mut [0; 8])?, 1);
        Ok(())
    })
}
