//! What differs from system to system.

use std::io;

use polling::AsSource;

use super::io::Direction;

/// Asks the system, not the record, whether an operation would find something to do.
#[cfg(unix)]
pub(super) fn is_ready(io: &impl AsSource, direction: Direction) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let wanted = match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    };
    let ready = poll(&mut [PollFd::new(io, wanted)], Some(&Timespec::default()))?;
    Ok(ready > 0)
}

/// Nobody can be asked: what is on record will do.
#[cfg(not(unix))]
pub(super) fn is_ready(_: &impl AsSource, _: Direction) -> io::Result<bool> {
    Ok(true)
}

/// Whether the process or the system has run out of file descriptors or memory.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let exhausted = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        exhausted.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::OutOfMemory
    }
}

/// Whether a non-blocking connect has begun and will be finished by the system.
pub(super) fn is_in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    let in_progress = error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error());
    #[cfg(not(unix))]
    let in_progress = false;
    in_progress || error.kind() == io::ErrorKind::WouldBlock
}

/// Has a write to a peer that is gone be an error and nothing else, where nobody ignores SIGPIPE.
/// On Apple's systems, and on Windows, there is no such flag; sockets are made quiet there.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(super) const NO_SIGNAL: i32 = rustix::net::SendFlags::NOSIGNAL.bits() as i32;
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(super) const NO_SIGNAL: i32 = 0;
