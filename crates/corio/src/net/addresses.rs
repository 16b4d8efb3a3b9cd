//! What can be connected to or listened at: addresses, or a name that stands for some.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What stands for one or more socket addresses, as [`std::net::ToSocketAddrs`]: whatever
/// implements that in std implements this too.
///
/// It is a trait of its own because std's can only be asked in a way that blocks the thread. This
/// one tells names from addresses: a name is looked up on a thread of the default executor (see
/// [`to_thread`](crate::to_thread)) while the task waits, and an address is taken as it is.
///
/// Implemented here, and nowhere else. If a type of yours implements std's, pass on what that
/// gives, as a slice.
///
/// | what | such as |
/// |---|---|
/// | an address | a [`SocketAddr`]; `(IpAddr, u16)`; the text `"127.0.0.1:80"` or `"[::1]:80"` |
/// | several | a slice of [`SocketAddr`] |
/// | a name | `"example.org:80"`; `("example.org", 80)`; the same as a `String` |
pub trait ToSocketAddrs: Sealed + fmt::Debug {}

impl<T: Sealed + fmt::Debug + ?Sized> ToSocketAddrs for T {}

mod sealed {
    use super::Endpoint;

    #[expect(unnameable_types, reason = "so nobody else can implement it")]
    pub trait Sealed {
        #[doc(hidden)]
        fn endpoint(&self) -> Endpoint;
    }
}
use sealed::Sealed;

/// What there is to be known without asking anybody.
#[expect(unnameable_types, reason = "an implementation detail of a sealed trait")]
#[derive(Debug)]
pub enum Endpoint {
    Address(SocketAddr),
    Addresses(Vec<SocketAddr>),
    Host(String, u16),
    /// No address, and no name with a port.
    Malformed,
}

fn host(name: &str, port: u16) -> Endpoint {
    match name.parse::<IpAddr>() {
        Ok(ip) => Endpoint::Address(SocketAddr::new(ip, port)),
        Err(_) => Endpoint::Host(name.to_owned(), port),
    }
}

impl Sealed for str {
    fn endpoint(&self) -> Endpoint {
        if let Ok(address) = self.parse() {
            return Endpoint::Address(address);
        }
        let parts = self.rsplit_once(':').map(|(name, port)| (name, port.parse()));
        match parts {
            Some((name, Ok(port))) => host(name, port),
            _ => Endpoint::Malformed,
        }
    }
}

impl Sealed for String {
    fn endpoint(&self) -> Endpoint {
        self.as_str().endpoint()
    }
}

impl Sealed for (&str, u16) {
    fn endpoint(&self) -> Endpoint {
        host(self.0, self.1)
    }
}

impl Sealed for (String, u16) {
    fn endpoint(&self) -> Endpoint {
        host(&self.0, self.1)
    }
}

impl Sealed for [SocketAddr] {
    fn endpoint(&self) -> Endpoint {
        Endpoint::Addresses(self.to_vec())
    }
}

impl<T: Sealed + ?Sized> Sealed for &T {
    fn endpoint(&self) -> Endpoint {
        (**self).endpoint()
    }
}

/// What std makes an address of without asking anybody.
macro_rules! addresses {
    ($($address:ty),*) => {$(
        impl Sealed for $address {
            fn endpoint(&self) -> Endpoint {
                Endpoint::Address(SocketAddr::from(*self))
            }
        }
    )*};
}

addresses!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));
