//! Telling a process all it needs to know, and listening to all it has to say.

use std::io::{self, Read, Write};
use std::mem;
use std::process::Output;

use corio_futures::Result;

use super::{Child, PipeReader, PipeWriter};
use crate::scope::gather;

/// How far [`Child::communicate`] has come.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    input: Vec<u8>,
    sent: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Child {
    /// Sends `input` and then the end, reads all that comes, and waits until the process has ended.
    /// asyncio's `communicate`.
    ///
    /// All at the same time, so neither side holds the other up. What is not piped is left out. A
    /// process that does not read all of its input is no error.
    ///
    /// The output has an end when all who can write to the pipe have closed it, which may be
    /// processes that this one has started.
    ///
    /// # Cancellation
    ///
    /// Ends the wait. Nothing is lost: call this again, with more input or none, to go on. So a
    /// [`timeout`](crate::timeout) may be followed by [`kill`](Self::kill) and another call, for what
    /// the process had said until then.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if there is input, and no pipe for it; of the
    /// system; as [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use corio::process::{Command, Stdio};
    ///
    /// corio::run(|| {
    ///     let mut tr = Command::new("tr");
    ///     tr.args(["a-z", "A-Z"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    ///     let output = tr.spawn()?.communicate("shout")?;
    ///     assert_eq!(output.stdout, b"SHOUT");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    #[track_caller]
    pub fn communicate(&mut self, input: impl AsRef<[u8]>) -> io::Result<Output> {
        let input = input.as_ref();
        let Self { stdin, stdout, stderr, conversation, process, .. } = self;
        if stdin.is_none() && !input.is_empty() {
            let message =
                "there is input for a process whose standard input is not piped, or closed";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        conversation.input.extend_from_slice(input);
        gather((
            || send(stdin, &conversation.input, &mut conversation.sent),
            || receive(stdout, &mut conversation.stdout),
            || receive(stderr, &mut conversation.stderr),
        ))?;
        let status = process.wait()?;
        let Conversation { stdout, stderr, .. } = mem::take(conversation);
        Ok(Output { status, stdout, stderr })
    }
}

/// Sends the rest of `input`, and closes the pipe.
fn send(pipe: &mut Option<PipeWriter>, input: &[u8], sent: &mut usize) -> Result<()> {
    if let Some(pipe) = pipe {
        while *sent < input.len() {
            match pipe.write(&input[*sent..]) {
                Ok(count) => *sent += count,
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    *pipe = None;
    Ok(())
}

/// Reads until the end, and closes the pipe.
fn receive(pipe: &mut Option<PipeReader>, received: &mut Vec<u8>) -> Result<()> {
    if let Some(pipe) = pipe {
        // What has come stays there if this fails.
        pipe.read_to_end(received)?;
    }
    *pipe = None;
    Ok(())
}
