//! Looks names up, all at the same time, and prints their addresses in the order of the names.
//!
//! `cargo run --release --example dns_lookups example.org crates.io` looks those up; without
//! arguments, the program does with the names that every machine has.

use std::time::{Duration, Instant};

use corio::net::lookup_host;
use corio::{gather_results, timeout};

/// How long a look-up may take.
const LIMIT: Duration = Duration::from_secs(5);

fn main() -> corio::Result<()> {
    let mut names: Vec<_> = std::env::args().skip(1).collect();
    if names.is_empty() {
        names = ["localhost", "127.0.0.1", "::1", "nowhere.invalid"].map(String::from).into();
    }
    corio::run(|| {
        let began = Instant::now();
        let look_up = |name| move || timeout(LIMIT, || Ok(lookup_host((name, 443))?));
        let found =
            gather_results(names.iter().map(|name| look_up(name.as_str())).collect::<Vec<_>>())?;
        for (name, addresses) in names.iter().zip(found) {
            match addresses {
                Ok(mut addresses) => {
                    addresses.dedup();
                    let ips: Vec<_> = addresses.iter().map(|addr| addr.ip().to_string()).collect();
                    println!("{name}: {}", ips.join(", "));
                }
                Err(error) if error.is_timeout() => println!("{name}: no answer"),
                Err(error) => println!("{name}: {error}"),
            }
        }
        eprintln!("took {:.1?}", began.elapsed());
        Ok(())
    })
}
