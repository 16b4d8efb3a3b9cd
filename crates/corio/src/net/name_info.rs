//! From addresses to names.

use std::ffi::CStr;
use std::io;
use std::net::SocketAddr;

use libc::{NI_DGRAM, NI_NAMEREQD, NI_NUMERICHOST, NI_NUMERICSERV, c_char, c_int};
use socket2::SockAddr;

use super::resolve::explain;
use crate::threads::to_thread;

/// The names of an address: of its host, and of what is served at its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameInfo {
    /// The name of the host; its address, if it has no name.
    pub host: String,
    /// The name of the service, such as `http`; the number of the port, if it has no name.
    pub service: String,
}

/// The names of `addr`: what [`lookup_host`](super::lookup_host) does, the other way round. asyncio's
/// `loop.getnameinfo`.
///
/// They are looked up by the system (`getnameinfo`), on a thread of the default executor. To ask for
/// less, or to insist, there are [options](NameInfo::options).
///
/// A name proves nothing: who owns an address can give it any. Unix only.
///
/// # Cancellation
///
/// Ends the wait. The thread goes on until the system has answered, or given up.
///
/// # Errors
///
/// Of the system, with the address in the message, [`InvalidData`](io::ErrorKind::InvalidData) if a
/// name is no text; a cancellation; off the loop. That there is no name is no error.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
///
/// use corio::net::{lookup_addr, lookup_host};
///
/// corio::run(|| {
///     let names = lookup_addr(SocketAddr::from(([127, 0, 0, 1], 80)))?;
///     println!("{names:?}"); // NameInfo { host: "localhost", service: "http" }
///     assert!(lookup_host((names.host, 80))?.iter().all(|addr| addr.ip().is_loopback()));
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn lookup_addr(addr: impl Into<SocketAddr>) -> io::Result<NameInfo> {
    NameInfo::options().lookup(addr)
}

impl NameInfo {
    /// What to ask for, to be followed by [`lookup`](NameInfoOptions::lookup).
    pub fn options() -> NameInfoOptions {
        NameInfoOptions::default()
    }
}

/// What is asked about an address. asyncio's `flags` of `loop.getnameinfo`.
///
/// # Examples
///
/// Only whether the host has a name:
///
/// ```
/// use std::io::ErrorKind;
/// use std::net::SocketAddr;
///
/// use corio::net::NameInfo;
///
/// # fn name(addr: SocketAddr) -> std::io::Result<Option<String>> {
/// match NameInfo::options().require_name(true).numeric_service(true).lookup(addr) {
///     Ok(names) => Ok(Some(names.host)),
///     Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
///     Err(error) => Err(error),
/// }
/// # }
/// # corio::run(|| {
/// # assert!(name(([127, 0, 0, 1], 0).into())?.is_some());
/// # Ok(())
/// # })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "nothing is looked up before `lookup` is called"]
pub struct NameInfoOptions {
    flags: c_int,
}

impl NameInfoOptions {
    /// Whether the host is to be its address, and no name looked for. `NI_NUMERICHOST`.
    pub fn numeric_host(self, numeric: bool) -> Self {
        self.with(NI_NUMERICHOST, numeric)
    }

    /// Whether the service is to be its port, and no name looked for. `NI_NUMERICSERV`.
    pub fn numeric_service(self, numeric: bool) -> Self {
        self.with(NI_NUMERICSERV, numeric)
    }

    /// Whether a host without a name is an error. `NI_NAMEREQD`.
    pub fn require_name(self, required: bool) -> Self {
        self.with(NI_NAMEREQD, required)
    }

    /// Whether the service is one of datagrams: a few ports mean one thing by UDP and another by
    /// TCP. `NI_DGRAM`.
    pub fn datagram(self, datagram: bool) -> Self {
        self.with(NI_DGRAM, datagram)
    }

    fn with(self, flag: c_int, set: bool) -> Self {
        Self { flags: if set { self.flags | flag } else { self.flags & !flag } }
    }

    /// Looks `addr` up. If both are to be numeric there is nothing to look up, and nothing to wait
    /// for.
    ///
    /// # Cancellation
    ///
    /// As [`lookup_addr`].
    ///
    /// # Errors
    ///
    /// As [`lookup_addr`]; [`NotFound`](io::ErrorKind::NotFound) if a name is
    /// [required](Self::require_name) and there is none.
    #[track_caller]
    pub fn lookup(self, addr: impl Into<SocketAddr>) -> io::Result<NameInfo> {
        const NUMERIC: c_int = NI_NUMERICHOST | NI_NUMERICSERV;
        let (addr, flags) = (addr.into(), self.flags);
        let look_up = move || getnameinfo(addr, flags).map_err(explain("name", addr));
        if flags & NUMERIC == NUMERIC {
            return look_up();
        }
        Ok(to_thread(move || Ok(look_up()?))?)
    }
}

/// The longest names that there can be, with their ends: the system's `NI_MAXHOST`, which is smaller
/// on some, and `NI_MAXSERV`.
const MAX_HOST: usize = 1025;
const MAX_SERVICE: usize = 32;

/// Asks the system. May take long.
fn getnameinfo(addr: SocketAddr, flags: c_int) -> io::Result<NameInfo> {
    let addr = SockAddr::from(addr);
    let mut host = [0; MAX_HOST];
    let mut service = [0; MAX_SERVICE];
    // SAFETY: `addr` is a valid socket address of the length it says, and both buffers are valid for
    // writes of the lengths that are said. All live until the call returns, which keeps none.
    let code = unsafe {
        libc::getnameinfo(
            addr.as_ptr().cast(),
            addr.len() as _,
            host.as_mut_ptr().cast::<c_char>(),
            host.len() as _,
            service.as_mut_ptr().cast::<c_char>(),
            service.len() as _,
            flags as _,
        )
    };
    if code != 0 {
        return Err(failure(code));
    }
    Ok(NameInfo { host: text(&host)?, service: text(&service)? })
}

/// What is in a buffer that the system has filled, up to the NUL that ends it.
fn text(buffer: &[u8]) -> io::Result<String> {
    let text = CStr::from_bytes_until_nul(buffer).unwrap_or_default().to_str();
    Ok(text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?.to_owned())
}

/// What a code that is not zero means.
fn failure(code: c_int) -> io::Error {
    match code {
        libc::EAI_SYSTEM => io::Error::last_os_error(),
        libc::EAI_NONAME => io::Error::new(io::ErrorKind::NotFound, "it has no name"),
        libc::EAI_MEMORY => io::ErrorKind::OutOfMemory.into(),
        libc::EAI_AGAIN => io::Error::other("nobody who could tell has answered"),
        libc::EAI_FAIL => io::Error::other("who could tell has failed"),
        _ => io::Error::other(format!("the system's `getnameinfo` fails with {code}")),
    }
}
