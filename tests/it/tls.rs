//! TLS: connections, streams, and going over to it.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use corio::net::TcpStream;
use corio::streams::{Transport, WriterClosed};
use corio::tls::rustls::pki_types::ServerName;
use corio::tls::rustls::{
    self, ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, ServerConfig,
    ServerConnection, StreamOwned,
};
use corio::tls::{self, HandshakeFailed, TlsStream, TlsTransport};
use corio::{
    Result, StreamReader, StreamWriter, create_task, gather, open_connection, sleep, start_server,
    task_group, timeout,
};
use corio_tests::tls_configs::TlsConfigs;
use corio_tests::{ms, yield_now};

use crate::net::{connection, pattern};
use crate::streams::stream_and_socket;

fn configs() -> &'static TlsConfigs {
    static CONFIGS: OnceLock<TlsConfigs> = OnceLock::new();
    CONFIGS.get_or_init(|| TlsConfigs::new().unwrap())
}

fn server_config() -> Arc<ServerConfig> {
    Arc::new(configs().server.clone())
}

fn client_config() -> Arc<ClientConfig> {
    Arc::new(configs().client.clone())
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

fn client_session() -> ClientConnection {
    ClientConnection::new(client_config(), localhost()).unwrap()
}

fn server_session() -> ServerConnection {
    ServerConnection::new(server_config()).unwrap()
}

/// Both ends of a TLS connection over what is given, the client's first.
fn shake_hands(near: impl Transport, far: impl Transport) -> Result<(TlsStream, TlsStream)> {
    gather((|| tls::start_tls(near, client_session()), || tls::accept(far, &server_config())))
}

fn tls_connection() -> Result<(TlsStream, TlsStream)> {
    let (near, far) = connection()?;
    shake_hands(near, far)
}

/// A socket of which nobody sees any more than that it takes little at a time.
#[derive(Debug)]
struct Trickle {
    stream: TcpStream,
    /// How many writes were refused, every other one being so.
    refused: Rc<Cell<usize>>,
    refuse: Cell<bool>,
}

impl Trickle {
    fn new(stream: TcpStream) -> Self {
        Self { stream, refused: Rc::default(), refuse: Cell::new(false) }
    }
}

impl Transport for Trickle {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(301);
        self.stream.read(&mut buffer[..most])
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        if self.refuse.replace(!self.refuse.get()) {
            self.refused.set(self.refused.get() + 1);
            return Err(ErrorKind::WouldBlock.into());
        }
        (&self.stream).write(&bytes[..bytes.len().min(997)])
    }

    fn wait_writable(&self) -> io::Result<()> {
        Ok(yield_now()?)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }
}

#[test]
fn rustls_own_stream_works_over_a_socket_as_it_is() {
    corio::run(|| {
        let (near, far) = connection()?;
        let server = create_task(move || {
            let mut stream = StreamOwned::new(server_session(), far);
            let mut question = [0; 8];
            stream.read_exact(&mut question)?;
            stream.write_all(b"answer")?;
            stream.conn.send_close_notify();
            stream.flush()?;
            Ok(question)
        });
        let mut stream = StreamOwned::new(client_session(), near);
        stream.write_all(b"question")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        assert_eq!(answer, "answer");
        assert_eq!(&server.wait()?, b"question");
        Ok(())
    })
    .unwrap();
}

#[test]
fn two_ends_agree_and_say_upon_what() {
    let mut server = configs().server.clone();
    let mut client = configs().client.clone();
    server.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
    client.alpn_protocols = vec![b"http/1.1".into()];
    corio::run(|| {
        let (near, far) = connection()?;
        let session = ClientConnection::new(Arc::new(client), localhost())?;
        let (near, far) =
            gather((|| tls::start_tls(near, session), || tls::accept(far, &Arc::new(server))))?;
        let (client, server) = (near.transport(), far.transport());
        for end in [client, server] {
            assert_eq!(end.alpn_protocol().unwrap(), b"http/1.1");
            assert_eq!(end.protocol_version(), Some(ProtocolVersion::TLSv1_3));
            assert!(end.cipher_suite().is_some());
            assert!(end.below::<TcpStream>().is_some());
        }
        assert_eq!(client.peer_certificates().unwrap().len(), 1);
        assert_eq!(server.peer_certificates(), None);
        assert_eq!(client.peer_addr()?, server.local_addr()?);
        Ok(())
    })
    .unwrap();
}

/// Sends so much each way at once, over one stream at each end.
fn both_ways(near: &TlsStream, far: &TlsStream, length: usize) -> Result<()> {
    let bytes = pattern(length);
    let send = |mut stream: &TlsStream| {
        stream.write_all(&bytes)?;
        stream.flush()?;
        stream.write_eof()
    };
    let receive = |mut stream: &TlsStream| {
        let mut received = Vec::new();
        stream.read_to_end(&mut received)?;
        assert!(received == bytes);
        Ok(())
    };
    gather((|| send(near), || send(far), || receive(near), || receive(far)))?;
    Ok(())
}

#[test]
fn one_task_reads_while_another_writes() {
    corio::run(|| {
        let (near, far) = tls_connection()?;
        both_ways(&near, &far, 2_000_000)
    })
    .unwrap();
}

#[test]
fn what_the_transport_does_not_take_at_once_is_sent_all_the_same() {
    corio::run(|| {
        let (near, far) = connection()?;
        let (near, far) = (Trickle::new(near), Trickle::new(far));
        let refused = Rc::clone(&near.refused);
        let (near, far) = shake_hands(near, far)?;
        both_ways(&near, &far, 100_000)?;
        assert!(refused.get() > 50);
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_is_written_and_not_flushed_arrives_while_the_writer_reads() {
    corio::run(|| {
        let (near, far) = connection()?;
        let (mut near, mut far) = shake_hands(Trickle::new(near), far)?;
        task_group(|group| {
            group.create_task(|| {
                let mut question = [0; 5000];
                far.read_exact(&mut question)?;
                Ok(far.write_all(b"!")?)
            });
            near.write_all(&[7; 5000])?;
            near.read_exact(&mut [0])?;
            Ok(())
        })
    })
    .unwrap();
}

#[test]
fn tls_goes_over_tls() {
    corio::run(|| {
        let (near, far) = tls_connection()?;
        let (near, far) = (near.into_streams(), far.into_streams());
        let over = |(_, writer): &(_, StreamWriter)| Over(writer.transport().unwrap());
        let (near, far) = shake_hands(over(&near), over(&far))?;
        both_ways(&near, &far, 100_000)
    })
    .unwrap();
}

/// A transport that somebody else has as well.
#[derive(Debug)]
struct Over(Rc<TlsTransport>);

impl Transport for Over {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn wait_writable(&self) -> io::Result<()> {
        self.0.wait_writable()
    }

    fn has_unsent(&self) -> bool {
        self.0.has_unsent()
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }
}

#[test]
fn a_connection_that_ends_without_saying_so_is_an_error() {
    corio::run(|| {
        let (mut near, far) = tls_connection()?;
        (&far).write_all(b"not all of")?;
        (&far).flush()?;
        far.abort();
        let mut text = String::new();
        let error = near.read_to_string(&mut text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(near.read(&mut [0]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        Ok(())
    })
    .unwrap();
}

#[test]
fn closing_sends_what_was_written_and_says_goodbye() {
    corio::run(|| {
        let (near, far) = connection()?;
        let (near, mut far) = shake_hands(Trickle::new(near), far)?;
        let bytes = pattern(60_000);
        (&near).write_all(&bytes)?;
        near.close();
        assert!((&near).write(b"more").is_err());
        let mut received = Vec::new();
        gather((|| near.wait_closed(), || Ok(far.read_to_end(&mut received)?)))?;
        assert!(received == bytes);
        assert_eq!((&near).read(&mut [0])?, 0);
        Ok(())
    })
    .unwrap();
}

#[test]
fn who_reads_when_the_connection_is_closed_from_this_side_sees_its_end() {
    corio::run(|| {
        let (near, _far) = tls_connection()?;
        task_group(|group| {
            let reading = group.create_task(|| Ok((&near).read(&mut [0])?));
            yield_now()?;
            near.close();
            assert_eq!(reading.wait()?, 0);
            Ok(())
        })
    })
    .unwrap();
}

#[test]
fn a_dropped_stream_says_goodbye() {
    corio::run(|| {
        let (near, mut far) = tls_connection()?;
        (&near).write_all(b"bye")?;
        drop(near);
        let mut text = String::new();
        far.read_to_string(&mut text)?;
        assert_eq!(text, "bye");
        Ok(())
    })
    .unwrap();
}

#[test]
fn reads_that_are_cancelled_lose_nothing() {
    corio::run(|| {
        let (near, far) = connection()?;
        let (near, far) = shake_hands(Trickle::new(near), Trickle::new(far))?;
        let bytes = pattern(20_000);
        let mut cancelled = 0;
        task_group(|group| {
            group.create_task(|| {
                for piece in bytes.chunks(1111) {
                    (&near).write_all(piece)?;
                    (&near).flush()?;
                    for _ in 0..5 {
                        yield_now()?;
                    }
                }
                near.write_eof()
            });
            let mut received = Vec::new();
            loop {
                let reading = group.create_task(|| {
                    let mut buffer = [0; 700];
                    let count = (&far).read(&mut buffer)?;
                    Ok(buffer[..count].to_vec())
                });
                yield_now()?;
                reading.cancel();
                match reading.wait() {
                    Ok(some) if some.is_empty() => break,
                    Ok(some) => received.extend(some),
                    Err(error) => {
                        assert!(error.is_cancelled(), "{error}");
                        cancelled += 1;
                        yield_now()?;
                    }
                }
            }
            assert!(received == bytes);
            Ok(())
        })?;
        assert!(cancelled > 10, "{cancelled}");
        Ok(())
    })
    .unwrap();
}

#[test]
fn writes_that_are_cancelled_were_done_or_not() {
    corio::run(|| {
        let (near, far) = connection()?;
        let (near, mut far) = shake_hands(Trickle::new(near), far)?;
        let bytes = pattern(300_000);
        let mut cancelled = 0;
        task_group(|group| {
            let receiving = group.create_task(|| {
                let mut received: Vec<u8> = Vec::new();
                let mut buffer = vec![0; 50_000];
                loop {
                    match far.read(&mut buffer)? {
                        0 => return Ok(received),
                        count => received.extend(&buffer[..count]),
                    }
                }
            });
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let piece = &rest[..rest.len().min(100_000)];
                let near = &near;
                let writing = group.create_task(move || {
                    let mut near = near;
                    Ok(near.write(piece)?)
                });
                yield_now()?;
                writing.cancel();
                match writing.wait() {
                    Ok(count) => rest = &rest[count..],
                    Err(error) => {
                        assert!(error.is_cancelled(), "{error}");
                        cancelled += 1;
                    }
                }
            }
            near.write_eof()?;
            assert!(receiving.wait()? == bytes);
            Ok(())
        })?;
        assert!(cancelled > 0);
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_peer_that_does_not_read_costs_no_more_memory_than_the_mark() {
    corio::run(|| {
        let (near, _far) = tls_connection()?;
        let (_reader, writer) = near.into_streams();
        let error = timeout(ms(20), || {
            loop {
                writer.write([0; 16 * 1024])?;
            }
            #[expect(unreachable_code, reason = "says what the closure returns")]
            Ok(())
        });
        assert!(error.unwrap_err().is_timeout());
        assert!(writer.write_buffer_size() <= 64 * 1024);
        Ok(())
    })
    .unwrap();
}

#[test]
fn who_is_not_trusted_is_told_why() {
    corio::run(|| {
        let (near, far) = connection()?;
        let roots = RootCertStore::empty();
        let suspicious = ClientConfig::builder().with_root_certificates(roots);
        let session =
            ClientConnection::new(Arc::new(suspicious.with_no_client_auth()), localhost())?;
        let serving = create_task(move || tls::accept(far, &server_config()));
        let error = tls::start_tls(near, session).unwrap_err();
        assert!(error.downcast_ref::<HandshakeFailed>().is_some(), "{error}");
        assert!(error.to_string().contains("UnknownIssuer"), "{error}");
        let error = serving.wait().unwrap_err();
        let rustls::Error::AlertReceived(_) = error.downcast_ref().unwrap() else {
            panic!("{error}");
        };
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_is_no_tls_is_refused() {
    corio::run(|| {
        let (near, mut far) = connection()?;
        far.write_all(b"HTTP/1.0 400 Speak plainly\r\n\r\n")?;
        let error = tls::start_tls(near, client_session()).unwrap_err();
        assert!(error.downcast_ref::<HandshakeFailed>().is_some(), "{error}");

        let (near, far) = connection()?;
        drop(far);
        let error = tls::start_tls(near, client_session()).unwrap_err();
        assert!(error.downcast_ref::<HandshakeFailed>().is_none());
        let error = error.downcast_ref::<io::Error>().unwrap();
        assert!(
            matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset),
            "{error}",
        );
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_handshake_that_is_cut_short_is_an_error_wherever_that_is() {
    corio::run(|| {
        let mut hello = Vec::new();
        client_session().write_tls(&mut hello)?;
        for cut in [1, 5, 6, hello.len() - 1] {
            let (mut near, far) = connection()?;
            let serving = create_task(move || tls::accept(far, &server_config()));
            near.write_all(&hello[..cut])?;
            near.shutdown(Shutdown::Write)?;
            let error = serving.wait().unwrap_err();
            let error = error.downcast_ref::<io::Error>().unwrap();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "after {cut}");
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_is_no_tls_after_all_breaks_the_connection_for_both() {
    corio::run(|| {
        let (near, far) = connection()?;
        let in_the_clear = far.try_clone()?;
        let (near, far) = shake_hands(near, far)?;
        let (mut reader, writer) = near.into_streams();
        (&far).write_all(b"all is well\n")?;
        assert_eq!(reader.read_line()?, b"all is well\n");
        (&in_the_clear).write_all(&[7; 100])?;
        for _ in 0..2 {
            let error = reader.read_line().unwrap_err();
            let Some(rustls::Error::InvalidMessage(_)) = error.downcast_ref() else {
                panic!("{error}");
            };
        }
        assert!(writer.write("x").is_err());
        let error = corio::Error::from((&far).read(&mut [0; 8]).unwrap_err());
        let Some(rustls::Error::AlertReceived(_)) = error.downcast_ref() else {
            panic!("{error}");
        };
        writer.close();
        assert!(writer.wait_closed().is_err());
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_name_is_checked_before_anybody_is_connected_to() {
    let error = tls::connect("no name", 1, client_config()).unwrap_err();
    assert!(error.downcast_ref::<rustls::pki_types::InvalidDnsNameError>().is_some(), "{error}");
}

fn shout(mut reader: StreamReader, writer: StreamWriter) -> Result<()> {
    for line in reader.lines() {
        writer.write(format!("{}!\n", line?.to_uppercase()))?;
    }
    Ok(())
}

#[test]
fn streams_and_servers_speak_tls() {
    corio::run(|| {
        let server = start_server(tls::secure(server_config(), shout), "127.0.0.1:0")?;
        let session = || {
            let mut config = configs().client.clone();
            config.enable_sni = false;
            ClientConnection::new(Arc::new(config), localhost())
        };
        let stream = TcpStream::connect(server.local_addr())?;
        let (mut reader, writer) = tls::start_tls(stream, session()?)?.into_streams();
        writer.write("hello\n")?;
        assert_eq!(reader.read_line()?, b"HELLO!\n");
        writer.write_eof()?;
        assert_eq!(reader.read_line()?, b"", "an end in good order");
        drop((reader, writer));
        server.shutdown(Duration::from_secs(1))?;
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_connection_goes_over_to_tls() {
    corio::run(|| {
        let greet = |mut reader: StreamReader, writer: StreamWriter| {
            writer.write("220 ready\n")?;
            assert_eq!(reader.read_line()?, b"STARTTLS\n");
            writer.start_tls(&mut reader, server_session())?;
            shout(reader, writer)
        };
        let server = start_server(greet, "127.0.0.1:0")?;
        let (mut reader, writer) = open_connection(server.local_addr())?;
        assert_eq!(reader.read_line()?, b"220 ready\n");
        // Not waiting for an answer, so that the server may have read more than the line.
        writer.write("STARTTLS\n")?;
        writer.start_tls(&mut reader, client_session())?;
        assert!(writer.transport::<TlsTransport>().is_some());
        writer.write("secret\n")?;
        assert_eq!(reader.read_line()?, b"SECRET!\n");
        assert_eq!(server.clients(), 1);
        server.close_clients();
        assert_eq!(reader.read_line()?, b"");
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_came_in_the_clear_is_not_taken_for_what_came_by_tls() {
    corio::run(|| {
        let (mut reader, writer, mut far) = stream_and_socket()?;
        far.write_all(b"STARTTLS\nMAIL FROM: mallory\n")?;
        assert_eq!(reader.read_line()?, b"STARTTLS\n");
        let error = writer.start_tls(&mut reader, server_session()).unwrap_err();
        assert!(error.downcast_ref::<HandshakeFailed>().is_some(), "{error}");
        assert!(writer.is_closing());
        let error = writer.write("250 ok\n").unwrap_err();
        assert!(error.downcast_ref::<WriterClosed>().is_some());
        Ok(())
    })
    .unwrap();
}

#[test]
fn the_reader_of_another_connection_is_refused() {
    corio::run(|| {
        let (_reader, writer, mut far) = stream_and_socket()?;
        let (mut other, _writer, _far) = stream_and_socket()?;
        let error = writer.start_tls(&mut other, client_session()).unwrap_err();
        assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), ErrorKind::InvalidInput);
        writer.write("still in the clear")?;
        far.read_exact(&mut [0; 18])?;
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_handshake_that_is_cancelled_aborts_the_connection() {
    corio::run(|| {
        let (mut reader, writer, mut far) = stream_and_socket()?;
        let error = timeout(ms(5), || writer.start_tls(&mut reader, client_session()));
        assert!(error.unwrap_err().is_timeout());
        assert!(writer.is_closing());
        far.read_to_end(&mut Vec::new())?;
        Ok(())
    })
    .unwrap();
}

#[test]
fn who_writes_while_hands_are_shaken_waits() {
    corio::run(|| {
        let (mut reader, writer, far) = stream_and_socket()?;
        task_group(|group| {
            let upgrading = group.create_task(|| writer.start_tls(&mut reader, client_session()));
            yield_now()?;
            let writing = group.create_task(|| writer.write("in secret"));
            assert!(writer.write_nowait("in the clear").is_err());
            let mut far = tls::accept(far, &server_config())?;
            let mut text = [0; 9];
            far.read_exact(&mut text)?;
            assert_eq!(&text, b"in secret");
            writing.wait()?;
            upgrading.wait()
        })
    })
    .unwrap();
}

#[derive(Debug)]
struct Slow(Arc<dyn rustls::server::ResolvesServerCert>);

impl rustls::server::ResolvesServerCert for Slow {
    fn resolve(
        &self,
        hello: rustls::server::ClientHello<'_>,
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        sleep(ms(2)).ok()?;
        self.0.resolve(hello)
    }
}

#[test]
fn whoever_looks_for_a_certificate_may_wait() {
    corio::run(|| {
        let mut config = configs().server.clone();
        config.cert_resolver = Arc::new(Slow(Arc::clone(&config.cert_resolver)));
        let (near, far) = connection()?;
        gather((
            || tls::start_tls(near, client_session()),
            || tls::accept(far, &Arc::new(config)),
        ))?;
        Ok(())
    })
    .unwrap();
}

#[cfg(unix)]
#[test]
fn tls_goes_over_unix_sockets() {
    corio::run(|| {
        let (near, far) = corio::net::UnixStream::pair()?;
        let (near, far) = shake_hands(near, far)?;
        both_ways(&near, &far, 300_000)
    })
    .unwrap();
}

#[test]
fn a_client_that_goes_without_having_read_all_is_gone_for_its_server_too() {
    corio::run(|| {
        let flood = |_, writer: StreamWriter| -> Result<()> {
            loop {
                writer.write([0; 10_000])?;
            }
        };
        let server = start_server(tls::secure(server_config(), flood), "127.0.0.1:0")?;
        for way in 0..50 {
            let stream = TcpStream::connect(server.local_addr())?;
            let stream = tls::start_tls(stream, client_session())?;
            let (mut reader, writer) = stream.into_streams();
            // The server sends until there is no room, neither with it nor here.
            reader.read_exact(&mut [0])?;
            sleep(ms(20))?;
            // How much the system has taken in is its own business; sometimes little is left.
            reader.read_exact(&mut vec![0; way / 2 * 10_000])?;
            if way % 2 == 0 {
                writer.abort()
            } else {
                writer.close()
            }
            drop((reader, writer));
            timeout(Duration::from_secs(20), || {
                while server.clients() > 0 {
                    sleep(ms(1))?;
                }
                Ok(())
            })?;
        }
        Ok(())
    })
    .unwrap();
}
