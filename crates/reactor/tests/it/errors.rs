//! Errors say what was tried, on what, why it failed and what to do.

use std::io::{self, ErrorKind};
use std::rc::Rc;

use corio_reactor::{Clock, Reactor};

use crate::support::{connection, on_every_backend_and_by_hand};

/// The text of the error and that of its cause.
fn texts(error: &io::Error) -> (String, String) {
    let explained = error.get_ref().expect("our own error");
    (explained.to_string(), explained.source().expect("the system's error").to_string())
}

#[cfg(target_os = "linux")]
#[test]
fn a_regular_file_is_refused() {
    crate::support::on_every_backend(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let file = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
        let error = reactor.register(file, ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let (text, cause) = texts(&error);
        assert!(text.starts_with("cannot register file descriptor "), "{text}");
        assert!(text.contains("regular file"), "{text}");
        assert!(text.contains("thread pool"), "{text}");
        assert!(cause.contains("not permitted"), "{cause}");
        assert_eq!(reactor.sources(), 0);
    });
}

#[test]
fn the_same_descriptor_twice_is_refused_and_the_first_goes_on() {
    on_every_backend_and_by_hand(|backend| {
        let reactor = Reactor::with_backend(backend).unwrap();
        let stream = Rc::new(connection().0);
        let source = reactor.register(Rc::clone(&stream), ()).unwrap();
        let error = reactor.register(Rc::clone(&stream), ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(texts(&error).0.contains("try_clone"), "{error}");
        assert_eq!(reactor.sources(), 1);
        drop(source);
        let _again = reactor.register(stream, ()).unwrap();
    });
}

#[test]
#[should_panic(expected = "only a virtual clock can be moved")]
fn the_systems_clock_cannot_be_moved() {
    let clock = Clock::system();
    clock.advance_to(clock.now());
}
