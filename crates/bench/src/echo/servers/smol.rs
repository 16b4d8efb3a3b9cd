//! smol: a `LocalExecutor` under `block_on`, which drives the reactor; a task for each connection.
//!
//! Written with the crates that the facade `smol` re-exports.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
};

use async_executor::LocalExecutor;
use async_io::Async;
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use super::{ANY_PORT, announce, buffer};
use crate::harness::Result;

pub(super) fn serve() -> Result<()> {
    let executor = LocalExecutor::new();
    async_io::block_on(executor.run(async {
        let listener = Async::<TcpListener>::bind(ANY_PORT.parse::<SocketAddr>()?)?;
        announce(listener.get_ref().local_addr())?;
        loop {
            let (stream, _) = listener.accept().await?;
            executor.spawn(echo(stream)).detach();
        }
    }))
}

async fn echo(mut stream: Async<TcpStream>) -> io::Result<()> {
    stream.get_ref().set_nodelay(true)?;
    let mut buffer = buffer();
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n]).await?,
        }
    }
}
