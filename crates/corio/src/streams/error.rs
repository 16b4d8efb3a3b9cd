//! What goes wrong with streams, for those who match on it.

use std::fmt;

/// The stream ended before all that was asked for had come. asyncio's `IncompleteReadError`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncompleteRead {
    /// What had come. It is not in the stream any more.
    pub partial: Vec<u8>,
    /// How many bytes were asked for; `None` if all up to a separator were.
    pub expected: Option<usize>,
}

impl fmt::Display for IncompleteRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stream ended after {} bytes, ", self.partial.len())?;
        match self.expected {
            Some(expected) => write!(f, "of {expected} that were expected"),
            None => f.write_str("and the separator was not among them"),
        }
    }
}

impl std::error::Error for IncompleteRead {}

/// There is no separator within the limit of the reader. asyncio's `LimitOverrunError`.
///
/// What was read is still in the stream: read it in another way, or raise the limit
/// ([`set_limit`](super::StreamReader::set_limit)) and try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no separator within {limit} bytes, the limit of the reader: raise it with `set_limit`, or \
     skip the {consumed} bytes that surely come before one"
)]
pub struct LimitOverrun {
    /// How many bytes of the stream surely come before a separator.
    pub consumed: usize,
    /// The limit.
    pub limit: usize,
}

/// Something was written after [`close`](super::StreamWriter::close), `abort` or `write_eof`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stream is closed for writing: by `close`, `abort` or `write_eof`")]
pub struct WriterClosed;

/// [`write_nowait`](super::StreamWriter::write_nowait) found no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the buffer of the stream is full: the peer does not read as fast as is written")]
pub struct WriteBufferFull;

/// A [`Server`](super::Server) was used in a state that does not allow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerMisused {
    /// It accepts no connections any more.
    #[error("the server is closed: start another")]
    Closed,
    /// One task is enough.
    #[error("another task is in `serve_forever` of this server already")]
    AlreadyServing,
}
