//! Looks names up, all at the same time, and prints their addresses in the order of the names.
//!
//! `cargo run --release --example dns_lookups example.org crates.io` looks those up; without
//! arguments, the program does with the names that every machine has.

use std::time::{Duration, Instant};

use corio::net::lookup_host;
use corio::{Error, gather, timeout};

fn main() -> corio::Result<()> {
    let mut names: Vec<_> = std::env::args().skip(1).collect();
    if names.is_empty() {
        names = ["localhost", "127.0.0.1", "::1", "nowhere.invalid"].map(String::from).into();
    }
    corio::run(|| {
        let began = Instant::now();
        let found = gather(names.iter().map(|name| {
            move || {
                let limit = Duration::from_secs(5);
                Ok(timeout(limit, || Ok(lookup_host((name.as_str(), 443))?)))
            }
        }))?;
        for (name, addresses) in names.iter().zip(found) {
            match addresses {
                Ok(mut addresses) => {
                    addresses.dedup();
                    let ips: Vec<_> = addresses.iter().map(|addr| addr.ip().to_string()).collect();
                    println!("{name}: {}", ips.join(", "));
                }
                Err(error) => println!("{}", describe(&error)),
            }
        }
        eprintln!("took {:.1?}", began.elapsed());
        Ok(())
    })
}

fn describe(error: &Error) -> String {
    if error.is_timeout() { "no answer".into() } else { error.to_string() }
}
