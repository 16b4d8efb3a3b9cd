//! What a client does.

use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use corio::net::TcpStream;
use corio::{Error, Result, Timeout, create_task, gather, sleep, timeout};
use fastrand::Rng;

use super::connection::{Connection, Kind, Writer, is_a_loss};
use super::plan::Plan;
use super::protocol::{MAX_FRAME, Pattern, Wish, greeting};
use super::servers::Servers;
use super::squeeze::{is_shortage, squeeze};
use super::world::{World, count};

/// No client takes so long, except for one that is forgotten.
const STUCK: Duration = Duration::from_secs(60);

/// How much is sent or received at a time, at most.
const CHUNK: usize = 16 * 1024;

/// How much is sent in all, at most: a good deal more than the system has buffers for, now and then.
const MUCH: u64 = 256 * 1024;
const VERY_MUCH: u64 = 16 * 1024 * 1024;

/// What the system has room for even if nobody reads.
const LITTLE: u64 = 8 * 1024;

/// Sees a client through, from connecting to its end. Notes whether it went as it should.
pub(super) fn visit(world: &Rc<World>, servers: &Rc<Servers>, number: u64) -> Result<()> {
    let mut rng = Rng::with_seed(world.options.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    if number % world.options.squeeze_every == world.options.squeeze_every - 1 {
        squeeze(world, &mut rng)?;
    }
    let (plan, kind) = (Plan::choose(&mut rng), Kind::choose(&mut rng));
    world.count_plan(plan);
    let client = Client { world: Rc::clone(world), servers: Rc::clone(servers), number, kind, rng };
    let limit = Timeout::after(STUCK);
    let who = || format!("client {number} ({kind:?}), which {plan}");
    match limit.run(|| client.carry_out(plan)) {
        _ if limit.expired() => world.fail(who(), "it is stuck"),
        Err(error) if error.is_cancelled() => return Err(error),
        Err(error) => world.fail(who(), error),
        Ok(()) => {}
    }
    Ok(())
}

struct Client {
    world: Rc<World>,
    servers: Rc<Servers>,
    number: u64,
    kind: Kind,
    rng: Rng,
}

impl Client {
    fn carry_out(mut self, plan: Plan) -> Result<()> {
        let moment = Duration::from_micros(self.rng.u64(..5_000));
        match plan {
            Plan::Echo => self.echo(Duration::ZERO),
            Plan::SlowReader => {
                let late = Duration::from_millis(self.rng.u64(10..200));
                self.echo(late)
            }
            Plan::HalfClose => self.half_close(),
            Plan::Frames => self.frames(),
            Plan::HangsUp => forgive(self.hang_up()),
            Plan::Cancelled => {
                let task = create_task(move || self.echo(Duration::ZERO));
                sleep(moment)?;
                task.cancel();
                task.wait().or_else(|error| match error.is_cancelled() {
                    // Nobody has cancelled this one.
                    true => sleep(Duration::ZERO),
                    false => Err(error),
                })
            }
            Plan::TimesOut => {
                let limit = Timeout::after(moment);
                match limit.run(|| self.echo(Duration::ZERO)) {
                    Err(error) if error.is_timeout() && limit.expired() => Ok(()),
                    result => result,
                }
            }
            Plan::CutOff => {
                let (world, number) = (Rc::clone(&self.world), self.number);
                let cutting = create_task(move || {
                    sleep(moment)?;
                    world.cut_off(number);
                    Ok(())
                });
                let result = self.echo_what_comes();
                cutting.cancel();
                forgive(result)
            }
            Plan::NeverReads => forgive(self.never_read()),
            Plan::Garbage => forgive(self.send_garbage()),
            Plan::TooLong => forgive(self.announce_too_much()),
            Plan::Silent => forgive(self.be_silent()),
            Plan::Gone => {
                let mut connection = self.connect()?;
                if self.rng.bool() {
                    connection.writer.reset();
                }
                Ok(())
            }
            Plan::GivesUp => {
                let moment = moment / 50;
                match timeout(moment, || self.connect().map(drop)) {
                    Err(error) if error.is_timeout() => Ok(()),
                    result => result,
                }
            }
            Plan::Refused => self.be_refused(),
        }
    }

    fn connect(&mut self) -> Result<Connection> {
        Connection::open(&self.world, &self.servers, self.kind, &mut self.rng)
    }

    fn greet(&mut self, wish: Wish) -> Result<Connection> {
        let mut connection = self.connect()?;
        connection.writer.write_all(&greeting(wish, self.number))?;
        Ok(connection)
    }

    /// How much to send: mostly little, now and then a lot.
    fn length(&mut self) -> u64 {
        match self.rng.u32(..100) {
            0..50 => self.rng.u64(..LITTLE),
            50..99 => self.rng.u64(..MUCH),
            _ => self.rng.u64(..VERY_MUCH),
        }
    }

    fn echo(&mut self, late: Duration) -> Result<()> {
        let mut connection = self.greet(Wish::Echo)?;
        let length = self.length();
        let (mut sending, mut receiving) = (self.rng.fork(), self.rng.fork());
        let Connection { reader, writer } = &mut connection;
        let received = gather((
            || self.send(writer, length, &mut sending).map(|()| 0),
            || {
                sleep(late)?;
                self.receive(reader, &mut receiving)
            },
        ))?;
        all_is_there(received.1, length)
    }

    fn half_close(&mut self) -> Result<()> {
        let mut connection = self.greet(Wish::Echo)?;
        let length = self.rng.u64(..LITTLE);
        let mut rng = self.rng.fork();
        self.send(&mut connection.writer, length, &mut rng)?;
        let received = self.receive(&mut connection.reader, &mut rng)?;
        all_is_there(received, length)
    }

    fn frames(&mut self) -> Result<()> {
        let Connection { mut reader, mut writer } = self.greet(Wish::Frames)?;
        let (mut sent, mut received) = (Pattern::new(self.number), Pattern::new(self.number));
        for _ in 0..self.rng.u32(1..10) {
            let mut frame = vec![0; self.rng.usize(..=MAX_FRAME)];
            sent.fill(&mut frame);
            let length = (frame.len() as u32).to_le_bytes();
            writer.write_all(&length)?;
            writer.write_all(&frame)?;
            let mut length_again = [0; 4];
            reader.read_exact(&mut length_again)?;
            if length != length_again {
                return Err(Error::msg("a frame has another length than it had"));
            }
            reader.read_exact(&mut frame)?;
            received.check(&frame)?;
        }
        self.verified(&received);
        writer.end()?;
        match reader.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(Error::msg("there is something after the last frame")),
        }
    }

    fn hang_up(&mut self) -> Result<()> {
        let mut connection = self.greet(Wish::Echo)?;
        let (length, part) = (self.length(), self.rng.u64(..MUCH));
        let mut rng = self.rng.fork();
        let Connection { reader, writer } = &mut connection;
        let talked = gather((
            || self.send(writer, length, &mut rng),
            || {
                let mut received = Pattern::new(self.number);
                let mut buffer = vec![0; CHUNK];
                while received.position() < part.min(length) {
                    let count = reader.read(&mut buffer)?;
                    received.check(&buffer[..count])?;
                }
                self.verified(&received);
                Err::<(), _>(Enough.into())
            },
        ));
        if self.rng.bool() {
            connection.writer.reset();
        }
        match talked {
            Err(error) if error.downcast_ref::<Enough>().is_some() => Ok(()),
            other => other.map(drop),
        }
    }

    /// Of what is sent, something comes back; nothing else does.
    fn echo_what_comes(&mut self) -> Result<()> {
        let mut connection = self.greet(Wish::Echo)?;
        let length = self.length();
        let (mut sending, mut receiving) = (self.rng.fork(), self.rng.fork());
        let Connection { reader, writer } = &mut connection;
        gather((
            || forgive(self.send(writer, length, &mut sending)),
            || forgive(self.receive(reader, &mut receiving).map(drop)),
        ))?;
        Ok(())
    }

    fn never_read(&mut self) -> Result<()> {
        let mut connection = self.greet(Wish::Flood)?;
        sleep(Duration::from_millis(self.rng.u64(10..300)))?;
        let (mut received, mut buffer) = (Pattern::new(self.number), vec![0; CHUNK]);
        let part = self.rng.u64(..MUCH);
        while received.position() < part {
            let count = connection.reader.read(&mut buffer)?;
            if count == 0 {
                return Err(Error::msg("a flood ended"));
            }
            received.check(&buffer[..count])?;
        }
        self.verified(&received);
        if self.rng.bool() {
            connection.writer.reset();
        }
        Ok(())
    }

    fn send_garbage(&mut self) -> Result<()> {
        // Not even TLS, where it should be.
        if matches!(self.kind, Kind::Tls) {
            self.kind = Kind::ClearToTls;
            let mut connection = self.connect()?;
            connection.writer.write_all(&self.noise())?;
            connection.writer.end()?;
            // TLS may say what it thinks of that.
            while connection.reader.read(&mut [0; 1024])? > 0 {}
            return Ok(());
        }
        let mut connection = self.connect()?;
        connection.writer.write_all(&self.noise())?;
        connection.writer.end()?;
        nothing_comes(&mut connection)
    }

    /// Bytes that are no greeting, and may be too few for one.
    fn noise(&mut self) -> Vec<u8> {
        let length = self.rng.usize(1..2000);
        let mut noise: Vec<_> = std::iter::repeat_with(|| self.rng.u8(..)).take(length).collect();
        noise[0] = self.rng.u8(b'\x80'..);
        noise
    }

    fn announce_too_much(&mut self) -> Result<()> {
        let mut connection = self.greet(Wish::Frames)?;
        let length = self.rng.u32(MAX_FRAME as u32 + 1..);
        connection.writer.write_all(&length.to_le_bytes())?;
        connection.writer.write_all(&self.noise())?;
        nothing_comes(&mut connection)
    }

    fn be_silent(&mut self) -> Result<()> {
        let mut connection = self.connect()?;
        nothing_comes(&mut connection)
    }

    fn be_refused(&self) -> Result<()> {
        let Err(error) = TcpStream::connect(self.world.deaf_address).map_err(Error::from) else {
            return Err(Error::msg("somebody listens where nobody does"));
        };
        if is_shortage(&error) {
            count(&self.world.connects_short);
            return Ok(());
        }
        match error.downcast_ref().map(io::Error::kind) {
            Some(ErrorKind::ConnectionRefused) => Ok(()),
            _ => Err(error),
        }
    }

    fn send(&self, writer: &mut Box<dyn Writer>, length: u64, rng: &mut Rng) -> Result<()> {
        let (mut sent, mut buffer) = (Pattern::new(self.number), vec![0; CHUNK]);
        while sent.position() < length {
            let count = rng.u64(1..=CHUNK as u64).min(length - sent.position()) as usize;
            sent.fill(&mut buffer[..count]);
            writer.write_all(&buffer[..count])?;
            if rng.u32(..20) == 0 {
                sleep(Duration::from_micros(rng.u64(..1000)))?;
            }
        }
        writer.end()
    }

    /// Receives all there is; says how much that was. Reads that take too long are given up and tried
    /// again, by which nothing may be lost.
    fn receive(&self, reader: &mut Box<dyn Read>, rng: &mut Rng) -> Result<u64> {
        let (mut received, mut buffer) = (Pattern::new(self.number), vec![0; CHUNK]);
        loop {
            let room = rng.usize(1..=CHUNK);
            let limit = match rng.u32(..10) {
                0 => Timeout::after(Duration::from_micros(rng.u64(..1000))),
                _ => Timeout::never(),
            };
            match limit.run(|| Ok(reader.read(&mut buffer[..room])?)) {
                Ok(0) => break,
                Ok(count) => received.check(&buffer[..count])?,
                Err(error) if error.is_timeout() && limit.expired() => {
                    count(&self.world.late_reads);
                }
                Err(error) => {
                    self.verified(&received);
                    return Err(error);
                }
            }
        }
        self.verified(&received);
        Ok(received.position())
    }

    fn verified(&self, received: &Pattern) {
        let verified = &self.world.verified;
        verified.set(verified.get() + received.position());
    }
}

/// A client has what it wanted, and goes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("that is enough")]
struct Enough;

fn all_is_there(received: u64, sent: u64) -> Result<()> {
    match received == sent {
        true => Ok(()),
        false => Err(Error::msg(format!("{received} of {sent} bytes came back"))),
    }
}

/// Waits for the server to hang up, and for nothing else.
fn nothing_comes(connection: &mut Connection) -> Result<()> {
    match connection.reader.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(Error::msg("the server has an answer to nonsense")),
    }
}

/// Whoever may be hung up on takes it as it is.
fn forgive(result: Result<()>) -> Result<()> {
    result.or_else(|error| if is_a_loss(&error) { Ok(()) } else { Err(error) })
}
