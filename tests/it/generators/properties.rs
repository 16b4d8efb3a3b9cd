//! Random bodies and random callers.
//!
//! A body is a list of steps; it is run on the loop, where its waits are sleeps, and off it, where
//! they are nothing. Both must tell the same story. Then each story is broken off, at every point
//! where it can be and in every way, and must leave nothing behind.

use std::panic::{AssertUnwindSafe, catch_unwind};

use corio::{
    Co, Error, Generator, GeneratorError, Result, create_future, create_task, get_running_loop,
    sleep,
};
use corio_coroutine::script::{Action, Mark, actions, scripts};
use corio_tests::{Log, OnDrop, ms, now, settle, virtual_run, yield_now};
use proptest::collection::vec;
use proptest::prelude::*;

/// How many random bodies: `CORIO_SCRIPTS=10000` for a thorough run.
fn cases(usual: u32) -> u32 {
    std::env::var("CORIO_SCRIPTS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Something that a body does.
#[derive(Clone, Debug)]
enum Step {
    Yield(u8, Manner),
    Wait(u8),
    Hold(u8),
    Delegate(Vec<Step>),
    Return(u8),
    Fail(u8),
}

/// What a body makes of an error of a yield.
#[derive(Clone, Copy, Debug)]
enum Manner {
    HandOn,
    /// Waits before it hands it on.
    CleanUp,
    /// Ends with a value.
    Return,
    Ignore,
}

fn bodies() -> impl Strategy<Value = Vec<Step>> {
    let manner = prop_oneof![
        3 => Just(Manner::HandOn),
        3 => Just(Manner::CleanUp),
        1 => Just(Manner::Return),
        1 => Just(Manner::Ignore),
    ];
    let leaf = prop_oneof![
        6 => (any::<u8>(), manner).prop_map(|(value, manner)| Step::Yield(value, manner)),
        4 => (0_u8..4).prop_map(Step::Wait),
        3 => any::<u8>().prop_map(Step::Hold),
        1 => any::<u8>().prop_map(Step::Return),
        1 => (0_u8..10).prop_map(Step::Fail),
    ];
    let step = leaf.prop_recursive(
        2,
        12,
        4,
        |inner| prop_oneof![4 => inner.clone(), 1 => vec(inner, 0..4).prop_map(Step::Delegate)],
    );
    vec(step, 0..7)
}

/// How a body waits.
type Wait = fn(u8) -> Result<()>;

fn on_the_loop(milliseconds: u8) -> Result<()> {
    sleep(ms(milliseconds.into()))
}

fn off_the_loop(_: u8) -> Result<()> {
    Ok(())
}

fn make(body: Vec<Step>, wait: Wait, log: &Log) -> Generator<u8, u8, u8> {
    let log = log.clone();
    Generator::two_way(move |co| {
        log.note("begin");
        let mut held = Vec::new();
        let result = run(&body, co, wait, &log, &mut held);
        while held.pop().is_some() {}
        result
    })
}

fn run(
    body: &[Step],
    co: &Co<'_, u8, u8>,
    wait: Wait,
    log: &Log,
    held: &mut Vec<OnDrop<Box<dyn FnMut()>>>,
) -> Result<u8> {
    for step in body {
        match step {
            Step::Yield(value, manner) => match (co.yield_(*value), manner) {
                (Ok(sent), _) => log.note(format!("got {sent}")),
                (Err(error), manner) => {
                    log.note(format!("interrupted: {error}"));
                    match manner {
                        Manner::HandOn => return Err(error),
                        Manner::CleanUp => {
                            wait(1)?;
                            log.note("cleaned up");
                            return Err(error);
                        }
                        Manner::Return => return Ok(200),
                        Manner::Ignore => {}
                    }
                }
            },
            Step::Wait(milliseconds) => wait(*milliseconds)?,
            Step::Hold(name) => {
                log.note(format!("hold {name}"));
                let (log, name) = (log.clone(), *name);
                held.push(OnDrop(Box::new(move || {
                    drop(wait(1)); // a destructor that waits, where it can
                    log.note(format!("release {name}"));
                })));
            }
            Step::Delegate(body) => {
                let returned = co.yield_from(make(body.clone(), wait, log))?;
                log.note(format!("delegate returned {returned}"));
            }
            Step::Return(value) => return Ok(*value),
            Step::Fail(number) => return Err(Mark(*number).into()),
        }
    }
    Ok(0)
}

/// Performs an action; what came of it, in words.
fn perform(generator: &Generator<u8, u8, u8>, action: &Action<u8>) -> String {
    let refused = |error: &Error| match error.downcast_ref::<GeneratorError>() {
        Some(refused) => format!("refused: {refused:?}"),
        None => format!("failed: {error}"),
    };
    let step = match *action {
        Action::Next => {
            let mut iterator = generator;
            return match iterator.next() {
                Some(Ok(value)) => format!("item {value}"),
                Some(Err(error)) => refused(&error),
                None => format!("over: {:?}", generator.take_return_value()),
            };
        }
        Action::Close => {
            return match generator.close() {
                Ok(returned) => format!("closed: {returned:?}"),
                Err(error) => refused(&error),
            };
        }
        Action::Send(value) => generator.send(value),
        Action::Throw(number) => generator.throw(Mark(number)),
    };
    match step {
        Ok(state) => format!("{state:?}"),
        Err(error) => refused(&error),
    }
}

/// The whole story of a body and a caller.
fn story(body: &[Step], actions: &[Action<u8>], wait: Wait) -> Vec<String> {
    let log = Log::new();
    let generator = make(body.to_vec(), wait, &log);
    for action in actions {
        let outcome = perform(&generator, action);
        log.note(format!("saw {outcome}"));
    }
    drop(generator);
    log.take()
}

/// How a story is broken off.
#[derive(Clone, Copy, Debug)]
enum End {
    Close,
    Drop,
    DropInACallback,
    DropByAPanic,
    DropWithATaskThatNeverBegins,
    OfRun,
    Forget,
    Throw,
}

const ENDS: [End; 8] = [
    End::Close,
    End::Drop,
    End::DropInACallback,
    End::DropByAPanic,
    End::DropWithATaskThatNeverBegins,
    End::OfRun,
    End::Forget,
    End::Throw,
];

fn end(generator: Generator<u8, u8, u8>, end: End) -> Result<Option<Generator<u8, u8, u8>>> {
    match end {
        End::Close => drop(generator.close()),
        End::Throw => drop(generator.throw(Mark(9))),
        End::Drop => drop(generator),
        End::DropInACallback => drop(get_running_loop()?.call_soon(move || drop(generator))),
        End::DropByAPanic => {
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _dropped = generator;
                std::panic::resume_unwind(Box::new(Mark(1)));
            }));
            assert!(panicked.is_err());
        }
        End::DropWithATaskThatNeverBegins => {
            let task = create_task(move || generator.close());
            task.cancel();
            assert!(task.wait().is_err());
        }
        End::OfRun => return Ok(Some(generator)),
        End::Forget => std::mem::forget(generator),
    }
    Ok(None)
}

/// Every beginning has had its end, once.
fn assert_balanced(log: &[String]) {
    let count = |prefix: &str| {
        let mut names: Vec<_> = log.iter().filter_map(|event| event.strip_prefix(prefix)).collect();
        names.sort_unstable();
        names.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(count("hold "), count("release "), "{log:#?}");
}

/// Whether a body may go on when it is closed.
fn ignores(body: &[Step]) -> bool {
    body.iter().any(|step| match step {
        Step::Yield(_, manner) => matches!(manner, Manner::Ignore),
        Step::Delegate(body) => ignores(body),
        _ => false,
    })
}

/// Nothing of the loop's is in use but the task that asks, and no timer is set.
fn assert_nothing_is_left(stacks: usize) -> Result<()> {
    assert_eq!(corio_coroutine::statistics().live, stacks, "stacks");
    assert_eq!(get_running_loop()?.statistics().tasks, 1, "tasks");
    let (_promise, never) = create_future::<()>();
    let asleep = now();
    assert!(never.wait().is_err(), "a deadlock, as nothing is left to happen");
    assert_eq!(now(), asleep, "timers");
    Ok(())
}

/// Runs the body up to its `steps`-th yield and breaks it off there.
fn break_off_at_a_yield(body: &[Step], steps: usize, how: End) -> Vec<String> {
    let log = Log::new();
    let kept = virtual_run(|| {
        get_running_loop()?.set_exception_handler(|_| {});
        let stacks = corio_coroutine::statistics().live;
        let mut generator = make(body.to_vec(), on_the_loop, &log);
        for _ in 0..steps {
            if generator.next().is_none() {
                break;
            }
        }
        let kept = end(generator, how)?;
        sleep(ms(200))?; // what is closed by a task has been closed by then
        if !matches!(how, End::OfRun | End::Forget) {
            assert_nothing_is_left(stacks)?;
        }
        Ok(kept)
    });
    drop(kept);
    log.take()
}

/// Cancels the task that drives the body, after `time` milliseconds.
fn cancel_after(body: &[Step], time: u64) -> Vec<String> {
    let log = Log::new();
    let outcome = virtual_run(|| {
        get_running_loop()?.set_exception_handler(|_| {});
        let stacks = corio_coroutine::statistics().live;
        let generator = make(body.to_vec(), on_the_loop, &log);
        let task = create_task(move || {
            for item in generator {
                item?;
                yield_now()?;
            }
            Ok(())
        });
        sleep(ms(time))?;
        task.cancel();
        drop(task.wait());
        settle()?;
        assert_nothing_is_left(stacks)
    });
    outcome.unwrap();
    log.take()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_generator_on_the_loop_behaves_as_the_same_off_it(
        body in bodies(),
        actions in actions(any::<u8>(), 8),
    ) {
        let off = story(&body, &actions, off_the_loop);
        let on = virtual_run(|| {
            get_running_loop()?.set_exception_handler(|_| {});
            Ok(story(&body, &actions, on_the_loop))
        });
        assert_balanced(&off);
        prop_assert_eq!(on.unwrap(), off);
    }

    /// Those of corio-coroutine, which know no errors, as well.
    #[test]
    fn a_plain_generator_in_a_task_behaves_as_the_model(script in scripts()) {
        let on = virtual_run(|| Ok(script.run()));
        prop_assert_eq!(on.unwrap(), script.predict());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(60), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_generator_broken_off_anywhere_cleans_up_once_and_leaves_nothing(body in bodies()) {
        for how in ENDS {
            for steps in 0..4 {
                let log = break_off_at_a_yield(&body, steps, how);
                // One that is forgotten, and goes on when the loop closes it, is leaked.
                if !(matches!(how, End::Forget) && ignores(&body)) {
                    assert_balanced(&log);
                }
            }
        }
        for time in 0..6 {
            assert_balanced(&cancel_after(&body, time));
        }
    }
}
