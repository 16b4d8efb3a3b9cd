//! Responses, and how they are sent.

use std::fmt::{self, Write as _};
use std::io::{self, Cursor, Read, Write as _};
use std::time::Duration;

use corio::net::TcpStream;
use corio::timeout;

/// How long a client may take to make room for another chunk.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// How much of a body is in memory at a time.
const CHUNK: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    code: u16,
    reason: &'static str,
}

impl Status {
    pub const OK: Self = Self::new(200, "OK");
    pub const MOVED: Self = Self::new(301, "Moved Permanently");
    pub const BAD_REQUEST: Self = Self::new(400, "Bad Request");
    pub const FORBIDDEN: Self = Self::new(403, "Forbidden");
    pub const NOT_FOUND: Self = Self::new(404, "Not Found");
    pub const NOT_ALLOWED: Self = Self::new(405, "Method Not Allowed");
    pub const REQUEST_TIMEOUT: Self = Self::new(408, "Request Timeout");
    pub const HEAD_TOO_LARGE: Self = Self::new(431, "Request Header Fields Too Large");
    pub const UNAVAILABLE: Self = Self::new(503, "Service Unavailable");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.reason)
    }
}

/// A status, and a body that is read while it is sent.
pub struct Response {
    status: Status,
    /// The header fields that are this response's own, a line each.
    fields: String,
    length: u64,
    body: Box<dyn Read>,
}

impl Response {
    /// The contents of a file of this length, or of anything else that can be read.
    pub fn new(kind: &str, length: u64, body: impl Read + 'static) -> Self {
        let response =
            Self { status: Status::OK, fields: String::new(), length, body: Box::new(body) };
        response.field("Content-Type", kind)
    }

    pub fn page(html: String) -> Self {
        Self::new("text/html; charset=utf-8", html.len() as u64, Cursor::new(html))
    }

    /// A status and nothing more to say.
    pub fn plain(status: Status) -> Self {
        let text = format!("{status}\n");
        let body = Self::new("text/plain; charset=utf-8", text.len() as u64, Cursor::new(text));
        Self { status, ..body }
    }

    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        write!(self.fields, "{name}: {value}\r\n").expect("a string takes what it is given");
        self
    }

    /// Sends the response, a chunk at a time, the first of them together with the head.
    ///
    /// Bodies are local files, and are read on the loop's thread: a chunk takes microseconds. What
    /// may take long is the client, so it is the writes that wait, and are under a timeout.
    pub fn send(self, stream: &TcpStream, keep_alive: bool, with_body: bool) -> corio::Result<()> {
        let mut chunk = self.head(keep_alive).into_bytes();
        let mut body = self.body.take(if with_body { self.length } else { 0 });
        chunk.reserve(body.limit().min(CHUNK as u64) as usize);
        loop {
            let room = CHUNK.saturating_sub(chunk.len());
            body.by_ref().take(room as u64).read_to_end(&mut chunk)?;
            if chunk.is_empty() {
                break;
            }
            timeout(WRITE_PATIENCE, || Ok((&*stream).write_all(&chunk)?))?;
            chunk.clear();
        }
        match body.limit() {
            0 => Ok(()),
            // The length has been promised: only closing the connection can tell the client.
            _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file has shrunk").into()),
        }
    }

    fn head(&self, keep_alive: bool) -> String {
        let Self { status, fields, length, .. } = self;
        let connection = if keep_alive { "keep-alive" } else { "close" };
        format!(
            "HTTP/1.1 {status}\r\n{fields}\
             Content-Length: {length}\r\nConnection: {connection}\r\n\r\n"
        )
    }
}
