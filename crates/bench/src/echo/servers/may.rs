//! may: one worker, a coroutine for each connection, as in its own `echo` example.

use std::io::{self, Read, Write};

use may::net::{TcpListener, TcpStream};

use super::{ANY_PORT, announce, buffer};
use crate::harness::Result;

pub(super) fn serve() -> Result<()> {
    may::config().set_workers(1);
    let server = may::go!(|| -> Result<(), String> {
        let listener = TcpListener::bind(ANY_PORT).map_err(|error| error.to_string())?;
        announce(listener.local_addr()).map_err(|error| error.to_string())?;
        for stream in listener.incoming() {
            let stream = stream.map_err(|error| error.to_string())?;
            may::go!(move || echo(stream));
        }
        Ok(())
    });
    Ok(server.join().expect("the coroutine does not panic")?)
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = buffer();
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n])?,
        }
    }
}
