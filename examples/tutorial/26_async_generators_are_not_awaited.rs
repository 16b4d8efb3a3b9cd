//! A generator is iterated over, not awaited.
//!
//! In Python `await` of one is a `TypeError`. Here it has no method `wait`, so that does not compile.

use std::time::Duration;

use corio::{Generator, generator, sleep};

fn async_gen(param: u32) -> Generator<u32> {
    generator(move |co| {
        sleep(Duration::from_millis(1))?;
        co.yield_(param)
    })
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        // async_gen(3).wait(): "no method named `wait` found for struct `corio::Generator`"
        println!("an async generator is not awaitable");

        for r in async_gen(3) {
            println!("{}", r?);
        }
        Ok(())
    })
}
