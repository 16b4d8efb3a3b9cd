//! `epoll`, with one system call for a wait.
//!
//! `polling` needs five for a wait on Linux, as it sets a timer and arms its notifier each time,
//! and it does not ask for `EPOLLRDHUP`, without which the end of a stream can hide behind data
//! (see `readiness`). So Linux has its own selector, as small as it can be:
//!
//! - Sources are added once, in edge mode, for both directions; nothing is armed again.
//! - The wake-up is an `eventfd` in edge mode. Each write to it is an edge of its own, so it is
//!   never read: its counter would overflow after 2⁶⁴ wake-ups.
//! - The timeout goes to `epoll_pwait2`, which takes nanoseconds. Where that is missing (before
//!   Linux 5.11, or under a filter of system calls) `epoll_pwait` rounds up to the next
//!   millisecond. Both add the thread's timer slack, 50 µs unless `prctl(PR_SET_TIMERSLACK)` says
//!   otherwise.
//!
//! The buffer holds 1024 events. When more sources are ready at once, the rest are reported by the
//! next wait; the kernel takes turns among them.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;

use super::{Event, Handle};
use crate::Readiness;

const CAPACITY: usize = 1024;

/// Marks the events of the waker; no source has this key.
const WAKE: u64 = u64::MAX;

/// The longest timeout that `epoll_pwait` takes: `i32::MAX` milliseconds, rounded down to hours.
const LONGEST_WITHOUT_PWAIT2: Duration = Duration::from_secs(596 * 60 * 60);

pub(crate) struct Selector {
    epoll: OwnedFd,
    waker: Arc<OwnedFd>,
    /// Where the kernel writes; what is in it means nothing between waits.
    buffer: RefCell<Box<[epoll::Event]>>,
    /// Whether `epoll_pwait2` works, as far as is known.
    has_pwait2: Cell<bool>,
}

impl Selector {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let waker = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &waker, EventData::new_u64(WAKE), EventFlags::IN | EventFlags::ET)?;
        let empty = epoll::Event { flags: EventFlags::empty(), data: EventData::new_u64(0) };
        Ok(Self {
            epoll,
            waker: Arc::new(waker),
            buffer: RefCell::new(vec![empty; CAPACITY].into_boxed_slice()),
            has_pwait2: Cell::new(true),
        })
    }

    pub(super) fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.waker))
    }

    /// # Safety
    ///
    /// As for the selector of all backends.
    pub(super) unsafe fn add(&self, handle: Handle, key: usize) -> io::Result<()> {
        let interest = EventFlags::IN | EventFlags::PRI | EventFlags::RDHUP | EventFlags::OUT;
        let data = EventData::new_u64(key as u64);
        Ok(epoll::add(&self.epoll, handle, data, interest | EventFlags::ET)?)
    }

    pub(super) fn delete(&self, handle: Handle) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, handle)?)
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the signature is that of all selectors"
    )]
    pub(super) fn update(&self, _: Handle, _: usize, _: Readiness) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn wait(
        &self,
        events: &mut Vec<Event>,
        timeout: Option<Duration>,
    ) -> io::Result<bool> {
        let mut buffer = self.buffer.borrow_mut();
        let count = match self.wait_into(&mut buffer, timeout) {
            Err(Errno::INTR) => 0,
            result => result?,
        };
        let mut woken = false;
        for event in &buffer[..count] {
            match event.data.u64() {
                WAKE => woken = true,
                key => events.push(translate(key as usize, event.flags)),
            }
        }
        Ok(woken)
    }

    fn wait_into(
        &self,
        buffer: &mut [epoll::Event],
        timeout: Option<Duration>,
    ) -> Result<usize, Errno> {
        if self.has_pwait2.get() {
            match self.pwait2(buffer, timeout) {
                // A filter of system calls may answer `EPERM` for those that it does not know.
                Err(Errno::NOSYS | Errno::PERM) => self.has_pwait2.set(false),
                result => return result,
            }
        }
        let timeout = timeout.map(|timeout| {
            let timeout = timeout.min(LONGEST_WITHOUT_PWAIT2);
            Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: timeout.subsec_nanos().into() }
        });
        epoll::wait(&self.epoll, buffer, timeout.as_ref())
    }

    /// `epoll_pwait2`, which rustix offers only to programs that never run on a Linux older than
    /// 5.11.
    fn pwait2(
        &self,
        buffer: &mut [epoll::Event],
        timeout: Option<Duration>,
    ) -> Result<usize, Errno> {
        /// The kernel's `struct __kernel_timespec`: two 64-bit words on every architecture.
        #[repr(C)]
        struct KernelTimespec {
            seconds: i64,
            nanoseconds: i64,
        }
        let timeout = timeout.map(|timeout| KernelTimespec {
            seconds: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: timeout.subsec_nanos().into(),
        });
        let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let (events, capacity) = (buffer.as_mut_ptr(), buffer.len());
        // SAFETY: the arguments are those of `epoll_pwait2`: an epoll descriptor that is open as
        // long as `self`; room for `capacity` events, borrowed for the whole call, whose type has
        // the layout of the kernel's `epoll_event` and no invalid values; a timeout that is null or
        // points to a live local; and no signal mask, for which the size that follows it is not
        // looked at.
        let result = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.epoll.as_raw_fd(),
                events,
                capacity as libc::c_int,
                timeout,
                std::ptr::null::<libc::sigset_t>(),
                0usize,
            )
        };
        match usize::try_from(result) {
            Ok(count) => Ok(count),
            Err(_) => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)),
        }
    }
}

/// Reads an event's flags. What is not asked for by name, `HUP` and `ERR`, is always reported and
/// concerns both directions.
fn translate(key: usize, flags: EventFlags) -> Event {
    let failure = EventFlags::HUP | EventFlags::ERR;
    let read_end = EventFlags::RDHUP | EventFlags::PRI | failure;
    Event {
        key,
        readiness: Readiness {
            readable: flags.intersects(EventFlags::IN | read_end),
            writable: flags.intersects(EventFlags::OUT | failure),
        },
        // Urgent data counts as an end: a read stops at the mark with more behind it.
        end_hint: flags.intersects(read_end),
    }
}

impl std::fmt::Debug for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Epoll")
            .field("epoll", &self.epoll.as_raw_fd())
            .field("waker", &self.waker.as_raw_fd())
            .field("has_pwait2", &self.has_pwait2.get())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Waker(Arc<OwnedFd>);

impl Waker {
    pub(super) fn wake(&self) -> io::Result<()> {
        rustix::io::write(&*self.0, &1u64.to_ne_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn without_epoll_pwait2_waits_are_neither_early_nor_limited() {
        let selector = Selector::new().unwrap();
        selector.has_pwait2.set(false);
        let mut events = Vec::new();
        for timeout in [0, 1, 300_000, 1_000_001].map(Duration::from_nanos) {
            let start = Instant::now();
            let woken = selector.wait(&mut events, Some(timeout)).unwrap();
            assert!(!woken && start.elapsed() >= timeout);
        }
        selector.waker().wake().unwrap();
        assert!(selector.wait(&mut events, Some(Duration::MAX)).unwrap());
        assert!(events.is_empty());
    }

    #[test]
    fn the_end_of_a_stream_and_failures_leave_a_hint() {
        let plain = translate(1, EventFlags::IN | EventFlags::OUT);
        assert_eq!((plain.readiness, plain.end_hint), (Readiness::BOTH, false));
        let end = translate(1, EventFlags::IN | EventFlags::RDHUP);
        assert_eq!((end.readiness, end.end_hint), (Readiness::READABLE, true));
        for failure in [EventFlags::HUP, EventFlags::ERR] {
            let event = translate(1, failure);
            assert_eq!((event.readiness, event.end_hint), (Readiness::BOTH, true));
        }
    }
}
