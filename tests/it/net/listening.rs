//! Listening and accepting.

use std::io::{ErrorKind, Read};
use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use corio::net::{TcpListener, TcpStream};
use corio::{Result, create_task, get_running_loop, run};
use corio_tests::{ms, virtual_run};

#[test]
fn an_address_is_shared_by_those_who_ask_for_it() -> Result<()> {
    run(|| {
        let sharing = TcpListener::options().reuse_port(true);
        let one = sharing.bind("127.0.0.1:0")?;
        let address = one.local_addr()?;
        let another = sharing.bind(address)?;
        assert_eq!(another.local_addr()?, address);
        let error = TcpListener::bind(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("cannot listen at {address}: ")), "{error}");
        Ok(())
    })
}

#[test]
fn all_addresses_are_listened_at() -> Result<()> {
    run(|| {
        let any: [SocketAddr; 2] = ["127.0.0.1:0".parse()?, "127.0.0.2:0".parse()?];
        let listeners = TcpListener::options().bind_all(&any[..])?;
        for listener in &listeners {
            TcpStream::connect(listener.local_addr()?)?;
            listener.accept()?;
        }
        assert_eq!(listeners.len(), 2);
        let foreign: [SocketAddr; 2] = ["127.0.0.1:0".parse()?, "192.0.2.1:0".parse()?];
        assert_eq!(TcpListener::options().bind_all(&foreign[..])?.len(), 1, "one is not ours");
        let error = TcpListener::options().bind_all(foreign[1]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
        assert!(error.to_string().starts_with("cannot listen at 192.0.2.1:0: "), "{error}");
        Ok(())
    })
}

#[test]
fn a_listener_of_ipv6_leaves_ipv4_alone_if_it_is_told_to() -> Result<()> {
    run(|| {
        let options = TcpListener::options().only_v6(true);
        let Ok(six) = options.bind((Ipv6Addr::UNSPECIFIED, 0)) else {
            return Ok(()); // no IPv6 here
        };
        TcpListener::bind(("0.0.0.0", six.local_addr()?.port()))?;
        Ok(())
    })
}

#[test]
fn a_burst_of_connections_is_accepted_without_asking_for_each() -> Result<()> {
    run(|| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let clients: Result<Vec<_>> = (0..100).map(|_| Ok(TcpStream::connect(address)?)).collect();
        let event_loop = get_running_loop()?;
        let before = event_loop.statistics().polls;
        for client in clients? {
            assert_eq!(listener.accept()?.1, client.local_addr()?);
        }
        let polls = event_loop.statistics().polls - before;
        assert!(polls <= 2, "{polls} polls");
        Ok(())
    })
}

#[test]
fn who_is_gone_before_being_accepted_does_not_keep_the_next_out() -> Result<()> {
    virtual_run(|| {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        for _ in 0..10 {
            let gone = TcpStream::connect(address)?;
            gone.set_linger(Some(Duration::ZERO))?;
            drop(gone); // a reset
        }
        let next = TcpStream::connect(address)?;
        // Some systems pass over who is gone. Some say so by an error of `accept`, which is then
        // passed over here. On Linux the connection is handed out, and says so when it is read.
        loop {
            let (mut stream, peer) = listener.accept()?;
            if peer == next.local_addr()? {
                return Ok(());
            }
            let error = stream.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
    })
}

#[test]
#[cfg(unix)]
fn accepting_goes_on_when_there_are_file_descriptors_again() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let test = "net::listening::accepting_goes_on_when_there_are_file_descriptors_again";
    let output = corio_tests::in_a_process(test, || {
        let accepted = virtual_run(|| {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let client = TcpStream::connect(listener.local_addr()?)?;
            let before = corio_tests::now();
            let all = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..all })
                .map_err(std::io::Error::from)?;
            let error = listener.accept().unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
            assert_eq!(corio_tests::now() - before, ms(100), "it does not spin");

            let accepting = create_task(move || Ok(listener.incoming().find_map(|c| c.ok())));
            corio::sleep(ms(450))?;
            assert!(!accepting.done());
            setrlimit(Resource::Nofile, all).map_err(std::io::Error::from)?;
            let stream = accepting.wait()?.expect("it is still there");
            assert_eq!(stream.peer_addr()?, client.local_addr()?);
            Ok(())
        });
        accepted.expect("it goes on");
    });
    if let Some(output) = output {
        assert!(output.status.success(), "{output:?}");
    }
}
