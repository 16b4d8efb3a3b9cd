//! What the README promises of `panic = "abort"`, beside what happens otherwise. Ordinary test runs are built
//! to unwind; `ci/panic_abort.sh` builds this program to abort.

use std::env;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

use corio_coroutine::{Coroutine, Generator, GeneratorError, scope, statistics};

const ABORTS: bool = cfg!(panic = "abort");

/// A name, what it does, and whether the process survives where nothing unwinds.
type Case = (&'static str, fn(), bool);

const CASES: &[Case] = &[
    ("running to the end", run_to_the_end, true),
    ("closing at try_yield", close_at_try_yield, true),
    ("closing at yield_", close_at_yield, true),
    ("dropping half-way", drop_half_way, true),
    ("a scope of bodies that return", scope_that_returns, true),
    ("a scope of bodies that must be unwound", scope_that_unwinds, false),
    ("throwing at yield_", throw_at_yield, false),
];

fn numbers() -> Generator<u32> {
    Generator::new(|co| (0..5).for_each(|n| co.yield_(n)))
}

fn polite() -> Generator<u32, (), &'static str> {
    Generator::new(|co| {
        while co.try_yield(1).is_ok() {}
        "returned"
    })
}

fn run_to_the_end() {
    assert_eq!(numbers().sum::<u32>(), 10);
    let outer = Generator::new(|co| {
        co.yield_from(numbers());
        co.yield_(5);
    });
    assert_eq!(outer.sum::<u32>(), 15);
    assert_eq!(statistics().live, 0);
}

fn close_at_try_yield() {
    let generator = polite();
    generator.start().unwrap();
    assert_eq!(generator.close().unwrap(), Some("returned"));
    assert_eq!(polite().take(3).count(), 3);
    assert_eq!(statistics().live, 0);
}

fn close_at_yield() {
    let generator = numbers();
    generator.start().unwrap();
    if ABORTS {
        assert!(matches!(generator.close(), Err(GeneratorError::IgnoredClose)));
        assert!(matches!(generator.close(), Err(GeneratorError::IgnoredClose)));
    } else {
        assert_eq!(generator.close().unwrap(), None);
    }
}

fn drop_half_way() {
    let mut co = Coroutine::<(), (), ()>::new(|co, ()| co.yield_(()));
    co.resume(());
    drop(co);
    assert_eq!(statistics().live, usize::from(ABORTS));
    assert_eq!(numbers().take(2).sum::<u32>(), 1);
    assert_eq!(statistics().live, 2 * usize::from(ABORTS));
    let outer = Generator::new(|co| {
        co.yield_from(numbers());
    });
    outer.start().unwrap();
    drop(outer);
    assert_eq!(statistics().live, 4 * usize::from(ABORTS));
    drop(Coroutine::<(), (), ()>::new(|_, ()| ()));
    assert_eq!(statistics().live, 4 * usize::from(ABORTS));
}

fn scope_that_returns() {
    let text = String::from("borrowed");
    scope(|s| {
        let mut generator = s.generator(|co| drop(co.try_yield(&text)));
        assert_eq!(generator.next(), Some(&text));
    });
    assert_eq!(statistics().live, 0);
}

fn scope_that_unwinds() {
    let text = String::from("borrowed");
    scope(|s| s.generator(|co| co.yield_(&text)).next().map(String::len));
}

fn throw_at_yield() {
    let generator = numbers();
    generator.start().unwrap();
    assert!(matches!(generator.throw("an error"), Err(GeneratorError::Thrown(_))));
}

/// The environment variable that tells a process which case it is.
const WHICH: &str = "CORIO_COROUTINE_CASE";

fn main() -> ExitCode {
    if let Ok(wanted) = env::var(WHICH) {
        let case = CASES.iter().find(|(name, ..)| *name == wanted);
        case.expect("a known case").1();
        return ExitCode::SUCCESS;
    }
    let must_abort = env::var_os("CORIO_COROUTINE_MUST_ABORT").is_some();
    assert!(ABORTS || !must_abort, "this was built to unwind");
    let trials = CASES.iter().map(|case| Trial::test(case.0, || try_out(case)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// Runs a case in a process of its own.
fn try_out(&(name, _, survives): &'static Case) -> Result<(), Failed> {
    let program = env::current_exe().expect("the path of this program");
    let output = Command::new(program).env(WHICH, name).output().expect("a child process");
    if output.status.success() == (survives || !ABORTS) {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
    }
}
