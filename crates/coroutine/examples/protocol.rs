//! A protocol as straight code: the parser asks for more bytes by yielding, wherever it needs them, and whoever feeds
//! it does not know what a message looks like.
//!
//! Run with `cargo run -p corio-coroutine --example protocol`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use corio_coroutine::{Co, CoroutineState, Generator, GeneratorError};

/// What the parser yields: a request for a byte, or a message.
#[derive(Debug)]
enum Event {
    NeedByte,
    Message(String),
}

type Wire = Co<Event, Option<u8>>;

/// A decimal length, a colon, and as many bytes.
fn message(wire: &Wire) -> Option<String> {
    let mut length = 0;
    loop {
        match wire.yield_(Event::NeedByte)? {
            b':' => break,
            digit => length = 10 * length + usize::from(digit - b'0'),
        }
    }
    let bytes: Option<Vec<u8>> = (0..length).map(|_| wire.yield_(Event::NeedByte)).collect();
    String::from_utf8(bytes?).ok()
}

fn main() -> Result<(), GeneratorError> {
    let parser = Generator::<Event, Option<u8>, usize>::two_way(|wire| {
        let mut count = 0;
        while let Some(message) = message(wire) {
            count += 1;
            wire.yield_(Event::Message(message));
        }
        count
    });

    let mut input = b"5:hello5:world2:ok".iter().copied();
    let mut state = parser.start()?;
    loop {
        let answer = match state {
            CoroutineState::Yielded(Event::NeedByte) => input.next(),
            CoroutineState::Yielded(Event::Message(text)) => {
                println!("message: {text}");
                None
            }
            CoroutineState::Complete(count) => {
                println!("{count} messages");
                return Ok(());
            }
        };
        state = parser.send(answer)?;
    }
}
