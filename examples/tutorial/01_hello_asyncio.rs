//! Two tasks under way at the same time: while one sleeps, the other goes on.
//!
//! In Python the function is an `async def`, and `await` marks where it waits. Here it is a function,
//! and `?` marks where it may be cancelled.

use std::time::Duration;

use corio::{create_task, sleep};

fn greet(whom: &str, stay: Duration) -> corio::Result<()> {
    println!("hello, {whom}");
    sleep(stay)?;
    println!("goodbye, {whom}");
    Ok(())
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let asyncio = create_task(|| greet("asyncio", Duration::from_millis(1)));
        let world = create_task(|| greet("world", Duration::from_millis(2)));
        asyncio.wait()?;
        world.wait()
    })
}
