//! A generator that waits between its yields.
//!
//! In Python it is an `async def` with a yield. Here it is `generator`, whose body may wait and may
//! fail: so its items are results, and `?` follows the yield, for when nobody wants another value.

use std::time::Duration;

use corio::{Generator, generator, sleep};

const A_MOMENT: Duration = Duration::from_millis(1);

fn async_generator_fn(param: &'static str) -> Generator<String> {
    generator(move |co| {
        println!("do something");
        sleep(A_MOMENT)?;
        co.yield_(format!("something of {param}"))?;
        println!("do other stuff");
        sleep(A_MOMENT)?;
        co.yield_(format!("some other something of {param}"))?;
        println!("do more stuff");
        Ok(())
    })
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        for value in async_generator_fn("param") {
            println!("{}", value?);
        }
        Ok(())
    })
}
