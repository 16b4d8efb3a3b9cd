//! may_minihttp on may, with one worker.

use std::{io, net::TcpListener};

use may_minihttp::{HttpServer, HttpService, Request, Response};

use super::BODY;
use crate::{
    echo::servers::{ANY_PORT, announce},
    harness::Result,
};

pub(super) fn serve() -> Result<()> {
    may::config().set_workers(1);
    // It does not say which port it got, so one is looked for that is free.
    let address = TcpListener::bind(ANY_PORT)?.local_addr()?;
    let server = HttpServer(Answer).start(address)?;
    announce(Ok(address))?;
    server.join().map_err(|_| "the server panicked".into())
}

#[derive(Clone)]
struct Answer;

impl HttpService for Answer {
    fn call(&mut self, _: Request, response: &mut Response) -> io::Result<()> {
        response.body(BODY);
        Ok(())
    }
}
