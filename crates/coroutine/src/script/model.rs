//! What a script should do, without any coroutine.
//!
//! A suspended generator is a list of blocks that are half done. Blocks are entered by steps and left by returning or
//! unwinding; some of them are borders, where one body ends and the one that delegated to it goes on.

use super::run::CLOSED;
use super::{Action, Event, Manner, Outcome, Script, Step};

/// What should happen.
pub(super) fn predict(script: &Script) -> Vec<Event> {
    let mut log = Vec::new();
    call(&script.body, &script.actions, false, &mut log);
    log
}

/// What happens to a generator that is made, used and dropped, in a thread that is `panicking` or not.
fn call(body: &[Step], actions: &[Action<u8>], panicking: bool, log: &mut Vec<Event>) {
    let mut machine = Machine::new(body, panicking);
    for action in actions {
        let outcome = machine.perform(action, log);
        log.push(Event::Saw(outcome));
    }
    // A panicking thread has no use for another panic.
    let gone = machine.drop(log).filter(|_| !panicking);
    log.push(Event::Gone(gone));
}

/// A block that is half done.
struct Block<'a> {
    kind: Kind,
    rest: &'a [Step],
    held: Vec<&'a Step>,
    /// Whether the body whose border this is takes itself to be unwinding, so that it yields no more: it was closed by a
    /// panicking thread, which looks the same from inside.
    deaf: bool,
}

impl Block<'_> {
    fn is_border(&self) -> bool {
        matches!(self.kind, Kind::Root | Kind::Delegate(_))
    }
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
    /// A yield that was refused.
    Refused,
}

impl Payload {
    fn number(self) -> Option<u8> {
        match self {
            Self::Panic(number) | Self::Thrown(number) => Some(number),
            Self::Exit | Self::Forced | Self::Refused => None,
        }
    }
}

/// What moves a machine on.
#[derive(Clone, Copy)]
enum Move {
    /// Do the next step.
    Go,
    /// Leave the current block.
    Leave(End),
    /// The step that was just taken, of this manner, is interrupted.
    Close(Manner),
    Throw(Manner, u8),
}

/// How a block is left.
#[derive(Clone, Copy)]
enum End {
    /// It is at its end, and what is around it goes on.
    Fall,
    /// The whole body returns.
    Return(u8),
    Unwind(Payload),
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
    /// Whether the thread is panicking while it runs.
    panicking: bool,
    /// How many of the blocks, from the lowest, are being closed: those that were there when the caller asked for it.
    closing: usize,
}

impl<'a> Machine<'a> {
    fn new(body: &'a [Step], panicking: bool) -> Self {
        let mut machine = Self {
            started: false,
            blocks: Vec::new(),
            at: Manner::Unwind,
            forced: false,
            panicking,
            closing: 0,
        };
        machine.enter(Kind::Root, body);
        machine
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
        while let Some(border) = self.blocks.iter().rposition(Block::is_border) {
            let mut body = Machine {
                started: true,
                blocks: self.blocks.split_off(border),
                at: self.at,
                forced: true,
                panicking: self.panicking,
                closing: 0,
            };
            body.blocks[0].kind = Kind::Root;
            body.blocks[0].deaf = self.panicking;
            let payload = loop {
                match body.go(Move::Leave(End::Unwind(Payload::Forced)), false, log) {
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
                Move::Close(Manner::Unwind) => {
                    self.border().deaf = self.panicking;
                    Move::Leave(End::Unwind(Payload::Exit))
                }
                Move::Close(manner) => {
                    log.push(Event::Closed);
                    if manner == Manner::Return {
                        Move::Leave(End::Return(CLOSED))
                    } else {
                        Move::Go
                    }
                }
                Move::Throw(Manner::Unwind, number) => {
                    Move::Leave(End::Unwind(Payload::Thrown(number)))
                }
                Move::Throw(_, number) => {
                    log.push(Event::Thrown(number));
                    Move::Go
                }
                Move::Leave(end) => {
                    let (kind, was_closing, end) = self.leave(end, log);
                    match (kind, end) {
                        (Kind::Root, End::Return(value)) => return Stop::Returned(value),
                        (Kind::Root, End::Unwind(payload)) => return Stop::Unwound(payload),
                        (Kind::Delegate(manner), End::Return(_) | End::Unwind(Payload::Exit))
                            if was_closing =>
                        {
                            Move::Close(manner)
                        }
                        (Kind::Delegate(_), End::Return(value)) => {
                            log.push(Event::Delegated(Some(value)));
                            Move::Go
                        }
                        (Kind::Delegate(manner), End::Unwind(Payload::Thrown(number))) => {
                            Move::Throw(manner, number)
                        }
                        (Kind::Catch, End::Unwind(payload)) => {
                            log.push(Event::Caught(payload.number()));
                            Move::Go
                        }
                        (_, End::Fall) => Move::Go,
                        (_, end) => Move::Leave(end),
                    }
                }
            };
        }
    }

    /// Does one step; a yield is an error.
    fn step(&mut self, log: &mut Vec<Event>) -> Result<Move, u8> {
        let block = self.blocks.last_mut().expect("a machine that goes on has a block");
        let Some((step, rest)) = block.rest.split_first() else {
            return Ok(Move::Leave(if block.is_border() { End::Return(0) } else { End::Fall }));
        };
        block.rest = rest;
        match step {
            Step::Hold(_) | Step::Trap(_) | Step::Defer(..) => block.held.push(step),
            Step::Return(value) => return Ok(Move::Leave(End::Return(*value))),
            Step::Panic(number) => return Ok(Move::Leave(End::Unwind(Payload::Panic(*number)))),
            Step::Yield(_, manner) | Step::Delegate(_, manner) if self.border().deaf => {
                return Ok(match manner {
                    Manner::Unwind => Move::Leave(End::Unwind(Payload::Refused)),
                    Manner::Return | Manner::Ignore => Move::Close(*manner),
                });
            }
            Step::Yield(value, manner) => {
                self.at = *manner;
                return Err(*value);
            }
            Step::Delegate(..) if self.forced => return Err(0),
            Step::Delegate(body, manner) => self.enter(Kind::Delegate(*manner), body),
            Step::Within(body) => self.enter(Kind::Within, body),
            Step::Catch(body) => self.enter(Kind::Catch, body),
            Step::Nest(body, actions) => call(body, actions, self.panicking, log),
        }
        Ok(Move::Go)
    }

    fn enter(&mut self, kind: Kind, rest: &'a [Step]) {
        self.blocks.push(Block { kind, rest, held: Vec::new(), deaf: false });
    }

    /// The border of the innermost body.
    fn border(&mut self) -> &mut Block<'a> {
        let border = self.blocks.iter_mut().rfind(|block| block.is_border());
        border.expect("a machine that goes on has a body")
    }

    /// Drops the top block. Returns what it was, whether it was being closed, and how it ended: by unwinding, if a trap
    /// went off.
    fn leave(&mut self, mut end: End, log: &mut Vec<Event>) -> (Kind, bool, End) {
        let block = self.blocks.pop().expect("a machine that goes on has a block");
        for step in block.held.into_iter().rev() {
            let panicking = self.panicking || matches!(end, End::Unwind(_));
            match step {
                Step::Defer(body, actions) => call(body, actions, panicking, log),
                Step::Hold(number) | Step::Trap(number) => log.push(Event::Dropped(*number)),
                _ => unreachable!("nothing else is held"),
            }
            if let Step::Trap(number) = step
                && !panicking
            {
                end = End::Unwind(Payload::Panic(*number));
            }
        }
        let was_closing = self.blocks.len() < self.closing;
        self.closing = self.blocks.len().min(self.closing);
        (block.kind, was_closing, end)
    }
}
