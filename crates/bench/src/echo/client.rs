//! What every load generator does: connect, ask, and wait for the answer, but not for ever.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use hdrhistogram::Histogram;

/// A silence longer than this means that the server hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What goes to and fro over a connection: a message, and so many bytes in return.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) message: Vec<u8>,
    pub(crate) answer: usize,
}

/// A connection to a server of this machine, on which nothing has been sent.
pub(crate) fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends one message, whose answer must be what `is_right` says. The answer is read to `buffer`, whose length it has.
pub(crate) fn ask(
    mut stream: &TcpStream,
    message: &[u8],
    buffer: &mut [u8],
    is_right: impl Fn(&[u8]) -> bool,
) -> io::Result<()> {
    stream.write_all(message)?;
    stream.read_exact(buffer)?;
    if is_right(buffer) {
        Ok(())
    } else {
        Err(io::Error::other("the server did not answer as it should"))
    }
}

/// For nanoseconds, up to a minute, to three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are in order")
}

/// What was recorded in `histogram`, which is empty afterwards.
pub(crate) fn take(histogram: &mut Histogram<u64>) -> Histogram<u64> {
    let taken = histogram.clone();
    histogram.reset();
    taken
}
