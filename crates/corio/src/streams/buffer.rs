//! Bytes that were read and not yet asked for.

use std::mem;

/// The least that is read at once.
const LEAST: usize = 4 * 1024;

/// The most that is read at once.
const MOST: usize = 64 * 1024;

/// A queue of bytes in one piece.
#[derive(Debug)]
pub(crate) struct Buffer {
    /// All of it initialised, so that it can be read into: `start..end` is what is in the queue.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// How much to ask for. It doubles as long as that much comes, and halves when little does: a
    /// connection that has little to say has a small buffer, a busy one is read in large pieces.
    chunk: usize,
}

impl Buffer {
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), start: 0, end: 0, chunk: LEAST }
    }

    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much a read should ask for.
    pub(crate) fn chunk(&self) -> usize {
        self.chunk
    }

    /// Where to put what comes next; [`advance`](Self::advance) says how much that was.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.bytes.len() - self.end < self.chunk {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.len());
            let needed = self.end + self.chunk;
            if self.bytes.len() < needed {
                self.bytes.resize(needed, 0);
            }
        }
        let end = self.end + self.chunk;
        &mut self.bytes[self.end..end]
    }

    /// Gives the memory back if nothing is in it.
    pub(crate) fn release_if_empty(&mut self) {
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
            self.bytes = Vec::new();
        }
    }

    pub(crate) fn advance(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.bytes.len());
        if count == self.chunk {
            self.chunk = (self.chunk * 2).min(MOST);
        } else if count < self.chunk / 4 {
            self.chunk = (self.chunk / 2).max(LEAST);
        }
    }

    /// Drops the first `count` bytes, or as many as there are.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count.min(self.len());
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
            if self.bytes.len() > 2 * self.chunk {
                self.bytes = Vec::new();
            }
        }
    }

    /// Takes the first `count` bytes, which are there.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        if self.start == 0 && count == self.end && count > LEAST {
            let mut bytes = mem::take(&mut self.bytes);
            bytes.truncate(count);
            self.end = 0;
            return bytes;
        }
        let taken = self.filled()[..count].to_vec();
        self.consume(count);
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Puts bytes in as a read would that brings `count`, at most what was asked for.
    fn fill(buffer: &mut Buffer, bytes: impl Iterator<Item = u8>) -> usize {
        let mut count = 0;
        for (place, byte) in buffer.room().iter_mut().zip(bytes) {
            *place = byte;
            count += 1;
        }
        buffer.advance(count);
        count
    }

    #[test]
    fn what_comes_out_is_what_went_in() {
        let mut buffer = Buffer::new();
        let mut model = VecDeque::new();
        let mut next = 0_u8;
        let steps = [(1, 0), (5000, 100), (4096, 4096), (8192, 1), (16384, 30_000), (0, 9000)];
        for (put, taken) in steps {
            let bytes: Vec<u8> = std::iter::repeat_with(|| {
                next = next.wrapping_mul(31).wrapping_add(7);
                next
            })
            .take(put)
            .collect();
            let count = fill(&mut buffer, bytes.iter().copied());
            model.extend(&bytes[..count]);
            assert!(buffer.filled().iter().eq(&model));
            let taken = taken.min(model.len());
            assert!(buffer.take(taken).into_iter().eq(model.drain(..taken)));
            assert_eq!(buffer.len(), model.len());
        }
    }

    #[test]
    fn an_empty_buffer_gives_its_memory_back_and_another_keeps_it() {
        let mut buffer = Buffer::new();
        fill(&mut buffer, std::iter::repeat_n(1, 10));
        buffer.release_if_empty();
        assert_eq!(buffer.filled(), [1; 10]);
        buffer.consume(10);
        buffer.release_if_empty();
        assert_eq!(buffer.bytes.capacity(), 0);
        fill(&mut buffer, std::iter::repeat_n(2, 10));
        assert_eq!(buffer.filled(), [2; 10]);
    }

    #[test]
    fn a_buffer_grows_with_what_comes_and_shrinks_when_it_is_empty() {
        let mut buffer = Buffer::new();
        fill(&mut buffer, std::iter::repeat_n(1, 10));
        assert_eq!(buffer.bytes.len(), LEAST);
        buffer.consume(10);
        while buffer.len() < 10 * MOST {
            fill(&mut buffer, std::iter::repeat(1));
        }
        assert_eq!(buffer.chunk(), MOST);
        buffer.consume(usize::MAX);
        assert_eq!(buffer.bytes.capacity(), 0);
        for _ in 0..10 {
            fill(&mut buffer, std::iter::repeat_n(1, 10));
            buffer.consume(10);
        }
        assert_eq!(buffer.chunk(), LEAST);
        assert!(buffer.bytes.capacity() <= 2 * LEAST);
    }
}
