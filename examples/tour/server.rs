//! The server: a task for each connection, and none of them can harm the others.

use std::io::{self, Read};
use std::net::Shutdown;
use std::time::Duration;

use corio::net::{TcpListener, TcpStream};
use corio::{sleep, task_group, timeout};

use crate::request::{Method, Refused, Request, Requests};
use crate::response::{Response, Status};
use crate::site::Site;

/// How long to wait, when the system is short of something, before another connection is accepted.
const PAUSE: Duration = Duration::from_millis(50);
/// How long, and for how many bytes, a client whose connection ends is listened to.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 16 * 1024 * 1024;

/// Serves until it is cancelled, and its connections with it.
pub fn serve(listener: &TcpListener, site: &Site) -> corio::Result<()> {
    task_group(|group| {
        let mut in_trouble = false;
        loop {
            match listener.accept().map_err(corio::Error::from) {
                Ok((stream, _)) => {
                    in_trouble = false;
                    group.create_task(move || attend(&stream, site));
                }
                Err(error) if error.is_cancelled() => return Err(error),
                // Too many open files, as a rule: connections that end make it good.
                Err(error) => {
                    if !in_trouble {
                        eprintln!("no connection accepted for a while: {error}");
                    }
                    in_trouble = true;
                    sleep(PAUSE)?;
                }
            }
        }
    })
}

/// Sees a connection through. Whatever happens to it, a reset or a client that never reads, is no
/// failure of the group: only that this task was asked to stop is passed on.
fn attend(stream: &TcpStream, site: &Site) -> corio::Result<()> {
    let result = match answer_requests(stream, site) {
        Err(error) => match error.downcast_ref() {
            Some(Refused(status)) => refuse(stream, *status),
            None => Err(error),
        },
        result => result,
    };
    result.or_else(|error| if error.is_cancelled() { Err(error) } else { Ok(()) })
}

fn answer_requests(stream: &TcpStream, site: &Site) -> corio::Result<()> {
    // A response is written as a whole: nothing is gained by waiting for more.
    stream.set_nodelay(true)?;
    let mut requests = Requests::new(stream);
    while let Some(request) = requests.next()? {
        let with_body = request.method != Method::Head;
        answer(&request, site).send(stream, request.keep_alive, with_body)?;
        if !request.keep_alive {
            return say_goodbye(stream);
        }
    }
    Ok(())
}

fn answer(request: &Request, site: &Site) -> Response {
    match request.method {
        Method::Get | Method::Head => site.get(&request.target),
        Method::Other => Response::plain(Status::NOT_ALLOWED).field("Allow", "GET, HEAD"),
    }
}

fn refuse(stream: &TcpStream, status: Status) -> corio::Result<()> {
    Response::plain(status).send(stream, false, true)?;
    say_goodbye(stream)
}

/// Ends a connection so that the client gets to read the response: closing one on which bytes are
/// still under way resets it, and takes what was sent back.
fn say_goodbye(stream: &TcpStream) -> corio::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    timeout(LINGER, || {
        io::copy(&mut stream.take(LINGER_BYTES), &mut io::sink())?;
        Ok(())
    })
}
