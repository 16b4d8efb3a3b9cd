//! A server that ends well: on SIGTERM or Ctrl-C it takes no more clients, and those that it has may
//! finish what they do, within a limit. A second Ctrl-C cancels them all, a third ends the process.
//!
//! `cargo run --release --example graceful_shutdown 127.0.0.1:8000` sends back in capitals, until it
//! is told to stop, what its clients send to that address. Without one, the program plays all the
//! parts: it has a client that is quick and one that would stay, and sends itself the signal.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use corio::net::{TcpListener, TcpStream};
use corio::signal::{self, SIGINT, SIGTERM, Signals};
use corio::{Timeout, get_running_loop, sleep, task_group};

/// How long clients may take once the server is told to stop.
const PATIENCE: Duration = Duration::from_millis(200);

fn serve(listener: &TcpListener) -> corio::Result<()> {
    let limit = Timeout::never();
    let served = limit.run(|| {
        task_group(|clients| {
            let accepting = clients.create_task(|| {
                for stream in listener.incoming() {
                    let stream = stream?;
                    clients.create_task(move || {
                        // A task that fails ends its group; the failure of a client is its own.
                        shout(&stream).unwrap_or_else(|error| eprintln!("{stream:?}: {error}"));
                        Ok(())
                    });
                }
                Ok(())
            });
            let told = Signals::new([SIGINT, SIGTERM])?.wait()?;
            println!("{}: no more clients", signal::name(told).unwrap_or("a signal"));
            accepting.cancel();
            limit.reschedule(Some(get_running_loop()?.time() + PATIENCE))?;
            Ok(())
        }) // waits for the clients
    });
    match served {
        Err(error) if error.is_timeout() => println!("some clients took too long"),
        served => served?,
    }
    Ok(())
}

fn shout(stream: &TcpStream) -> io::Result<()> {
    for line in BufReader::new(stream).lines() {
        writeln!(&*stream, "{}", line?.to_uppercase())?;
    }
    Ok(())
}

/// Two clients, one of which is done when the server is told to stop.
fn visit(address: SocketAddr) -> corio::Result<()> {
    let mut quick = BufReader::new(TcpStream::connect(address)?);
    let mut slow = TcpStream::connect(address)?;
    writeln!(quick.get_ref(), "to be")?;
    let mut answer = String::new();
    quick.read_line(&mut answer)?;
    assert_eq!(answer, "TO BE\n");

    signal::raise(SIGTERM)?;
    sleep(PATIENCE / 10)?;
    writeln!(quick.get_ref(), "or not")?;
    answer.clear();
    quick.read_line(&mut answer)?;
    assert_eq!(answer, "OR NOT\n", "it is still served");
    drop(quick);

    assert_eq!(slow.read(&mut [0])?, 0, "the server hangs up in the end");
    Ok(())
}

fn main() -> corio::Result<()> {
    corio::run(|| match std::env::args().nth(1) {
        Some(address) => {
            let listener = TcpListener::bind(address)?;
            println!("serving at {}", listener.local_addr()?);
            serve(&listener)
        }
        None => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let address = listener.local_addr()?;
            let clients = corio::create_task(move || visit(address));
            serve(&listener)?;
            drop(listener);
            clients.wait()
        }
    })
}
