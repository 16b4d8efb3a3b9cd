//! Standard input and output, for tasks.
//!
//! Each has a thread of its own, made when it is first used, for reading what somebody types can take
//! for ever, and nothing can stop a thread that does. (The loop cannot wait for the descriptors: that
//! would take a mode of theirs which other processes share.) When the loop or the process ends,
//! nobody waits for these threads.
//!
//! ```no_run
//! use std::io::{BufRead, BufReader, Write};
//! use std::time::Duration;
//!
//! corio::run(|| {
//!     let mut lines = BufReader::new(corio::stdio::stdin()).lines();
//!     let patience = Duration::from_secs(10);
//!     match corio::timeout(patience, || Ok(lines.next().transpose()?)) {
//!         Err(error) if error.is_timeout() => writeln!(corio::stdio::stdout(), "nobody there")?,
//!         line => writeln!(corio::stdio::stdout(), "you say {:?}", line?)?,
//!     }
//!     Ok(())
//! })?;
//! # Ok::<(), corio::Error>(())
//! ```

use std::io::{self, Read, Write};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Sender};
use std::thread;

use crate::fs::{Ahead, Worker};
use crate::threads::{Work, run_and_wait};

/// The most that is written at a time.
const CHUNK: usize = 1 << 16;

static INPUT_THREAD: LazyLock<Sender<Work>> = LazyLock::new(|| spawn("standard input"));
static OUTPUT_THREAD: LazyLock<Sender<Work>> = LazyLock::new(|| spawn("standard output"));
static INPUT: LazyLock<Worker<Ahead>> = LazyLock::new(Worker::default);

/// A thread that does one piece of work after the other.
fn spawn(name: &str) -> Sender<Work> {
    let (sender, works) = mpsc::channel::<Work>();
    // If there can be no thread, whoever sends it work is told.
    let _ = thread::Builder::new().name(name.to_owned()).spawn(move || {
        for work in works {
            work();
        }
    });
    sender
}

/// Hands work to a thread; drops it if there is none.
fn hand_to(thread: &'static LazyLock<Sender<Work>>) -> impl Fn(Work) {
    move |work| drop(thread.send(work))
}

/// The standard input of the process. asyncio's `connect_read_pipe` of `sys.stdin`.
#[must_use]
pub fn stdin() -> Stdin {
    Stdin(())
}

/// The standard output of the process. asyncio's `connect_write_pipe` of `sys.stdout`.
#[must_use]
pub fn stdout() -> Stdout {
    Stdout(())
}

/// Standard input, made by [`stdin`]. All handles read from one and the same.
///
/// # Cancellation
///
/// Ends a read at once. What the thread reads all the same is kept for the next read, by whichever
/// handle; nothing is lost. A function of std that reads several times may have begun, though:
/// [`BufRead::lines`](io::BufRead::lines) loses half a line that way, if whatever is at the other end
/// sends such. [`BufRead::read_until`](io::BufRead::read_until) leaves it in the `Vec<u8>` that it
/// was given, and goes on there.
#[derive(Debug)]
pub struct Stdin(());

/// Standard output, made by [`stdout`]. What is written goes through std's, so it stays in line with
/// `println!`, and what has no newline at its end waits for [`flush`](Write::flush).
///
/// # Cancellation
///
/// Ends a write at once. If the thread had begun, it goes on.
#[derive(Debug)]
pub struct Stdout(());

impl Read for Stdin {
    #[track_caller]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = buffer.len();
        if limit == 0 {
            return Ok(0);
        }
        loop {
            if let Some(count) = INPUT.try_now(|ahead| ahead.take(buffer)).flatten() {
                return Ok(count);
            }
            let fill = move |ahead: &mut Ahead| ahead.fill(io::stdin(), limit);
            if !INPUT.perform(Some(&hand_to(&INPUT_THREAD)), fill)? {
                return Ok(0);
            }
        }
    }
}

impl Write for Stdout {
    #[track_caller]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = bytes[..bytes.len().min(CHUNK)].to_vec();
        let write = move || Ok(io::stdout().write(&bytes)?);
        Ok(run_and_wait(Some(&hand_to(&OUTPUT_THREAD)), write)?)
    }

    #[track_caller]
    fn flush(&mut self) -> io::Result<()> {
        Ok(run_and_wait(Some(&hand_to(&OUTPUT_THREAD)), || Ok(io::stdout().flush()?))?)
    }
}
