//! Waits for a socket and a timer on one thread, with no tasks and no coroutines:
//! `cargo run -p corio-reactor --example socket_and_timer`.
//!
//! A thread sends three greetings by UDP. The main thread prints each one as it comes and ticks
//! every 20 milliseconds, until 70 milliseconds have passed.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use corio_reactor::{Clock, Reactor, Timers};

/// What to do when a timer expires.
enum Action {
    Tick,
    Stop,
}

const TICK: Duration = Duration::from_millis(20);
fn main() -> io::Result<()> {
    let (clock, mut timers) = (Clock::system(), Timers::new());
    let reactor = Reactor::new()?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_nonblocking(true)?;
    let address = socket.local_addr()?;
    let sender = thread::spawn(move || greet(address));
    let source = reactor.register(socket, "greetings")?;
    timers.insert(clock.now() + TICK, Action::Tick);
    timers.insert(clock.now() + TICK * 7 / 2, Action::Stop);
    let mut buffer = [0; 64];
    loop {
        while source.readiness().readable {
            match source.io().recv(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => source.clear_readable(),
                result => println!("{}", String::from_utf8_lossy(&buffer[..result?])),
            }
        }
        while let Some(action) = timers.pop_expired(clock.now()) {
            match action {
                Action::Tick => timers.insert(clock.now() + TICK, Action::Tick),
                Action::Stop => return sender.join().expect("the sender does not panic"),
            };
            println!("tick");
        }
        let timeout = timers.next_deadline().map(|deadline| deadline - clock.now());
        reactor.wait(timeout, |name, readiness| println!("{name}: {readiness}"))?;
    }
}

fn greet(address: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    for greeting in ["hello", "bonjour", "ahoj"] {
        socket.send_to(greeting.as_bytes(), address)?;
        thread::sleep(Duration::from_millis(15));
    }
    Ok(())
}
