//! To sleep for no time is to let every other task that is ready run once.
//!
//! In Python it is `await asyncio.sleep(0)`.

use std::time::Duration;

use corio::{gather, sleep};

fn count(name: &str) -> corio::Result<()> {
    for n in 0..3 {
        println!("{name} {n}");
        sleep(Duration::ZERO)?;
    }
    Ok(())
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        gather((|| count("ping"), || count("pong")))?;
        Ok(())
    })
}
