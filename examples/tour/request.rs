//! Requests as they come in: who sends too much, too slowly, or nonsense is refused.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use corio::net::TcpStream;
use corio::timeout;

use crate::response::Status;

/// How long a connection may be silent between requests.
const IDLE: Duration = Duration::from_secs(30);
/// How long the head of a request may take, from its first byte to its last.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How many bytes the head of a request may have, and how many header fields.
const MAX_HEAD: usize = 16 * 1024;
const MAX_FIELDS: usize = 100;

/// The head of a request. A body is never wanted, so one that announces a body is its
/// connection's last.
pub struct Request {
    pub method: Method,
    pub target: String,
    /// Whether the connection can serve for another request.
    pub keep_alive: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Other,
}

/// A request that cannot be understood, and so is answered by a status and the end of the
/// connection.
#[derive(Debug)]
pub struct Refused(pub Status);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused: {}", self.0)
    }
}

impl std::error::Error for Refused {}

/// The requests that come over a connection, one after the other.
pub struct Requests<'a> {
    reader: BufReader<&'a TcpStream>,
}

impl<'a> Requests<'a> {
    pub fn new(stream: &'a TcpStream) -> Self {
        Self { reader: BufReader::new(stream) }
    }

    /// Waits for the next request. `None` if the client has closed the connection, or keeps it
    /// open for no reason.
    pub fn next(&mut self) -> corio::Result<Option<Request>> {
        match timeout(IDLE, || Ok(self.reader.fill_buf()?.is_empty())) {
            Ok(false) => {}
            Ok(true) => return Ok(None),
            Err(error) if error.is_timeout() => return Ok(None),
            Err(error) => return Err(error),
        }
        match timeout(HEAD_PATIENCE, || self.read_head()) {
            Err(error) if error.is_timeout() => Err(Refused(Status::REQUEST_TIMEOUT).into()),
            result => result.map(Some),
        }
    }

    /// Reads line by line until httparse is content. That parses the first lines again and again,
    /// which the limits make harmless, and refuses nonsense at its first line.
    fn read_head(&mut self) -> corio::Result<Request> {
        let mut head = Vec::new();
        loop {
            let room = MAX_HEAD - head.len();
            let read = self.reader.by_ref().take(room as u64).read_until(b'\n', &mut head)?;
            if let Some(request) = parse(&head)? {
                return Ok(request);
            }
            if head.len() == MAX_HEAD {
                return Err(Refused(Status::HEAD_TOO_LARGE).into());
            }
            if read == 0 {
                return Err(Refused(Status::BAD_REQUEST).into());
            }
        }
    }
}

/// The request that `head` is, or `None` if it is only the beginning of one.
fn parse(head: &[u8]) -> Result<Option<Request>, Refused> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Refused(Status::HEAD_TOO_LARGE)),
        Err(_) => return Err(Refused(Status::BAD_REQUEST)),
    }
    let method = match parsed.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => Method::Other,
    };
    let target = parsed.path.unwrap_or_default().to_owned();
    let keep_alive = keep_alive(parsed.version, parsed.headers) && !has_body(parsed.headers);
    Ok(Some(Request { method, target, keep_alive }))
}

/// Whether the sender of these fields will use the connection again.
pub fn keep_alive(version: Option<u8>, fields: &[httparse::Header<'_>]) -> bool {
    let asks_to = |what: &str| {
        values(fields, "connection")
            .flat_map(|value| value.split(','))
            .any(|option| option.trim().eq_ignore_ascii_case(what))
    };
    match version {
        Some(1) => !asks_to("close"),
        _ => asks_to("keep-alive"),
    }
}

fn has_body(fields: &[httparse::Header<'_>]) -> bool {
    values(fields, "transfer-encoding").next().is_some()
        || values(fields, "content-length").any(|length| length.trim() != "0")
}

/// The values of all fields of that name. One that is not text counts as empty.
pub fn values<'a>(
    fields: &'a [httparse::Header<'_>],
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    let named = fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    named.map(|field| str::from_utf8(field.value).unwrap_or_default())
}
