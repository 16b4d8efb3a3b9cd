//! Passes connections on to another server, both ways, until both sides have said all.
//!
//! `cargo run --release --example tcp_proxy 127.0.0.1:8000 example.org:80` does that; without
//! arguments, the program passes a few words on to a server of its own and ends.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use corio::net::{TcpListener, TcpStream};
use corio::{Result, gather, task_group};

fn serve(listener: &TcpListener, target: &str) -> Result<()> {
    task_group(|group| {
        for client in listener.incoming() {
            let client = client?;
            group.create_task(move || {
                // A task that fails ends its group; the failure of a client is only its own.
                match pass_on(&client, target) {
                    Ok((up, down)) => println!("{up} bytes up, {down} bytes down"),
                    Err(error) => eprintln!("{client:?}: {error}"),
                }
                Ok(())
            });
        }
        Ok(())
    })
}

fn pass_on(client: &TcpStream, target: &str) -> Result<(u64, u64)> {
    let server = TcpStream::connect(target)?;
    gather((|| pump(client, &server), || pump(&server, client)))
}

fn pump(mut from: &TcpStream, mut to: &TcpStream) -> Result<u64> {
    let count = io::copy(&mut from, &mut to)?; // std's own copy
    to.shutdown(Shutdown::Write)?;
    Ok(count)
}

fn self_test() -> Result<()> {
    let shouter = TcpListener::bind("127.0.0.1:0")?;
    let target = shouter.local_addr()?.to_string();
    let proxy = TcpListener::bind("127.0.0.1:0")?;
    let address = proxy.local_addr()?;
    task_group(|group| {
        let shouting = group.create_task(|| {
            let (mut stream, _) = shouter.accept()?;
            let mut words = String::new();
            stream.read_to_string(&mut words)?;
            Ok(stream.write_all(words.to_uppercase().as_bytes())?)
        });
        let passing_on = group.create_task(|| serve(&proxy, &target));
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"what's in a name?")?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        assert_eq!(answer, "WHAT'S IN A NAME?");
        shouting.wait()?;
        passing_on.cancel();
        Ok(())
    })
}

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    corio::run(|| match &arguments[..] {
        [address, target] => {
            let listener = TcpListener::bind(address)?;
            println!("serving at {}", listener.local_addr()?);
            serve(&listener, target)
        }
        _ => self_test(),
    })
}
