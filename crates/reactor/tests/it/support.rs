//! Sockets to test with.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use corio_reactor::{AsSource, Backend, Reactor, Readiness, Source};

/// Longer than anything takes that works.
pub(crate) const LONG: Option<Duration> = Some(Duration::from_secs(10));
pub(crate) const NOT_AT_ALL: Option<Duration> = Some(Duration::ZERO);

pub(crate) fn on_every_backend(test: impl Fn(Backend)) {
    for backend in [Backend::Native, Backend::Portable, Backend::Oneshot] {
        println!("on {backend:?}");
        test(backend);
    }
}

/// For what does not need the system to say that something has happened.
pub(crate) fn on_every_backend_and_by_hand(test: impl Fn(Backend)) {
    on_every_backend(&test);
    println!("by hand");
    test(Backend::Manual);
}

/// A connection: the end under test, non-blocking, and its peer, blocking.
pub(crate) fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let stream = listener.accept().unwrap().0;
    stream.set_nonblocking(true).unwrap();
    stream.set_nodelay(true).unwrap();
    peer.set_nodelay(true).unwrap();
    (stream, peer)
}

/// Waits until the reactor has reported `direction` for the source, or panics.
pub(crate) fn wait_until<T: AsSource, D>(
    reactor: &Reactor<D>,
    source: &Source<T, D>,
    direction: Readiness,
) {
    while source.readiness() | direction != source.readiness() {
        let reports = reactor.wait(LONG, |_, _| {}).unwrap();
        assert!(reports > 0, "nothing happened: {reactor:?}, {}", source.readiness());
    }
}

/// Reads until there is nothing more, by the book, with reads of `size` bytes and clearing after
/// short ones.
pub(crate) fn drain<D>(source: &Source<TcpStream, D>, size: usize) -> (Vec<u8>, bool) {
    let (mut all, mut ended) = (Vec::new(), false);
    let mut buffer = vec![0; size];
    while source.readiness().readable && !ended {
        match source.io().read(&mut buffer) {
            Ok(0) => ended = true,
            Ok(count) => {
                all.extend_from_slice(&buffer[..count]);
                if count < size {
                    source.clear_readable();
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => source.clear_readable(),
            Err(error) => panic!("reading failed: {error}"),
        }
    }
    (all, ended)
}

/// Writes until there is no room.
pub(crate) fn fill<D>(source: &Source<TcpStream, D>) -> usize {
    let mut written = 0;
    while source.readiness().writable {
        match source.io().write(&[7; 65536]) {
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => source.clear_writable(),
            Err(error) => panic!("writing failed: {error}"),
        }
    }
    written
}

pub(crate) fn read_until_block(mut io: impl Read) -> io::Result<usize> {
    let mut total = 0;
    loop {
        match io.read(&mut [0; 65536]) {
            Ok(0) => return Ok(total),
            Ok(count) => total += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(total),
            Err(error) => return Err(error),
        }
    }
}
