//! What the servers do for a client.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use corio::net::TcpStream;
use corio::{IncompleteRead, Result, StreamReader, StreamWriter, timeout};

use super::protocol::{GREETING, Pattern, Wish, frame_length, parse};
use super::world::World;

/// How long a client may take to say what it wants.
const SILENCE: Duration = Duration::from_secs(2);

/// How much of a flood is written at a time.
const WAVE: usize = 10_000;

/// How much may be unsent: what a writer promises if it is told nothing else.
pub(super) const HIGH_WATER: usize = 64 * 1024;

/// With std's means.
pub(super) fn over_a_socket(world: &World, mut stream: &TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut greeting = [0; GREETING];
    timeout(SILENCE, || Ok(stream.read_exact(&mut greeting)?))?;
    let (wish, number) = parse(greeting)?;
    let _enlisted = world.enlist(number)?;
    match wish {
        Wish::Echo => {
            io::copy(&mut { stream }, &mut { stream })?;
            Ok(stream.shutdown(Shutdown::Write)?)
        }
        Wish::Frames => {
            let mut length = [0; 4];
            while stream.peek(&mut [0])? > 0 {
                stream.read_exact(&mut length)?;
                let mut frame = vec![0; frame_length(length)?];
                stream.read_exact(&mut frame)?;
                stream.write_all(&length)?;
                stream.write_all(&frame)?;
            }
            Ok(())
        }
        Wish::Flood => {
            let (mut pattern, mut wave) = (Pattern::new(number), [0; WAVE]);
            loop {
                pattern.fill(&mut wave);
                stream.write_all(&wave)?;
            }
        }
    }
}

/// With asyncio's.
pub(super) fn over_streams(
    world: &World,
    mut reader: StreamReader,
    writer: StreamWriter,
) -> Result<()> {
    let greeting = timeout(SILENCE, || reader.read_exactly(GREETING))?;
    let (wish, number) = parse(greeting[..].try_into()?)?;
    let _enlisted = world.enlist(number)?;
    let write = |bytes: &[u8]| {
        writer.write(bytes)?;
        world.note_unsent(writer.write_buffer_size());
        Ok::<_, corio::Error>(())
    };
    match wish {
        Wish::Echo => loop {
            let bytes = reader.read_some(HIGH_WATER)?;
            if bytes.is_empty() {
                return Ok(());
            }
            write(&bytes)?;
            if number.is_multiple_of(2) {
                writer.drain()?;
            }
        },
        Wish::Frames => loop {
            let length = match reader.read_exactly(4) {
                Err(error) if error.downcast_ref::<IncompleteRead>().is_some() => return Ok(()),
                length => length?,
            };
            let frame = reader.read_exactly(frame_length(length[..].try_into()?)?)?;
            write(&length)?;
            write(&frame)?;
        },
        Wish::Flood => {
            let (mut pattern, mut wave) = (Pattern::new(number), [0; WAVE]);
            loop {
                pattern.fill(&mut wave);
                write(&wave)?;
            }
        }
    }
}
