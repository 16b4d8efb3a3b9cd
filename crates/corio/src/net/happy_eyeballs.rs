//! Connecting to the first of several addresses that answers: happy eyeballs, as in RFC 8305.
//!
//! Of two addresses of a host one may lead nowhere, and it can take minutes until that is certain.
//! So the next is tried as well when the one before has not answered for a while, and at once when
//! it has failed. Whichever connects first is taken, the other attempts are given up and closed.
//!
//! Deliberately absent: asking for IPv4 and IPv6 addresses apart, and remembering which of them
//! worked. `getaddrinfo` does neither.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use corio_futures::Error;

use super::resolve::explain;
use crate::scope::staggered_race;

/// How long an attempt may take before the next begins: what RFC 8305 recommends.
const DELAY: Duration = Duration::from_millis(250);

/// What `attempt` makes of the first address that it succeeds with.
///
/// If there is none, the error has the failures of all in its message, and the kind of the last.
#[track_caller]
pub(super) fn connect<T>(
    addresses: Vec<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let attempt = |address| {
        attempt(address).map_err(|error| match error.raw_os_error() {
            Some(_) => explain("connect to", address)(error),
            None => error, // a cancellation, or off the loop
        })
    };
    if let [address] = addresses[..] {
        return attempt(address);
    }
    let attempt = &attempt;
    let candidates = interleave(addresses).into_iter().map(|addr| move || Ok(attempt(addr)?));
    let raced = staggered_race(candidates, DELAY);
    raced.map(|winner| winner.value).map_err(summarize)
}

/// Has the families alternate, beginning with that of the first address.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let count = addresses.len();
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut ours, mut theirs): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut interleaved = Vec::with_capacity(count);
    while interleaved.len() < count {
        interleaved.extend(ours.pop_front());
        interleaved.extend(theirs.pop_front());
    }
    interleaved
}

/// The failures of all attempts as one error.
fn summarize(error: Error) -> io::Error {
    let Some(group) = error.group() else { return error.into() };
    let failures: Vec<_> = group.errors().iter().map(ToString::to_string).collect();
    let last = group.errors().last().and_then(|error| error.downcast_ref::<io::Error>());
    let kind = last.map_or(io::ErrorKind::Other, io::Error::kind);
    io::Error::new(kind, failures.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_each_keeps_its_order() {
        let parse = |addresses: &[&str]| -> Vec<SocketAddr> {
            addresses.iter().map(|address| address.parse().expect("an address")).collect()
        };
        let given = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"]);
        let wanted = parse(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"]);
        assert_eq!(interleave(given), wanted);
        let one_family = parse(&["1.0.0.3:1", "1.0.0.1:1", "1.0.0.2:1"]);
        assert_eq!(interleave(one_family.clone()), one_family);
    }
}
