//! Who owns what, and that registrations end in time.

use std::io::Write;
use std::mem;
use std::rc::Rc;

use corio_reactor::{Reactor, Readiness};

use crate::support::{
    NOT_AT_ALL, connection, on_every_backend, on_every_backend_and_by_hand, wait_until,
};

#[test]
fn dropping_a_source_closes_what_it_owns() {
    on_every_backend_and_by_hand(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, peer) = connection();
        let source = reactor.register(stream, ()).unwrap();
        assert_eq!(reactor.sources(), 1);
        drop(source);
        assert_eq!(reactor.sources(), 0);
        assert_eq!(crate::support::read_until_block(&peer).unwrap(), 0, "the peer sees the end");
    });
}

#[test]
fn into_io_hands_back_something_that_can_be_registered_again() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let other = Reactor::with_backend(backend).unwrap();
        let (mut stream, mut peer) = connection();
        for i in 0..3 {
            let source = reactor.register(stream, i).unwrap();
            assert_eq!((*source.data(), reactor.sources()), (i, 1));
            stream = source.into_io();
            assert_eq!(reactor.sources(), 0);
        }
        peer.write_all(b"x").unwrap();
        let source = other.register(stream, ()).unwrap();
        wait_until(&other, &source, Readiness::READABLE);
        assert_eq!(reactor.wait(NOT_AT_ALL, |_, _| {}).unwrap(), 0);
    });
}

#[test]
fn a_source_outlives_its_reactor() {
    on_every_backend_and_by_hand(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, _peer) = connection();
        let source = reactor.register(stream, ()).unwrap();
        let notifier = reactor.notifier();
        drop(reactor);
        source.clear_readable();
        source.inject(Readiness::BOTH);
        notifier.notify();
        source.into_io().set_nonblocking(false).unwrap();
        notifier.notify();
    });
}

/// What `AsFd` answers is not in the reactor's hands. It asks once, and undoes what it has done.
#[test]
#[cfg(unix)]
fn an_owner_that_contradicts_itself_harms_nobody_else() {
    use std::cell::Cell;
    use std::net::TcpStream;
    use std::os::fd::{AsFd, BorrowedFd};

    struct Fickle {
        one: TcpStream,
        other: TcpStream,
        asked: Cell<usize>,
    }

    impl AsFd for Fickle {
        fn as_fd(&self) -> BorrowedFd<'_> {
            self.asked.set(self.asked.get() + 1);
            if self.asked.get() % 2 == 1 { self.one.as_fd() } else { self.other.as_fd() }
        }
    }

    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let ((one, mut peer), (other, _other_peer)) = (connection(), connection());
        let fickle = reactor.register(Fickle { one, other, asked: Cell::new(0) }, ()).unwrap();
        fickle.clear_readable();
        peer.write_all(b"x").unwrap();
        while !fickle.readiness().readable {
            reactor.wait(crate::support::LONG, |(), _| {}).unwrap();
        }
        // Both are free again afterwards, though both are still open.
        let Fickle { one, other, .. } = fickle.into_io();
        let one = reactor.register(one, ()).unwrap();
        let other = reactor.register(other, ()).unwrap();
        assert_eq!(reactor.sources(), 2);
        wait_until(&reactor, &one, Readiness::READABLE);
        drop((one, other));
    });
}

#[test]
fn data_is_dropped_with_its_source_and_may_use_the_reactor_then() {
    struct Registers(Rc<Reactor<Option<Registers>>>);
    impl Drop for Registers {
        fn drop(&mut self) {
            let source = self.0.register(connection().0, None).unwrap();
            assert_eq!(self.0.sources(), 1, "the source that is being dropped is out of the table");
            drop(source);
        }
    }
    on_every_backend_and_by_hand(|backend| {
        let reactor = Rc::new(Reactor::with_backend(backend).unwrap());
        let data = Some(Registers(Rc::clone(&reactor)));
        let source = reactor.register(connection().0, data).unwrap();
        drop(source);
        assert_eq!(reactor.statistics().registrations, 2);
        assert_eq!(Rc::strong_count(&reactor), 1);
    });
}

#[test]
fn a_forgotten_source_stays_open_and_harmless() {
    on_every_backend_and_by_hand(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let (stream, mut peer) = connection();
        mem::forget(reactor.register(stream, ()).unwrap());
        peer.write_all(b"still there").unwrap();
        reactor.wait(NOT_AT_ALL, |(), _| {}).unwrap();
        assert_eq!(reactor.sources(), 1);
    });
}

/// Descriptor numbers and slots are reused at once, most recent first; each tenant must hear only
/// of itself.
#[test]
fn tenants_of_a_slot_do_not_hear_of_one_another() {
    on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        for tenant in 0..50 {
            let (stream, mut peer) = connection();
            let source = reactor.register(stream, tenant).unwrap();
            peer.write_all(b"x").unwrap();
            if tenant % 2 == 0 {
                // Leave with the event still in the kernel.
                drop(source);
            } else {
                source.clear_readable();
                source.clear_readable();
                wait_until(&reactor, &source, Readiness::READABLE);
            }
            reactor.wait(NOT_AT_ALL, |&reported, _| assert_eq!(reported, tenant)).unwrap();
        }
        assert_eq!(reactor.sources(), 0);
    });
}
