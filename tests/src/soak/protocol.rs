//! What a client and a server say to each other.
//!
//! A client begins by saying what it wants, and its number.

use corio::{Error, Result};

/// How many bytes there are before all others.
pub(super) const GREETING: usize = 9;

/// How many bytes a frame may have.
pub(super) const MAX_FRAME: usize = 64 * 1024;

/// What a client may want of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// All bytes back.
    Echo,
    /// All frames back; a frame is its length, in four bytes, little end first, and so many bytes.
    Frames,
    /// Bytes without end.
    Flood,
}

pub(super) fn greeting(wish: Wish, number: u64) -> [u8; GREETING] {
    let mut bytes = [0; GREETING];
    bytes[0] = match wish {
        Wish::Echo => b'e',
        Wish::Frames => b'f',
        Wish::Flood => b'w',
    };
    bytes[1..].copy_from_slice(&number.to_le_bytes());
    bytes
}

pub(super) fn parse(greeting: [u8; GREETING]) -> Result<(Wish, u64)> {
    let [wish, number @ ..] = greeting;
    let wish = match wish {
        b'e' => Wish::Echo,
        b'f' => Wish::Frames,
        b'w' => Wish::Flood,
        other => return Err(Error::msg(format!("nobody knows what {other:#x} may mean"))),
    };
    Ok((wish, u64::from_le_bytes(number)))
}

/// The length of a frame, unless it is too much.
pub(super) fn frame_length(bytes: [u8; 4]) -> Result<usize> {
    match usize::try_from(u32::from_le_bytes(bytes))? {
        length if length <= MAX_FRAME => Ok(length),
        length => Err(Error::msg(format!("a frame of {length} bytes is too long"))),
    }
}

/// The bytes that a client sends, or a flood brings. Each depends on its place, and on the client.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    number: u64,
    position: u64,
}

impl Pattern {
    pub(super) fn new(number: u64) -> Self {
        Self { number, position: 0 }
    }

    /// How many bytes have gone by.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Puts the next bytes into `buffer`.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) {
        for (byte, position) in buffer.iter_mut().zip(self.position..) {
            *byte = byte_at(self.number, position);
        }
        self.position += buffer.len() as u64;
    }

    /// Fails unless `bytes` are the next ones.
    pub(super) fn check(&mut self, bytes: &[u8]) -> Result<()> {
        let mut expected = bytes.iter().zip(self.position..);
        match expected.find(|(byte, position)| **byte != byte_at(self.number, *position)) {
            Some((byte, position)) => Err(WrongByte { byte: *byte, position }.into()),
            None => {
                self.position += bytes.len() as u64;
                Ok(())
            }
        }
    }
}

fn byte_at(number: u64, position: u64) -> u8 {
    let mixed = (position ^ number.rotate_left(40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).to_le_bytes()[3]
}

/// What came is not what was sent.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("byte {position} is {byte:#x}, which it should not be")]
pub(super) struct WrongByte {
    byte: u8,
    position: u64,
}
