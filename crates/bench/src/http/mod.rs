//! `http`: a keep-alive HTTP/1.1 server on corio beside hyper on tokio.
//!
//! Each is asked the same over and over, by the [load generator](crate::echo::load) of `echo`, in a process of its own, and
//! answers with the same thirteen bytes and a date. corio's is written by hand over httparse, as there is no
//! framework for it: what the two show is what a server costs on one and on the other, not which is the
//! better HTTP.

mod corio;
mod hyper;

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
};

use crate::{
    echo::{
        load::{Exchange, Generator, PATIENCE},
        process::{self, Cores},
        round::{Round, play, show},
        servers::{self, Server},
    },
    harness::{Bench, Result, Session},
};

pub(crate) const BENCH: Bench = Bench {
    name: "http",
    about: "keep-alive HTTP/1.1: httparse on corio, hyper on tokio, each a process on one core",
    run,
    child: Some(|arguments| servers::serve(SERVERS, arguments)),
};

const SERVERS: &[Server] =
    &[Server::of("http", "corio", corio::serve), Server::of("http", "tokio", hyper::serve)];

const BODY: &str = "Hello, world!";

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: corio-bench\r\n\
    Accept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip\r\n\r\n";

fn run(session: &Session) -> Result<()> {
    process::raise_file_limit()?;
    let cores = Cores::choose(session)?;
    let mut servers: Vec<&Server> = SERVERS.iter().collect();
    servers.retain(|server| session.wants(server.name));
    for connections in [50, 1000] {
        let samples = play(session, &mut servers, &cores, |server| {
            let answer = length_of_answer(server.port())?;
            let exchange = Exchange { message: REQUEST.to_vec(), answer };
            let is_right = |answer: &[u8]| answer.starts_with(b"HTTP/1.1 200 ");
            let mut generator = Generator::connect(server.port(), connections, exchange, is_right)?;
            Round::measure(session, server, &mut generator)
        })?;
        let what = format!("requests on {connections} connections");
        show(session, &format!("http/{connections}"), &what, &samples);
    }
    Ok(())
}

/// Asks once to see how long an answer is. All are as long.
fn length_of_answer(port: u16) -> io::Result<usize> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(REQUEST)?;
    let mut answer = Vec::new();
    while !answer.ends_with(BODY.as_bytes()) {
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => answer.extend_from_slice(&buffer[..n]),
        }
    }
    Ok(answer.len())
}
