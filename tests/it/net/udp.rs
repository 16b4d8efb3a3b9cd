//! UDP, over the loopback interface.

use std::io::ErrorKind;
use std::net::Ipv4Addr;

use corio::net::UdpSocket;
use corio::{Result, create_task, gather, run, timeout};
use corio_tests::{ms, settle, virtual_run, yield_now};

fn pair() -> Result<(UdpSocket, UdpSocket)> {
    let (near, far) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    near.connect(far.local_addr()?)?;
    far.connect(near.local_addr()?)?;
    Ok((near, far))
}

#[test]
fn datagrams_arrive_whole_and_say_where_from() -> Result<()> {
    run(|| {
        let server = UdpSocket::bind("127.0.0.1:0")?;
        let address = server.local_addr()?;
        let clients: Result<Vec<_>> = (0..5).map(|_| Ok(UdpSocket::bind("127.0.0.1:0")?)).collect();
        let clients = clients?;
        let echo = create_task(move || {
            let mut buffer = [0; 100];
            for _ in 0..10 {
                let (length, from) = server.recv_from(&mut buffer)?;
                server.send_to(&buffer[..length], from)?;
            }
            Ok(())
        });
        for round in 0..2_u8 {
            for (client, number) in clients.iter().zip(0..) {
                assert_eq!(client.send_to(&[round, number], address)?, 2);
            }
            for (client, number) in clients.iter().zip(0..) {
                let mut buffer = [0; 100];
                assert_eq!(client.recv_from(&mut buffer)?, (2, address));
                assert_eq!(buffer[..2], [round, number]);
            }
        }
        echo.wait()
    })
}

#[test]
fn a_connected_socket_hears_only_its_peer() -> Result<()> {
    virtual_run(|| {
        let (near, far) = pair()?;
        assert_eq!(near.peer_addr()?, far.local_addr()?);
        let stranger = UdpSocket::bind("127.0.0.1:0")?;
        assert_eq!(stranger.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
        stranger.send_to(b"psst", near.local_addr()?)?;
        far.send(b"hello")?;
        let mut buffer = [0; 100];
        assert_eq!(near.recv(&mut buffer)?, 5);
        assert!(timeout(ms(5), || Ok(near.recv(&mut buffer)?)).unwrap_err().is_timeout());
        Ok(())
    })
}

#[test]
fn peeking_leaves_the_datagram_where_it_is() -> Result<()> {
    run(|| {
        let (near, far) = pair()?;
        near.send(b"look")?;
        let mut buffer = [0; 2];
        assert_eq!((far.peek(&mut buffer)?, &buffer), (2, b"lo"));
        assert_eq!(far.peek_from(&mut buffer)?, (2, near.local_addr()?));
        let mut buffer = [0; 100];
        assert_eq!(far.recv(&mut buffer)?, 4);
        Ok(())
    })
}

#[test]
fn a_datagram_may_be_empty_and_is_cut_if_it_does_not_fit() -> Result<()> {
    run(|| {
        let (near, far) = pair()?;
        for datagram in [&b""[..], b"too long", b"next"] {
            assert_eq!(near.send(datagram)?, datagram.len());
        }
        let mut buffer = [0; 4];
        assert_eq!(far.recv(&mut buffer)?, 0);
        assert_eq!((far.recv(&mut buffer)?, &buffer), (4, b"too "));
        assert_eq!((far.recv(&mut buffer)?, &buffer), (4, b"next"));
        Ok(())
    })
}

#[test]
fn that_nobody_is_there_is_said_at_the_next_opportunity() -> Result<()> {
    run(|| {
        let (near, far) = pair()?;
        drop(far);
        near.send(b"anybody?")?;
        let error = near.recv(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        near.send(b"well?")?; // the socket is as good as before
        Ok(())
    })
}

#[test]
fn a_cancelled_wait_loses_no_datagram() -> Result<()> {
    virtual_run(|| {
        let (near, far) = pair()?;
        for number in 0..20 {
            let mut buffer = [0; 8];
            let error = timeout(ms(1), || Ok(far.recv(&mut buffer)?)).unwrap_err();
            assert!(error.is_timeout());
            near.send(&[number])?;
            assert_eq!((far.recv(&mut buffer)?, buffer[0]), (1, number));
        }
        Ok(())
    })
}

#[test]
fn a_wait_that_is_cancelled_when_a_datagram_comes_leaves_it_to_others() -> Result<()> {
    virtual_run(|| {
        let (near, far) = pair()?;
        let [one, two] = [0, 1].map(|_| {
            let socket = far.try_clone().expect("never fails");
            create_task(move || Ok(socket.recv(&mut [0; 8])?))
        });
        settle()?;
        near.send(b"x")?;
        yield_now()?;
        one.cancel(); // it may have been woken, but has not run
        let (one, two) = (one.wait(), timeout(ms(5), || two.wait()));
        assert!(one.is_ok() != two.is_ok(), "{one:?}, {two:?}");
        Ok(())
    })
}

#[test]
fn each_datagram_goes_to_one_of_the_tasks_that_wait() -> Result<()> {
    run(|| {
        let (near, far) = pair()?;
        let far = &far;
        let receiver = || {
            let mut buffer = [0; 8];
            let mut numbers = Vec::new();
            while numbers.len() < 10 {
                far.recv(&mut buffer)?;
                numbers.push(buffer[0]);
            }
            Ok(numbers)
        };
        let sender = || {
            for number in 0..30 {
                near.send(&[number])?;
                yield_now()?;
            }
            Ok(())
        };
        let (one, two, three, ()) = gather((receiver, receiver, receiver, sender))?;
        let mut numbers = [one, two, three].concat();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..30).collect::<Vec<_>>());
        Ok(())
    })
}

#[test]
fn a_socket_that_always_finds_datagrams_lets_others_run() -> Result<()> {
    run(|| {
        let (near, _far) = pair()?;
        let turns = std::rc::Rc::new(std::cell::Cell::new(0));
        let count = std::rc::Rc::clone(&turns);
        drop(create_task(move || -> Result<()> {
            loop {
                count.set(count.get() + 1);
                yield_now()?;
            }
        }));
        for _ in 0..1000 {
            near.send(b"x")?;
        }
        assert!(turns.get() >= 1000 / 128, "others had {} turns", turns.get());
        Ok(())
    })
}

#[test]
fn what_is_sent_to_a_group_reaches_its_members() -> Result<()> {
    virtual_run(|| {
        let group = Ipv4Addr::new(239, 255, 71, 3);
        let member = UdpSocket::bind("0.0.0.0:0")?;
        let sender = UdpSocket::bind("127.0.0.1:0")?;
        sender.set_multicast_if_v4(&Ipv4Addr::LOCALHOST)?;
        sender.set_multicast_loop_v4(true)?;
        sender.set_multicast_ttl_v4(0)?;
        let to = (group, member.local_addr()?.port());
        let mut buffer = [0; 8];

        member.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
        sender.send_to(b"all", to)?;
        assert_eq!(member.recv_from(&mut buffer)?, (3, sender.local_addr()?));

        member.leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST)?;
        sender.send_to(b"all", to)?;
        assert!(timeout(ms(5), || Ok(member.recv(&mut buffer)?)).is_err());
        Ok(())
    })
}

#[test]
fn broadcasting_is_asked_for() -> Result<()> {
    run(|| {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        assert!(!socket.broadcast()?);
        let error = socket.send_to(b"all", "255.255.255.255:9").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        socket.set_broadcast(true)?;
        assert!(socket.broadcast()?);
        Ok(())
    })
}

#[test]
fn an_address_in_use_is_named() -> Result<()> {
    run(|| {
        let taken = UdpSocket::bind("127.0.0.1:0")?;
        let address = taken.local_addr()?;
        let error = UdpSocket::bind(address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let message = format!("cannot bind a socket to {address}: ");
        assert!(error.to_string().starts_with(&message), "{error}");
        Ok(())
    })
}
