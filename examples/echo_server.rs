//! Sends back whatever its clients send, to all of them at once.
//!
//! `cargo run --release --example echo_server 127.0.0.1:8000` serves at that address; without one,
//! the program serves a few clients of its own and ends.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use corio::net::{TcpListener, TcpStream};
use corio::{gather, task_group, timeout};

fn serve(listener: &TcpListener) -> corio::Result<()> {
    task_group(|group| {
        for stream in listener.incoming() {
            let stream = stream?;
            group.create_task(move || {
                let echo = || Ok(io::copy(&mut &stream, &mut &stream)?); // std's own copy
                // A task that fails ends its group; the failure of a client is only its own.
                if let Err(error) = timeout(Duration::from_secs(30), echo) {
                    eprintln!("{stream:?}: {error}");
                }
                Ok(())
            });
        }
        Ok(())
    })
}

fn self_test() -> corio::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let talk = |words: &'static str| {
        move || {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(words.as_bytes())?;
            stream.shutdown(Shutdown::Write)?;
            let mut echo = String::new();
            stream.read_to_string(&mut echo)?;
            Ok(echo)
        }
    };
    task_group(|group| {
        let server = group.create_task(|| serve(&listener));
        let echoes = gather(["to be", "or not", "to be"].map(talk))?;
        assert_eq!(echoes, ["to be", "or not", "to be"]);
        println!("served {} clients", echoes.len());
        server.cancel();
        Ok(())
    })
}

fn main() -> corio::Result<()> {
    corio::run(|| match std::env::args().nth(1).filter(|argument| argument != "--self-test") {
        Some(address) => {
            let listener = TcpListener::bind(address)?;
            println!("serving at {}", listener.local_addr()?);
            serve(&listener)
        }
        None => self_test(),
    })
}
