//! corio: a task for each connection, in a group; and asyncio's streams.

use std::io::{self, Read, Write};

use corio::net::{TcpListener, TcpStream};

use super::{ANY_PORT, announce, buffer};
use crate::harness::Result;

pub(super) fn serve() -> Result<()> {
    let served = corio::run(|| {
        let listener = TcpListener::bind(ANY_PORT)?;
        announce(listener.local_addr()).map_err(|error| io::Error::other(error.to_string()))?;
        corio::task_group(|group| {
            for stream in listener.incoming() {
                let stream = stream?;
                group.create_task(|| {
                    let _ = echo(stream); // a connection that breaks is not the group's failure
                    Ok(())
                });
            }
            Ok(())
        })
    });
    served.map_err(|error| error.to_string().into())
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

pub(crate) fn serve_streams() -> Result<()> {
    let served = corio::run(|| {
        let handler = |reader, writer| {
            let _ = echo_streams(reader, writer); // not to be reported
            Ok(())
        };
        let server = corio::start_server(handler, ANY_PORT)?;
        let address = Ok(server.local_addr());
        announce(address).map_err(|error| io::Error::other(error.to_string()))?;
        server.serve_forever()
    });
    served.map_err(|error| error.to_string().into())
}

fn echo_streams(mut reader: corio::StreamReader, writer: corio::StreamWriter) -> corio::Result<()> {
    let mut buffer = buffer();
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            n => writer.write(&buffer[..n])?,
        }
    }
}
