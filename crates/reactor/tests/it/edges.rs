//! Where edge mode goes wrong if one is careless.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};

use corio_reactor::{Backend, Reactor, Readiness};

use crate::support::{
    LONG, NOT_AT_ALL, connection, drain, fill, on_every_backend, on_every_backend_and_by_hand,
    read_until_block, wait_until,
};

#[test]
fn a_source_starts_out_ready_so_that_the_first_operation_is_tried() {
    on_every_backend_and_by_hand(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, _peer) = connection();
        let source = reactor.register(stream, ()).unwrap();
        assert_eq!(source.readiness(), Readiness::BOTH);
    });
}

#[test]
fn data_from_before_the_registration_is_found() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, mut peer) = connection();
        peer.write_all(b"early").unwrap();
        let source = reactor.register(stream, ()).unwrap();
        let mut all = Vec::new();
        while all.len() < 5 {
            wait_until(&reactor, &source, Readiness::READABLE);
            all.extend(drain(&source, 64).0);
        }
        assert_eq!(all, b"early");
    });
}

#[test]
fn readiness_that_comes_when_nobody_waits_is_remembered() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, mut peer) = connection();
        let source = reactor.register(stream, ()).unwrap();
        drain(&source, 64);
        peer.write_all(b"x").unwrap();
        wait_until(&reactor, &source, Readiness::READABLE);
        // Further waits report it no more, but the record stands.
        for _ in 0..3 {
            reactor.wait(NOT_AT_ALL, |(), _| {}).unwrap();
        }
        assert!(source.readiness().readable);
        assert_eq!(drain(&source, 64).0, b"x");
    });
}

#[test]
fn every_message_of_a_conversation_arrives() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, mut peer) = connection();
        let source = reactor.register(stream, ()).unwrap();
        for i in 0..100u8 {
            peer.write_all(&[i]).unwrap();
            let mut got = Vec::new();
            while got.is_empty() {
                wait_until(&reactor, &source, Readiness::READABLE);
                got = drain(&source, 64).0;
            }
            assert_eq!(got, [i]);
        }
    });
}

/// The data and the end arrive as one event, and the read that takes the data is short.
#[test]
fn the_end_of_a_stream_does_not_hide_behind_its_last_bytes() {
    on_every_backend(|backend| {
        for shutdown in [true, false] {
            let reactor = Reactor::with_backend(backend).unwrap();
            let (stream, mut peer) = connection();
            let source = reactor.register(stream, ()).unwrap();
            drain(&source, 64);
            reactor.wait(NOT_AT_ALL, |(), _| {}).unwrap();
            source.clear_readable();

            peer.write_all(b"bye").unwrap();
            let still_open = if shutdown {
                peer.shutdown(Shutdown::Write).unwrap();
                Some(peer)
            } else {
                drop(peer);
                None
            };
            let (mut all, mut ended) = (Vec::new(), false);
            while !ended {
                wait_until(&reactor, &source, Readiness::READABLE);
                let (bytes, end) = drain(&source, 64);
                all.extend(bytes);
                ended = end;
            }
            assert_eq!(all, b"bye");
            drop(still_open);
        }
    });
}

#[test]
fn an_end_that_follows_a_short_read_is_an_event_of_its_own() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, mut peer) = connection();
        let source = reactor.register(stream, ()).unwrap();
        peer.write_all(b"x").unwrap();
        let mut got = Vec::new();
        while got.is_empty() {
            wait_until(&reactor, &source, Readiness::READABLE);
            got = drain(&source, 64).0;
        }
        drop(peer);
        loop {
            wait_until(&reactor, &source, Readiness::READABLE);
            if drain(&source, 64).1 {
                break;
            }
        }
    });
}

#[test]
fn a_full_socket_becomes_writable_when_the_peer_reads() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, mut peer) = connection();
        let source = reactor.register(stream, ()).unwrap();
        let mut written = fill(&source);
        // The event of the registration may still be under way.
        reactor.wait(NOT_AT_ALL, |(), _| {}).unwrap();
        written += fill(&source);
        assert!(!source.readiness().writable);

        peer.set_nonblocking(true).unwrap();
        let mut read = 0;
        while read < written {
            read += read_until_block(&mut peer).unwrap();
        }
        wait_until(&reactor, &source, Readiness::WRITABLE);
        source.io().write_all(b"x").unwrap();
    });
}

/// With one direction reported, the other must still be watched, also where an event disarms the
/// source.
#[test]
fn waiting_for_both_directions_gets_both_one_after_the_other() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, mut peer) = connection();
        let source = reactor.register(stream, ()).unwrap();
        let mut written = fill(&source);
        drain(&source, 64);
        reactor.wait(NOT_AT_ALL, |(), _| {}).unwrap();
        written += fill(&source);
        drain(&source, 64);
        assert_eq!(source.readiness(), Readiness::NONE);

        peer.write_all(b"x").unwrap();
        wait_until(&reactor, &source, Readiness::READABLE);
        assert_eq!(source.readiness(), Readiness::READABLE, "the peer has read nothing yet");
        let mut sink = vec![0; written];
        peer.read_exact(&mut sink).unwrap();
        wait_until(&reactor, &source, Readiness::BOTH);
    });
}

#[test]
fn a_reset_makes_both_directions_ready() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, peer) = connection();
        let source = reactor.register(stream, ()).unwrap();
        fill(&source);
        drain(&source, 64);
        reactor.wait(NOT_AT_ALL, |(), _| {}).unwrap();
        fill(&source);
        drain(&source, 64);
        assert_eq!(source.readiness(), Readiness::NONE);
        // Closing with unread data in the buffer resets the connection.
        drop(peer);
        wait_until(&reactor, &source, Readiness::BOTH);
        source.io().read(&mut [0; 64]).unwrap_err();
        source.io().write(&[0; 64]).unwrap_err();
    });
}

#[test]
fn a_connect_that_is_refused_becomes_ready() {
    on_every_backend(|backend| {
        // A datagram "connection" is refused by the answer to the first datagram.
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.connect(closed).unwrap();
        let reactor = Reactor::with_backend(backend).unwrap();
        let source = reactor.register(socket, ()).unwrap();
        source.io().recv(&mut [0; 64]).unwrap_err();
        source.clear_readable();
        source.io().send(b"anyone?").unwrap();
        wait_until(&reactor, &source, Readiness::READABLE);
    });
}

#[test]
fn without_a_hint_a_short_read_saves_the_read_that_would_block() {
    let reactor = Reactor::with_backend(Backend::Native).unwrap();
    let (stream, mut peer) = connection();
    let source = reactor.register(stream, ()).unwrap();
    drain(&source, 64);
    reactor.wait(NOT_AT_ALL, |(), _| {}).unwrap();
    source.clear_readable();
    peer.write_all(b"x").unwrap();
    wait_until(&reactor, &source, Readiness::READABLE);
    assert_eq!(source.io().read(&mut [0; 64]).unwrap(), 1);
    source.clear_readable();
    assert_eq!(source.readiness().readable, !cfg!(target_os = "linux"));
}

#[test]
fn duplicates_are_reported_each() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, mut peer): (TcpStream, _) = connection();
        let duplicate = stream.try_clone().unwrap();
        let (one, two) =
            (reactor.register(stream, 1).unwrap(), reactor.register(duplicate, 2).unwrap());
        drain(&one, 64);
        drain(&two, 64);
        reactor.wait(NOT_AT_ALL, |_, _| {}).unwrap();
        drain(&one, 64);
        drain(&two, 64);
        peer.write_all(b"x").unwrap();
        wait_until(&reactor, &one, Readiness::READABLE);
        wait_until(&reactor, &two, Readiness::READABLE);
        // A duplicate does not keep the registration of the other alive.
        drop(one);
        drain(&two, 64);
        drain(&two, 64);
        peer.write_all(b"y").unwrap();
        let mut reported = Vec::new();
        while reported.is_empty() {
            reactor.wait(LONG, |&data, _| reported.push(data)).unwrap();
        }
        assert_eq!(reported, [2]);
    });
}
