//! A small web server: greets whoever asks, and sends back what is posted to it.
//!
//! `cargo run --release --example http_server 127.0.0.1:8000` serves at that address until SIGTERM or
//! Ctrl-C; without one, the program is a client of its own, sends itself the signal, and ends.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use corio::signal::{self, SIGINT, SIGTERM, Signals};
use corio::{IncompleteRead, LimitOverrun, Result, StreamReader, StreamWriter};
use corio::{create_task, open_connection, start_server, timeout};

/// How much a client may send, and how long that, or to read the answer, may take.
const MAX_HEAD: usize = 16 * 1024;
const MAX_BODY: usize = 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

type Status = &'static str;
struct Request {
    method: String,
    path: String,
    body: Vec<u8>,
    keep_alive: bool,
}

/// Answers one request after the other, until the client has no more.
fn attend(mut reader: StreamReader, writer: StreamWriter) -> Result<()> {
    reader.set_limit(MAX_HEAD);
    loop {
        let (status, body, keep_alive) = match timeout(PATIENCE, || receive(&mut reader)) {
            Ok(Ok(None)) => return Ok(()),
            Ok(Ok(Some(request))) => answer(request),
            Ok(Err(status)) => (status, status.into(), false),
            Err(error) if error.is_timeout() => ("408 Request Timeout", Vec::new(), false),
            Err(error) => return Err(error),
        };
        timeout(PATIENCE, || respond(&writer, status, &body, keep_alive))?;
        if !keep_alive {
            // The rest is listened to: a connection that ends before is reset, the answer lost.
            writer.write_eof()?;
            let mut rest = reader.take(MAX_BODY as u64);
            return timeout(PATIENCE, || Ok(io::copy(&mut rest, &mut io::sink()).map(drop)?));
        }
    }
}

/// The next request; `None` if there is none, or the status of one that cannot be answered.
fn receive(reader: &mut StreamReader) -> Result<Result<Option<Request>, Status>> {
    let head = match reader.read_until("\r\n\r\n") {
        Ok(head) => head,
        Err(error) => match error.downcast_ref::<IncompleteRead>() {
            Some(end) if end.partial.is_empty() => return Ok(Ok(None)),
            Some(_) => return Ok(Err("400 Bad Request")),
            None if error.downcast_ref::<LimitOverrun>().is_none() => return Err(error),
            None => return Ok(Err("431 Request Header Fields Too Large")),
        },
    };
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut parsed = httparse::Request::new(&mut fields);
    if parsed.parse(&head).is_err() {
        return Ok(Err("400 Bad Request"));
    }
    let (method, path) = (parsed.method.unwrap_or_default(), parsed.path.unwrap_or_default());
    let field = |name: &str| {
        let mut named = parsed.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        named.next().map(|field| str::from_utf8(field.value).unwrap_or("?"))
    };
    let length = match (field("transfer-encoding"), field("content-length").map(str::parse)) {
        (Some(_), _) => return Ok(Err("411 Length Required")),
        (None, Some(Err(_))) => return Ok(Err("400 Bad Request")),
        (None, Some(Ok(length))) if length > MAX_BODY => return Ok(Err("413 Content Too Large")),
        (None, Some(Ok(length))) => length,
        (None, None) => 0,
    };
    let keep_alive = parsed.version == Some(1) && field("connection") != Some("close");
    let (method, path, body) = (method.into(), path.into(), reader.read_exactly(length)?);
    Ok(Ok(Some(Request { method, path, body, keep_alive })))
}

fn answer(Request { method, path, body, keep_alive }: Request) -> (Status, Vec<u8>, bool) {
    let (status, body) = match (&method[..], &path[..]) {
        ("GET", "/") => ("200 OK", b"hello\n".into()),
        ("POST", "/") => ("200 OK", body),
        ("GET" | "POST", path) => ("404 Not Found", format!("no {path}\n").into()),
        _ => ("405 Method Not Allowed", Vec::new()),
    };
    (status, body, keep_alive)
}

fn respond(to: &StreamWriter, status: Status, body: &[u8], keep_alive: bool) -> Result<()> {
    let (length, last) = (body.len(), if keep_alive { "" } else { "Connection: close\r\n" });
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{last}\r\n");
    to.write([head.as_bytes(), body].concat())
}

fn visit(address: SocketAddr) -> Result<()> {
    let (mut reader, writer) = open_connection(address)?;
    writer.write("GET / HTTP/1.1\r\n\r\nGET /nowhere HTTP/1.1\r\n\r\nnonsense\r\n\r\n")?;
    writer.write_eof()?;
    let mut answers = String::new();
    reader.read_to_string(&mut answers)?;
    println!("{}", answers.replace('\r', ""));
    let statuses = answers.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 "));
    assert!(statuses.eq(["200 OK", "404 Not Found", "400 Bad Request"]), "{answers}");
    Ok(signal::raise(SIGTERM)?)
}

fn main() -> Result<()> {
    let address = std::env::args().nth(1);
    corio::run(|| {
        let server = start_server(attend, address.as_deref().unwrap_or("127.0.0.1:0"))?;
        let (local, told) = (server.local_addr(), Signals::new([SIGINT, SIGTERM])?);
        println!("serving at http://{local}/");
        let visit = address.is_none().then(|| create_task(move || visit(local)));
        told.wait()?;
        println!("{} clients took too long", server.shutdown(Duration::from_secs(2))?);
        visit.map_or(Ok(()), |visit| visit.wait())
    })
}
