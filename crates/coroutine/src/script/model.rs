//! What a script should do, without any coroutine.
//!
//! A suspended generator is a list of blocks that are half done. Blocks are entered by steps and left by returning or
//! unwinding; some of them are borders, where one body ends and the one that delegated to it goes on.

use super::run::CLOSED;
use super::{Action, Event, Manner, Outcome, Script, Step};

/// What should happen.
pub(super) fn predict(script: &Script) -> Vec<Event> {
    let mut log = Vec::new();
    call(&script.body, &script.actions, &mut log);
    log
}

fn call(body: &[Step], actions: &[Action<u8>], log: &mut Vec<Event>) {
    let mut machine = Machine::new(body);
    for action in actions {
        let outcome = machine.perform(action, log);
        log.push(Event::Saw(outcome));
    }
    let gone = machine.drop(log);
    log.push(Event::Gone(gone));
}

/// A block that is half done.
struct Block<'a> {
    kind: Kind,
    rest: &'a [Step],
    held: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// The whole body of the generator.
    Root,
    /// The whole body of a delegate, and how the delegating step takes its end.
    Delegate(Manner),
    /// A part of a body that catches what unwinds.
    Catch,
    /// A part of a body.
    Within,
}

/// What unwinds.
#[derive(Clone, Copy, PartialEq)]
enum Payload {
    Panic(u8),
    Thrown(u8),
    Exit,
    Forced,
}

impl Payload {
    fn number(self) -> Option<u8> {
        match self {
            Self::Panic(number) | Self::Thrown(number) => Some(number),
            Self::Exit | Self::Forced => None,
        }
    }
}

/// What moves a machine on.
#[derive(Clone, Copy)]
enum Move {
    /// Do the next step.
    Go,
    /// The current body returns.
    Return(u8),
    /// The current block unwinds.
    Unwind(Payload),
    /// The step that was just taken, of this manner, is interrupted.
    Close(Manner),
    Throw(Manner, u8),
}

/// Where a machine stops.
enum Stop {
    Yielded(u8),
    Returned(u8),
    Unwound(Payload),
}

struct Machine<'a> {
    started: bool,
    /// Empty when it is done. The top one is at a yield of manner `at`, unless the machine is fresh.
    blocks: Vec<Block<'a>>,
    at: Manner,
    /// Whether it is being ended by force, so that nobody serves it: to delegate is to stop, like a yield.
    forced: bool,
    /// How many of the blocks, from the lowest, are being closed: those that were there when the caller asked for it.
    closing: usize,
}

impl<'a> Machine<'a> {
    fn new(body: &'a [Step]) -> Self {
        let root = Block { kind: Kind::Root, rest: body, held: Vec::new() };
        Self { started: false, blocks: vec![root], at: Manner::Unwind, forced: false, closing: 0 }
    }

    fn perform(&mut self, action: &Action<u8>, log: &mut Vec<Event>) -> Outcome<u8, u8> {
        let fresh = !self.started;
        let done = self.blocks.is_empty();
        let stop = match *action {
            Action::Next if done => return Outcome::Over,
            Action::Send(_) if done || fresh => return Outcome::Refused,
            Action::Throw(number) if done || fresh => {
                self.forget();
                return Outcome::Threw(Some(number));
            }
            Action::Close if done || fresh => {
                self.forget();
                return Outcome::Over;
            }
            Action::Next if fresh => {
                self.started = true;
                self.go(Move::Go, false, log)
            }
            Action::Next => self.answer(u8::default(), log),
            Action::Send(value) => self.answer(value, log),
            Action::Throw(number) => self.go(Move::Throw(self.at, number), false, log),
            Action::Close => {
                return match self.go(Move::Close(self.at), true, log) {
                    Stop::Yielded(_) => Outcome::IgnoredClose,
                    Stop::Returned(value) => Outcome::Returned(value),
                    Stop::Unwound(Payload::Exit) => Outcome::Over,
                    Stop::Unwound(payload) => Outcome::Panicked(payload.number()),
                };
            }
        };
        match stop {
            Stop::Yielded(value) => Outcome::Yielded(value),
            Stop::Returned(value) => Outcome::Returned(value),
            Stop::Unwound(Payload::Thrown(number)) if matches!(action, Action::Throw(_)) => {
                Outcome::Threw(Some(number))
            }
            Stop::Unwound(payload) => Outcome::Panicked(payload.number()),
        }
    }

    /// A body that never ran leaves no trace.
    fn forget(&mut self) {
        self.started = true;
        self.blocks.clear();
    }

    fn answer(&mut self, value: u8, log: &mut Vec<Event>) -> Stop {
        log.push(Event::Got(value));
        self.go(Move::Go, false, log)
    }

    /// Closes it, and ends by force what goes on. Returns the panic that comes of it.
    fn drop(mut self, log: &mut Vec<Event>) -> Option<Option<u8>> {
        if !self.started || self.blocks.is_empty() {
            return None;
        }
        match self.go(Move::Close(self.at), true, log) {
            Stop::Returned(_) | Stop::Unwound(Payload::Exit) => None,
            Stop::Unwound(payload) => Some(payload.number()),
            Stop::Yielded(_) => self.force(log),
        }
    }

    /// Ends the bodies one by one, innermost first, each cut off from the ones around it.
    fn force(mut self, log: &mut Vec<Event>) -> Option<Option<u8>> {
        let mut panicked = None;
        while let Some(border) = self
            .blocks
            .iter()
            .rposition(|block| matches!(block.kind, Kind::Root | Kind::Delegate(_)))
        {
            let mut body = Machine {
                started: true,
                blocks: self.blocks.split_off(border),
                at: self.at,
                forced: true,
                closing: 0,
            };
            body.blocks[0].kind = Kind::Root;
            let payload = loop {
                match body.go(Move::Unwind(Payload::Forced), false, log) {
                    Stop::Yielded(_) => {}
                    Stop::Returned(_) | Stop::Unwound(Payload::Forced) => break None,
                    Stop::Unwound(payload) => break Some(payload.number()),
                }
            };
            panicked = panicked.or(payload);
        }
        panicked
    }

    /// Moves on until it stops.
    fn go(&mut self, mut next: Move, closing: bool, log: &mut Vec<Event>) -> Stop {
        self.closing = if closing { self.blocks.len() } else { 0 };
        loop {
            next = match next {
                Move::Go => match self.step(log) {
                    Ok(next) => next,
                    Err(value) => return Stop::Yielded(value),
                },
                Move::Close(Manner::Unwind) => Move::Unwind(Payload::Exit),
                Move::Close(manner) => {
                    log.push(Event::Closed);
                    if manner == Manner::Return { Move::Return(CLOSED) } else { Move::Go }
                }
                Move::Throw(Manner::Unwind, number) => Move::Unwind(Payload::Thrown(number)),
                Move::Throw(_, number) => {
                    log.push(Event::Thrown(number));
                    Move::Go
                }
                Move::Return(value) => match self.leave(log) {
                    (Kind::Root, _) => return Stop::Returned(value),
                    (Kind::Delegate(manner), true) => Move::Close(manner),
                    (Kind::Delegate(_), false) => {
                        log.push(Event::Delegated(Some(value)));
                        Move::Go
                    }
                    (Kind::Catch | Kind::Within, _) => Move::Return(value),
                },
                Move::Unwind(payload) => match self.leave(log) {
                    (Kind::Root, _) => return Stop::Unwound(payload),
                    (Kind::Delegate(manner), true) if payload == Payload::Exit => {
                        Move::Close(manner)
                    }
                    (Kind::Delegate(manner), _) => match payload {
                        Payload::Thrown(number) => Move::Throw(manner, number),
                        Payload::Panic(_) | Payload::Exit | Payload::Forced => {
                            Move::Unwind(payload)
                        }
                    },
                    (Kind::Catch, _) => {
                        log.push(Event::Caught(payload.number()));
                        Move::Go
                    }
                    (Kind::Within, _) => Move::Unwind(payload),
                },
            };
        }
    }

    /// Does one step; a yield is an error.
    fn step(&mut self, log: &mut Vec<Event>) -> Result<Move, u8> {
        let block = self.blocks.last_mut().expect("a machine that goes on has a block");
        let Some((step, rest)) = block.rest.split_first() else {
            return Ok(match block.kind {
                Kind::Root | Kind::Delegate(_) => Move::Return(0),
                Kind::Catch | Kind::Within => {
                    self.leave(log);
                    Move::Go
                }
            });
        };
        block.rest = rest;
        match step {
            Step::Hold(number) => block.held.push(*number),
            Step::Return(value) => return Ok(Move::Return(*value)),
            Step::Panic(number) => return Ok(Move::Unwind(Payload::Panic(*number))),
            Step::Yield(value, manner) => {
                self.at = *manner;
                return Err(*value);
            }
            Step::Delegate(..) if self.forced => return Err(0),
            Step::Delegate(body, manner) => self.enter(Kind::Delegate(*manner), body),
            Step::Within(body) => self.enter(Kind::Within, body),
            Step::Catch(body) => self.enter(Kind::Catch, body),
            Step::Nest(body, actions) => call(body, actions, log),
        }
        Ok(Move::Go)
    }

    fn enter(&mut self, kind: Kind, rest: &'a [Step]) {
        self.blocks.push(Block { kind, rest, held: Vec::new() });
    }

    /// Drops the top block. Returns what it was, and whether it was being closed.
    fn leave(&mut self, log: &mut Vec<Event>) -> (Kind, bool) {
        let block = self.blocks.pop().expect("a machine that goes on has a block");
        log.extend(block.held.iter().rev().map(|number| Event::Dropped(*number)));
        let was_closing = self.blocks.len() < self.closing;
        self.closing = self.blocks.len().min(self.closing);
        (block.kind, was_closing)
    }
}
