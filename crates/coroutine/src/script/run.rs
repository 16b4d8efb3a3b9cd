//! Scripts on real stacks.

use std::any::Any;
use std::cell::RefCell;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::thread;

use super::{Action, Event, Manner, Mark, Outcome, Script, Step};
use crate::generator::{Co, Generator, GeneratorError, Interrupted, Thrown};
use crate::{CoroutineState, scope};

/// Performs `action` on `generator`, and says what came of it.
///
/// # Examples
///
/// ```
/// use corio_coroutine::Generator;
/// use corio_coroutine::script::{Action, Outcome, perform};
///
/// let one = Generator::<u8>::new(|co| co.yield_(1));
/// assert_eq!(perform(&one, Action::Next), Outcome::Yielded(1));
/// assert_eq!(perform(&one, Action::Throw(7)), Outcome::Threw(Some(7)));
/// assert_eq!(perform(&one, Action::Next), Outcome::Over);
/// ```
pub fn perform<T, S: Default, R>(
    generator: &Generator<T, S, R>,
    action: Action<S>,
) -> Outcome<T, R> {
    let result = panic::catch_unwind(AssertUnwindSafe(|| match action {
        Action::Next => {
            generator.try_next().map(|item| match (item, generator.take_return_value()) {
                (Some(value), _) => Outcome::Yielded(value),
                (None, Some(value)) => Outcome::Returned(value),
                (None, None) => Outcome::Over,
            })
        }
        Action::Send(value) => generator.send(value).map(outcome),
        Action::Throw(number) => generator.throw(Mark(number)).map(outcome),
        Action::Close => {
            generator.close().map(|value| value.map_or(Outcome::Over, Outcome::Returned))
        }
    }));
    match result {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(GeneratorError::IgnoredClose)) => Outcome::IgnoredClose,
        Ok(Err(GeneratorError::Thrown(error))) => {
            Outcome::Threw(error.downcast_ref().map(|mark: &Mark| mark.0))
        }
        Ok(Err(_)) => Outcome::Refused,
        Err(payload) => Outcome::Panicked(number(&*payload)),
    }
}

fn outcome<T, R>(state: CoroutineState<T, R>) -> Outcome<T, R> {
    match state {
        CoroutineState::Yielded(value) => Outcome::Yielded(value),
        CoroutineState::Complete(value) => Outcome::Returned(value),
    }
}

/// The number of a mark, panicked or thrown.
fn number(payload: &(dyn Any + Send)) -> Option<u8> {
    let thrown =
        payload.downcast_ref::<Thrown>().and_then(|thrown| thrown.0.downcast_ref::<Mark>());
    payload.downcast_ref::<Mark>().or(thrown).map(|mark| mark.0)
}

type Log = Rc<RefCell<Vec<Event>>>;

/// What happens.
pub(super) fn run(script: &Script) -> Vec<Event> {
    let log = Log::default();
    call(&script.body, &script.actions, &log);
    log.take()
}

/// Makes a generator, does something with it, and drops it.
fn call(body: &[Step], actions: &[Action<u8>], log: &Log) {
    let generator = generator(body.to_vec(), log);
    for action in actions {
        let outcome = perform(&generator, action.clone());
        log.borrow_mut().push(Event::Saw(outcome));
    }
    let gone = panic::catch_unwind(AssertUnwindSafe(|| drop(generator)));
    log.borrow_mut().push(Event::Gone(gone.err().map(|payload| number(&*payload))));
}

fn generator(body: Vec<Step>, log: &Log) -> Generator<u8, u8, u8> {
    let log = Rc::clone(log);
    Generator::two_way(move |co| block(&body, co, &log).unwrap_or_default())
}

/// Something on the stack with a destructor: what the step put there.
struct Held<'a>(&'a Step, &'a Log);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Self(step, log) = self;
        match step {
            Step::Hold(number) => log.borrow_mut().push(Event::Dropped(*number)),
            Step::Trap(number) => {
                log.borrow_mut().push(Event::Dropped(*number));
                if !thread::panicking() {
                    panic::resume_unwind(Box::new(Mark(*number)));
                }
            }
            Step::Defer(body, actions) => call(body, actions, log),
            _ => unreachable!("nothing else is held"),
        }
    }
}

/// Things held, dropped in reverse order, as locals are, also when one of them panics.
struct Stacked<'a>(Vec<Held<'a>>);

impl Drop for Stacked<'_> {
    fn drop(&mut self) {
        let last = self.0.pop();
        if last.is_some() {
            let _rest = Stacked(mem::take(&mut self.0));
            drop(last);
        }
    }
}

/// Does the steps; returns a value if the whole body is to return it.
fn block(steps: &[Step], co: &Co<u8, u8>, log: &Log) -> Option<u8> {
    let mut held = Stacked(Vec::new());
    steps.iter().find_map(|step| {
        if let Step::Hold(_) | Step::Trap(_) | Step::Defer(..) = step {
            held.0.push(Held(step, log));
            return None;
        }
        one(step, co, log)
    })
}

fn one(step: &Step, co: &Co<u8, u8>, log: &Log) -> Option<u8> {
    match step {
        Step::Hold(_) | Step::Trap(_) | Step::Defer(..) => unreachable!("held by the block"),
        Step::Return(value) => Some(*value),
        Step::Panic(number) => panic::resume_unwind(Box::new(Mark(*number))),
        Step::Yield(value, Manner::Unwind) => {
            let got = co.yield_(*value);
            log.borrow_mut().push(Event::Got(got));
            None
        }
        Step::Yield(value, manner) => {
            let result = co.try_yield(*value).map(Event::Got);
            answered(result, *manner, log)
        }
        Step::Delegate(body, Manner::Unwind) => {
            let value = co.yield_from(generator(body.clone(), log));
            log.borrow_mut().push(Event::Delegated(value));
            None
        }
        Step::Delegate(body, manner) => {
            let result = co.try_yield_from(generator(body.clone(), log)).map(Event::Delegated);
            answered(result, *manner, log)
        }
        Step::Nest(body, actions) => {
            call(body, actions, log);
            None
        }
        Step::Within(steps) => scope(|s| {
            let mut on_top = s.coroutine::<(), (), Option<u8>, _>(|_, ()| block(steps, co, log));
            on_top.resume(()).complete().expect("it yields through the generator only")
        }),
        Step::Catch(steps) => match panic::catch_unwind(AssertUnwindSafe(|| block(steps, co, log)))
        {
            Ok(value) => value,
            Err(payload) => {
                log.borrow_mut().push(Event::Caught(number(&*payload)));
                None
            }
        },
    }
}

fn answered(result: Result<Event, Interrupted>, manner: Manner, log: &Log) -> Option<u8> {
    let event = match result {
        Ok(event) => event,
        Err(Interrupted::Thrown(error)) => {
            Event::Thrown(error.downcast_ref().map_or(u8::MAX, |mark: &Mark| mark.0))
        }
        Err(Interrupted::Closed | Interrupted::Unwinding | Interrupted::Outside) => Event::Closed,
    };
    let closed = event == Event::Closed;
    log.borrow_mut().push(event);
    (closed && manner == Manner::Return).then_some(CLOSED)
}

/// What a body returns when it was closed.
pub(super) const CLOSED: u8 = 200;
