//! The less usual way to run a program: a `run`, and so a loop, for each piece that waits.
//!
//! In Python it is `asyncio.run` around each coroutine.

use std::time::Duration;

use corio::sleep;

const A_MOMENT: Duration = Duration::from_millis(1);

fn get_data_from_io(n: u32) -> corio::Result<u32> {
    sleep(A_MOMENT)?;
    Ok(n)
}

fn process_data(data: u32) -> corio::Result<()> {
    sleep(A_MOMENT)?;
    println!("processed {data}");
    Ok(())
}

fn main() -> corio::Result<()> {
    for n in 0..3 {
        let data = corio::run(|| get_data_from_io(n))?;
        corio::run(|| process_data(data))?;
    }
    Ok(())
}
