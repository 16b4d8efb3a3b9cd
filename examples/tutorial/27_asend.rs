//! A yield gives a value and takes one: the generator and its caller pass values back and forth.
//!
//! In Python the caller uses `anext` first, then `asend`, until it raises `StopAsyncIteration`. Here it
//! uses `start`, then `send`, until the step is no longer a `Yielded`.

use std::time::Duration;

use corio::CoroutineState::Yielded;
use corio::{Generator, sleep};

const A_MOMENT: Duration = Duration::from_millis(1);

fn do_something(y: u32) -> corio::Result<u32> {
    sleep(A_MOMENT)?;
    Ok(2 * y)
}

fn do_something_else(x: u32) -> corio::Result<u32> {
    sleep(A_MOMENT)?;
    Ok(x + 1)
}

fn advanced_generator(mut y: u32) -> Generator<u32, u32> {
    Generator::two_way(move |co| {
        for _ in 0..10 {
            let x = do_something(y)?;
            y = co.yield_(x)?;
        }
        Ok(())
    })
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let it = advanced_generator(1);
        let mut step = it.start()?;

        while let Yielded(x) = step {
            let y = do_something_else(x)?;
            println!("got {x}, send {y}");
            step = it.send(y)?;
        }
        Ok(())
    })
}
