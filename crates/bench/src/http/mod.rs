//! `http`: keep-alive HTTP/1.1 servers: httparse on corio, hyper on tokio, may_minihttp, Go's net/http.
//!
//! Each is asked the same over and over, in a process of its own, and answers with the same thirteen bytes and a date.
//! corio's is written by hand over httparse, as there is no framework for it, and may_minihttp does little more;
//! hyper and net/http are complete: what they show is what a server costs on one and on the other, not which is the better
//! HTTP.
//!
//! They are asked by the [closed loop](crate::echo::closed) of `echo`; and then by [wrk], if it is there, whose figures
//! stand in tables of their own. Go and wrk are left out of a quick run.

mod corio;
mod go;
mod hyper;
mod may;
mod wrk;

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
};

use crate::{
    echo::{
        client::{Exchange, PATIENCE},
        closed::ClosedLoop,
        process::{self, Cores, Process},
        round::{Round, play, show},
        servers::{self, BUFFER, Server},
    },
    harness::{Bench, Result, Session},
};

pub(crate) const BENCH: Bench = Bench {
    name: "http",
    about: "keep-alive HTTP/1.1: httparse on corio, hyper on tokio, may_minihttp, Go; each on one core",
    run,
    child: Some(|arguments| servers::serve(SERVERS, arguments)),
};

const SERVERS: &[Server] = &[
    Server::of("http", "corio", corio::serve),
    Server::of("http", "tokio", hyper::serve),
    Server::of("http", "may", may::serve),
];

const BODY: &str = "Hello, world!";

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: corio-bench\r\n\
    Accept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip\r\n\r\n";

fn run(session: &Session) -> Result<()> {
    process::raise_file_limit()?;
    let cores = Cores::choose(session)?;
    let go = go(session);
    let go_server = go.as_ref().map(go::Program::server);
    let mut servers: Vec<&Server> = SERVERS.iter().chain(&go_server).collect();
    servers.retain(|server| session.wants(server.name));
    for connections in [50, 1000] {
        let samples = play(session, &mut servers, &cores, BUFFER, |server| {
            Round::measure(session, server, &mut closed_loop(server, connections)?)
        })?;
        let what = format!("requests on {connections} connections");
        show(session, &format!("http/{connections}"), &what, &samples);
    }
    if session.quick {
        return Ok(());
    }
    if !wrk::is_there() {
        session.note("there is no wrk to ask as well");
        return Ok(());
    }
    for connections in [50, 1000] {
        let ask = |server: &Process| wrk::measure(server, connections);
        let samples = play(session, &mut servers, &cores, BUFFER, ask)?;
        wrk::show(session, connections, &samples);
    }
    Ok(())
}

/// Go's server, if it can be built and is wanted.
fn go(session: &Session) -> Option<go::Program> {
    if session.quick || !session.wants("go") {
        return None;
    }
    let program = go::Program::build();
    program.inspect_err(|error| session.note(&format!("go is left out: {error}"))).ok()
}

/// A closed loop of requests.
fn closed_loop(server: &Process, connections: usize) -> Result<ClosedLoop> {
    let answer = length_of_answer(server.port())?;
    let exchange = Exchange { message: REQUEST.to_vec(), answer };
    let is_right = |answer: &[u8]| answer.starts_with(b"HTTP/1.1 200 ");
    Ok(ClosedLoop::connect(server.port(), connections, exchange, is_right)?)
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
