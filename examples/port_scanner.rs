//! Looks which ports of a machine are open, a hundred at a time.
//!
//! `cargo run --release --example port_scanner 127.0.0.1 1 1024` looks at the ports from 1 to 1024;
//! without arguments, the program looks for a few ports that it has opened itself.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use corio::net::{TcpListener, TcpStream};
use corio::{Error, Result, Semaphore, task_group};

fn scan(host: IpAddr, ports: impl IntoIterator<Item = u16>) -> Result<BTreeSet<u16>> {
    let open = RefCell::new(BTreeSet::new());
    let at_once = Semaphore::new(100);
    task_group(|group| {
        for port in ports {
            let permit = at_once.acquire()?; // so there are never more tasks than that
            let open = &open;
            group.create_task(move || {
                let _permit = permit;
                match TcpStream::connect_timeout((host, port), Duration::from_secs(1)) {
                    Ok(_) => drop(open.borrow_mut().insert(port)),
                    Err(error) => {
                        let error = Error::from(error);
                        if error.is_cancelled() {
                            return Err(error);
                        }
                    }
                }
                Ok(())
            });
        }
        Ok(())
    })?;
    Ok(open.into_inner())
}

fn self_test() -> Result<()> {
    let host = IpAddr::from([127, 0, 0, 1]);
    let listeners: io::Result<Vec<_>> = (0..3).map(|_| TcpListener::bind((host, 0))).collect();
    let listeners = listeners?;
    let addresses = listeners.iter().map(|listener| listener.local_addr());
    let ports = addresses.map(|addr| Ok(addr?.port())).collect::<io::Result<BTreeSet<_>>>()?;
    let first = ports.first().map_or(1, |port| port.saturating_sub(500));
    let last = ports.last().map_or(1, |port| port.saturating_add(500));
    let open = scan(host, first..=last)?;
    assert!(open.is_superset(&ports));
    println!("found {} of {} open ports among {}", ports.len(), ports.len(), last - first + 1);
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    corio::run(|| match &arguments[..] {
        [host, first, last] => {
            for port in scan(host.parse()?, first.parse()?..=last.parse()?)? {
                println!("{port}");
            }
            Ok(())
        }
        _ => self_test(),
    })
}
