//! An HTTP client for servers that announce how long their responses are, as ours does.

use std::io::{self, BufRead, BufReader, Read, Take, Write};
use std::net::SocketAddr;

use corio::net::TcpStream;

use crate::request;

const MAX_HEAD: u64 = 16 * 1024;
const MAX_FIELDS: usize = 32;

/// A client, and its connection while it has one that is free.
pub struct Client {
    address: SocketAddr,
    connection: Option<BufReader<TcpStream>>,
}

/// A response, and the connection that its body is read from.
pub struct Response {
    pub status: u16,
    pub is_html: bool,
    pub location: Option<String>,
    pub length: u64,
    pub body: Take<BufReader<TcpStream>>,
    keep_alive: bool,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, connection: None }
    }

    /// Asks for what is at `path`.
    pub fn get(&mut self, path: &str) -> corio::Result<Response> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        if let Some(connection) = self.connection.take() {
            match exchange(connection, &request) {
                // The server may have closed it in the meantime. That is no failure yet.
                Err(error) if !error.is_cancelled() => {}
                result => return result,
            }
        }
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        exchange(BufReader::new(stream), &request)
    }

    /// Passes over what is left of the body, and takes the connection back for the next request.
    ///
    /// A response that does not get here takes its connection with it.
    pub fn finish(&mut self, mut response: Response) -> io::Result<()> {
        loop {
            match response.body.fill_buf()?.len() {
                0 if response.body.limit() > 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                0 => break,
                available => response.body.consume(available),
            }
        }
        self.connection = response.keep_alive.then(|| response.body.into_inner());
        Ok(())
    }
}

/// Sends the request and receives the head of the response.
fn exchange(mut connection: BufReader<TcpStream>, request: &str) -> corio::Result<Response> {
    connection.get_mut().write_all(request.as_bytes())?;
    let mut head = Vec::new();
    loop {
        let room = MAX_HEAD - head.len() as u64;
        if connection.by_ref().take(room).read_until(b'\n', &mut head)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        if parsed.parse(&head)?.is_complete() {
            return Response::new(&parsed, connection);
        }
    }
}

impl Response {
    fn new(
        head: &httparse::Response<'_, '_>,
        connection: BufReader<TcpStream>,
    ) -> corio::Result<Self> {
        let field = |name: &'static str| request::values(head.headers, name).next();
        let length = field("content-length").ok_or_else(|| corio::Error::msg("no length"))?;
        let length = length.parse()?;
        Ok(Self {
            status: head.code.unwrap_or_default(),
            is_html: field("content-type").is_some_and(|kind| kind.starts_with("text/html")),
            location: field("location").map(str::to_owned),
            length,
            body: connection.take(length),
            keep_alive: request::keep_alive(head.version, head.headers),
        })
    }
}
