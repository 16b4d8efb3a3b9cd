//! What `with` does, and the same by hand.
//!
//! In Python `async with` stands for a `try` that calls `__aexit__` with the exception or with three
//! times `None`. Here the body has an outcome, which `exit` is given and returns. (`with` does more
//! than is written out here: it sees to panics, too, and to what becomes of two errors.)

use std::time::Duration;

use corio::{ContextManager, Error, with};

const A_MOMENT: Duration = Duration::from_millis(1);

struct AsyncCM;

impl ContextManager for AsyncCM {
    type Value = &'static str;

    fn enter(&mut self) -> corio::Result<&'static str> {
        corio::sleep(A_MOMENT)?;
        println!("enter");
        Ok("context")
    }

    fn exit(self, outcome: corio::Result<()>) -> corio::Result<()> {
        corio::sleep(A_MOMENT)?;
        match &outcome {
            Ok(()) => println!("exit"),
            Err(error) => println!("exit: {error}"),
        }
        outcome
    }
}

type Body = fn(&str) -> corio::Result<()>;

fn succeed(ctx: &str) -> corio::Result<()> {
    println!("in the {ctx}");
    Ok(())
}

fn fail(_: &str) -> corio::Result<()> {
    Err(Error::msg("out of ink"))
}

fn with_with(body: Body) -> corio::Result<()> {
    with(AsyncCM, body)
}

fn by_hand(body: Body) -> corio::Result<()> {
    let mut cm = AsyncCM;
    let ctx = cm.enter()?;
    let outcome = body(ctx);
    cm.exit(outcome)
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        for way in [with_with, by_hand] {
            way(succeed)?;
            if let Err(error) = way(fail) {
                println!("propagated: {error}");
            }
        }
        Ok(())
    })
}
