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

/// Whether `accept` failed over one connection, which is gone, and not over the listener. On Linux
/// it passes on what the network has said about the connection already.
pub(super) fn concerns_one_connection(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let passed_on = [
            Errno::CONNABORTED,
            Errno::CONNRESET,
            Errno::PROTO,
            Errno::NOPROTOOPT,
            Errno::HOSTDOWN,
            Errno::HOSTUNREACH,
            Errno::NETDOWN,
            Errno::NETUNREACH,
            #[cfg(target_os = "linux")]
            Errno::NONET,
        ];
        passed_on.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    }
    #[cfg(not(unix))]
    {
        matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
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

#[cfg(all(test, unix))]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn what_befalls_one_connection_is_told_from_what_befalls_the_listener() {
        let error = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        for errno in [Errno::CONNABORTED, Errno::PROTO, Errno::HOSTUNREACH] {
            assert!(concerns_one_connection(&error(errno)), "{errno}");
            assert!(!is_exhausted(&error(errno)), "{errno}");
        }
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert!(is_exhausted(&error(errno)), "{errno}");
            assert!(!concerns_one_connection(&error(errno)), "{errno}");
        }
        for errno in [Errno::BADF, Errno::INVAL, Errno::NOTSOCK, Errno::AGAIN] {
            assert!(!is_exhausted(&error(errno)), "{errno}");
            assert!(!concerns_one_connection(&error(errno)), "{errno}");
        }
    }
}
