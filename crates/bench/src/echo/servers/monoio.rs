//! monoio: io_uring, a task for each connection; as in its own `echo` example, reads and writes take the buffer and hand
//! it back.

use std::io;

use monoio::{
    IoUringDriver, RuntimeBuilder,
    io::{AsyncReadRent, AsyncWriteRentExt},
    net::{TcpListener, TcpStream},
    utils::detect_uring,
};

use super::{ANY_PORT, announce, buffer_size, skip};
use crate::harness::Result;

pub(super) fn serve() -> Result<()> {
    if !detect_uring() {
        return skip("io_uring is not available, or not allowed, on this system");
    }
    RuntimeBuilder::<IoUringDriver>::new().build()?.block_on(async {
        let listener = TcpListener::bind(ANY_PORT)?;
        announce(listener.local_addr())?;
        loop {
            let (stream, _) = listener.accept().await?;
            monoio::spawn(echo(stream));
        }
    })
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(buffer_size());
    loop {
        let (read, filled) = stream.read(buffer).await;
        if read? == 0 {
            return Ok(());
        }
        let (written, emptied) = stream.write_all(filled).await;
        written?;
        buffer = emptied;
        buffer.clear();
    }
}
