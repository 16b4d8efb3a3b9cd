//! Names, and connecting to one of several addresses.

use std::io::{ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use corio::net::{TcpListener, TcpStream, UdpSocket, lookup_host};
use corio::{Error, Result, create_task, get_running_loop, run};
use corio_tests::{ms, virtual_run};
use rustix::net::{AddressFamily, SocketType};

#[test]
fn addresses_are_taken_as_they_are_and_never_wait() -> Result<()> {
    // No loop runs, so whatever went to a thread would fail.
    let v4 = SocketAddr::from(([127, 0, 0, 1], 80));
    assert_eq!(lookup_host("127.0.0.1:80")?, [v4]);
    assert_eq!(lookup_host(("127.0.0.1", 80))?, [v4]);
    assert_eq!(lookup_host((String::from("127.0.0.1"), 80))?, [v4]);
    assert_eq!(lookup_host((Ipv4Addr::LOCALHOST, 80))?, [v4]);
    assert_eq!(lookup_host((IpAddr::from([127, 0, 0, 1]), 80))?, [v4]);
    assert_eq!(lookup_host(&[v4, v4][..])?, [v4, v4]);
    assert_eq!(lookup_host("[::1]:80")?, lookup_host(("::1", 80))?);
    Ok(())
}

#[test]
fn what_is_no_address_is_an_error_that_says_so() {
    for text in ["", "localhost", "localhost:", "localhost:http", "localhost:65536"] {
        let error = lookup_host(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let message =
            format!("cannot resolve {text:?}: it is no address or name that ends in :PORT");
        assert_eq!(error.to_string(), message);
    }
    let error = lookup_host(&[][..]).unwrap_err();
    assert_eq!(error.to_string(), "[] stands for no address");
}

#[test]
fn a_name_that_nobody_knows_is_named_in_the_error() -> Result<()> {
    run(|| {
        // Reserved for this by RFC 6761.
        let error = TcpStream::connect("nowhere.invalid:80").unwrap_err();
        assert!(error.to_string().contains("cannot resolve \"nowhere.invalid\": "), "{error}");
        Ok(())
    })
}

#[test]
fn a_name_takes_a_loop() {
    let error = Error::from(lookup_host("localhost:80").unwrap_err());
    assert!(error.to_string().contains("no running event loop"), "{error}");
}

#[test]
fn a_look_up_lets_other_tasks_run() -> Result<()> {
    run(|| {
        let other = create_task(|| Ok(()));
        let found = lookup_host("localhost:80")?;
        assert!(other.done());
        assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
        Ok(())
    })
}

#[test]
fn a_look_up_is_cancelled_at_once() -> Result<()> {
    run(|| {
        // An executor that never gets round to it.
        get_running_loop()?.set_default_executor(std::mem::forget::<corio::Work>);
        let stuck = create_task(|| Ok(TcpStream::connect("localhost:80").map(drop)?));
        corio::sleep(Duration::ZERO)?;
        stuck.cancel();
        assert!(stuck.wait().unwrap_err().is_cancelled());
        Ok(())
    })
}

#[test]
fn names_serve_for_every_kind_of_socket() -> Result<()> {
    run(|| {
        let listener = TcpListener::bind("localhost:0")?;
        let near = TcpStream::connect(("localhost", listener.local_addr()?.port()))?;
        assert_eq!(listener.accept()?.1, near.local_addr()?);
        let socket = UdpSocket::bind("localhost:0")?;
        socket.send_to(b"!", ("localhost", socket.local_addr()?.port()))?;
        assert_eq!(socket.recv(&mut [0; 9])?, 1);
        Ok(())
    })
}

/// An address at which nobody answers: its listener has no room for another connection.
struct Silent {
    address: SocketAddr,
    _sockets: Vec<rustix::fd::OwnedFd>,
}

impl Silent {
    fn new() -> Result<Self> {
        let socket = || rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None);
        let listener = socket()?;
        rustix::net::bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0)))?;
        rustix::net::listen(&listener, 0)?;
        let address = SocketAddr::try_from(rustix::net::getsockname(&listener)?)?;
        let mut sockets = vec![listener];
        for _ in 0..4 {
            let filler = socket()?;
            rustix::io::ioctl_fionbio(&filler, true)?;
            // Some are under way for ever.
            let _ = rustix::net::connect(&filler, &address);
            sockets.push(filler);
        }
        Ok(Self { address, _sockets: sockets })
    }
}

#[test]
fn an_address_that_does_not_answer_holds_up_the_next_for_a_quarter_of_a_second() -> Result<()> {
    let silent = Silent::new()?;
    virtual_run(|| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let addresses = [silent.address, listener.local_addr()?];
        let began = get_running_loop()?.time();
        let stream = TcpStream::connect(&addresses[..])?;
        assert_eq!(get_running_loop()?.time() - began, ms(250));
        assert_eq!(stream.peer_addr()?, addresses[1]);
        // The attempt that lost is closed, and nothing of it runs any more.
        assert_eq!(corio::all_tasks()?.len(), 1);
        Ok(())
    })
}

#[test]
fn an_address_that_refuses_does_not_hold_up_the_next() -> Result<()> {
    virtual_run(|| {
        let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let began = get_running_loop()?.time();
        let stream = TcpStream::connect(&[nobody, listener.local_addr()?][..])?;
        assert_eq!(get_running_loop()?.time(), began);
        drop(stream);
        assert_eq!(listener.accept()?.0.read(&mut [0])?, 0);
        Ok(())
    })
}

#[test]
fn if_nobody_answers_the_error_tells_of_each_address() -> Result<()> {
    run(|| {
        let refused = || TcpListener::bind("127.0.0.1:0")?.local_addr();
        let addresses = [refused()?, refused()?];
        let error = TcpStream::connect(&addresses[..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let message = error.to_string();
        for address in addresses {
            assert!(message.contains(&format!("cannot connect to {address}: ")), "{message}");
        }
        Ok(())
    })
}

#[test]
fn a_limit_counts_for_all_addresses_together() -> Result<()> {
    let silent = [Silent::new()?, Silent::new()?];
    virtual_run(|| {
        let addresses = [silent[0].address, silent[1].address];
        let began = get_running_loop()?.time();
        let error = TcpStream::connect_timeout(&addresses[..], ms(900)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(get_running_loop()?.time() - began, ms(900));
        Ok(())
    })
}

#[test]
fn connecting_is_cancelled_with_all_its_attempts() -> Result<()> {
    let silent = [Silent::new()?, Silent::new()?];
    virtual_run(|| {
        let addresses = [silent[0].address, silent[1].address];
        let connecting = create_task(move || Ok(TcpStream::connect(&addresses[..]).map(drop)?));
        corio::sleep(ms(300))?;
        assert_eq!(corio::all_tasks()?.len(), 4);
        connecting.cancel();
        assert!(connecting.wait().unwrap_err().is_cancelled());
        assert_eq!(corio::all_tasks()?.len(), 1);
        Ok(())
    })
}
