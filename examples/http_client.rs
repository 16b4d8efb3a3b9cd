//! Fetches web pages, several at a time, and says what came.
//!
//! `cargo run --release --example http_client http://example.org/ https://example.com/` does that.
//! `--ca FILE` names the certificates that are trusted, instead of the system's. Without URLs, the
//! program fetches a few pages from a server of its own, one of which never comes.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corio::iter::IteratorExt;
use corio::tls::rustls::pki_types::{CertificateDer, pem::PemObject};
use corio::tls::rustls::{ClientConfig, RootCertStore};
use corio::{Error, Result, StreamReader, StreamWriter, sleep, start_server, timeout, tls};

/// How many pages are under way at a time; how long one may take, and how much of it is wanted.
const AT_A_TIME: usize = 8;
const PATIENCE: Duration = Duration::from_secs(10);
const MAX_BODY: u64 = 64 * 1024 * 1024;
/// Where Linux systems keep the certificates that they trust.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

struct Page {
    status: u16,
    length: usize,
    took: Duration,
}

/// Asks by HTTP/1.0, by which the end of the connection is the end of the page.
fn fetch(url: &str, ca: &str) -> Result<Page> {
    let began = Instant::now();
    let malformed = || Error::msg("it is no URL of http or https");
    let (scheme, rest) = url.split_once("://").ok_or_else(malformed)?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let port = |default| if port.is_empty() { Ok(default) } else { port.parse() };
    let (mut reader, writer) = match scheme {
        "http" => corio::open_connection((host, port(80)?))?,
        "https" => tls::open_connection(host, port(443)?, trusting(ca)?)?,
        _ => return Err(malformed()),
    };
    let path = if path.is_empty() { "/" } else { path };
    writer.write(format!("GET {path} HTTP/1.0\r\nHost: {authority}\r\n\r\n"))?;
    let head = reader.read_until("\r\n\r\n")?;
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut parsed = httparse::Response::new(&mut fields);
    parsed.parse(&head)?;
    let mut body = Vec::new();
    reader.take(MAX_BODY).read_to_end(&mut body)?;
    Ok(Page { status: parsed.code.unwrap_or(0), length: body.len(), took: began.elapsed() })
}

fn trusting(ca: &str) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(Arc::new(config))
}

/// Fetches all of them. Says how many came.
fn fetch_all(urls: Vec<String>, ca: String, limit: Duration) -> Result<usize> {
    let pages = urls.into_iter().map_concurrent_unordered(AT_A_TIME, move |url| {
        let page = timeout(limit, || fetch(&url, &ca));
        Ok((url, page))
    });
    let mut came = 0;
    for page in pages {
        match page? {
            (url, Ok(Page { status, length, took })) => {
                println!("{url}: {status}, {length} bytes in {took:.1?}");
                came += 1;
            }
            (url, Err(error)) => println!("{url}: {error}"),
        }
    }
    Ok(came)
}

/// A server that sends as many bytes as its client asks for, but not 13.
fn serve(mut reader: StreamReader, writer: StreamWriter) -> Result<()> {
    let head = String::from_utf8(reader.read_until("\r\n\r\n")?)?;
    let wanted = head.split([' ', '/']).find_map(|word| word.parse().ok()).unwrap_or(0);
    if wanted == 13 {
        sleep(Duration::MAX)?;
    }
    writer.write("HTTP/1.0 200 OK\r\n\r\n")?;
    writer.write(vec![b'x'; wanted])
}

fn main() -> Result<()> {
    let mut parser = lexopt::Parser::from_env();
    let (mut urls, mut ca) = (Vec::new(), SYSTEM_CA.to_owned());
    while let Some(argument) = parser.next()? {
        use lexopt::{Arg, ValueExt};
        match argument {
            Arg::Long("ca") => ca = parser.value()?.string()?,
            Arg::Value(url) => urls.push(url.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    corio::run(|| {
        if !urls.is_empty() {
            let asked = urls.len();
            let came = fetch_all(urls, ca, PATIENCE)?;
            let missing = || Error::msg(format!("{} of {asked} did not come", asked - came));
            return if came == asked { Ok(()) } else { Err(missing()) };
        }
        let server = start_server(serve, "127.0.0.1:0")?;
        let url = |bytes| format!("http://{}/{bytes}", server.local_addr());
        let urls = [1_000_000, 13, 20].map(url).to_vec();
        assert_eq!(fetch_all(urls, ca, Duration::from_millis(500))?, 2);
        server.shutdown(Duration::ZERO).map(drop)
    })
}
