//! A chat: what one says, all the others hear.
//!
//! `cargo run --release --example chat_server 127.0.0.1:8000` opens it at that address (come in with
//! `nc 127.0.0.1 8000`); without one, two guests of its own talk, and the program ends.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use corio::{Result, StreamReader, StreamWriter, open_connection, start_server};

/// Everybody who is here.
#[derive(Default)]
struct Room {
    guests: RefCell<Vec<Rc<StreamWriter>>>,
}

impl Room {
    /// Tells everybody but the speaker.
    fn tell(&self, speaker: &Rc<StreamWriter>, text: &str) {
        for guest in self.guests.borrow().iter().filter(|guest| !Rc::ptr_eq(guest, speaker)) {
            // Nobody waits for a guest that does not listen: it is shown the door.
            if guest.write_nowait(format!("{text}\n")).is_err() {
                guest.abort();
            }
        }
    }

    fn receive(&self, mut reader: StreamReader, writer: StreamWriter) -> Result<()> {
        writer.write("your name?\n")?;
        let Some(name) = reader.lines().next().transpose()? else { return Ok(()) };
        let guest = Rc::new(writer);
        self.tell(&guest, &format!("* {name} comes in"));
        self.guests.borrow_mut().push(Rc::clone(&guest));
        let talk = reader.lines().try_for_each(|line| {
            self.tell(&guest, &format!("{name}: {}", line?));
            Ok(())
        });
        self.guests.borrow_mut().retain(|other| !Rc::ptr_eq(other, &guest));
        self.tell(&guest, &format!("* {name} leaves"));
        talk
    }
}

fn open(address: &str) -> Result<corio::Server> {
    let room = Room::default();
    start_server(move |reader, writer| room.receive(reader, writer), address)
}

fn self_test() -> Result<()> {
    let server = open("127.0.0.1:0")?;
    let come_in = |name: &str| {
        let (mut reader, writer) = open_connection(server.local_addr())?;
        assert_eq!(reader.read_line()?, b"your name?\n");
        writer.write(format!("{name}\n"))?;
        Ok::<_, corio::Error>((reader, writer))
    };
    let (mut ears, _ada) = come_in("Ada")?;
    let (_, charles) = come_in("Charles")?;
    charles.write("Is anybody here?\n")?;
    charles.close();
    for expected in ["* Charles comes in", "Charles: Is anybody here?", "* Charles leaves"] {
        let line = ears.lines().next().transpose()?;
        assert_eq!(line.as_deref(), Some(expected));
        println!("{expected}");
    }
    server.shutdown(Duration::from_millis(10)).map(drop)
}

fn main() -> Result<()> {
    corio::run(|| match std::env::args().nth(1).filter(|argument| argument != "--self-test") {
        Some(address) => {
            let server = open(&address)?;
            println!("serving at {}", server.local_addr());
            server.serve_forever()
        }
        None => self_test(),
    })
}
