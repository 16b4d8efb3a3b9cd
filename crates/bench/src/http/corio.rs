//! corio: a task for each connection; requests parsed by httparse, answers written by hand.

use std::{
    cell::RefCell,
    io::{self, Read, Write},
    rc::Rc,
    time::{Duration, SystemTime},
};

use corio::net::{TcpListener, TcpStream};

use super::BODY;
use crate::{
    echo::servers::{ANY_PORT, announce},
    harness::Result,
};

pub(super) fn serve() -> Result<()> {
    let served = corio::run(|| {
        let listener = TcpListener::bind(ANY_PORT)?;
        announce(listener.local_addr()).map_err(|error| io::Error::other(error.to_string()))?;
        let answer = Rc::new(RefCell::new(answer()));
        corio::task_group(|group| {
            // The date changes once a second, as hyper's does.
            group.create_task(|| -> corio::Result<()> {
                loop {
                    corio::sleep(Duration::from_secs(1))?;
                    answer.replace(self::answer());
                }
            });
            for stream in listener.incoming() {
                let (stream, answer) = (stream?, Rc::clone(&answer));
                group.create_task(move || {
                    let _ = converse(stream, &answer); // nobody else's failure
                    Ok(())
                });
            }
            Ok(())
        })
    });
    served.map_err(|error| error.to_string().into())
}

fn answer() -> Vec<u8> {
    let date = httpdate::fmt_http_date(SystemTime::now());
    let length = BODY.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\ndate: {date}\r\n\r\n{BODY}")
        .into_bytes()
}

fn converse(mut stream: TcpStream, answer: &RefCell<Vec<u8>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 8 * 1024];
    let mut filled = 0;
    let mut out = Vec::new();
    loop {
        match stream.read(&mut buffer[filled..])? {
            0 => return Ok(()),
            n => filled += n,
        }
        let mut parsed = 0;
        while let Some(length) = request(&buffer[parsed..filled])? {
            parsed += length;
            out.extend_from_slice(&answer.borrow());
        }
        buffer.copy_within(parsed..filled, 0);
        filled -= parsed;
        stream.write_all(&out)?;
        out.clear();
    }
}

/// The length of the request that `bytes` begin with, if it is complete. It has no body.
fn request(bytes: &[u8]) -> io::Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    match httparse::Request::new(&mut headers).parse(bytes) {
        Ok(httparse::Status::Complete(length)) => Ok(Some(length)),
        Ok(httparse::Status::Partial) => Ok(None),
        Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
    }
}
