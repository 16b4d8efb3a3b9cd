//! Two tasks sleep for a second each, and the program takes one second.
//!
//! `cargo run --release --example hello`

use std::time::{Duration, Instant};

use corio::{create_task, sleep};

fn say_after(delay: Duration, what: &str) -> corio::Result<()> {
    sleep(delay)?;
    println!("{what}");
    Ok(())
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let began = Instant::now();
        let hello = create_task(|| say_after(Duration::from_millis(1000), "hello"));
        let world = create_task(|| say_after(Duration::from_millis(1001), "world"));
        hello.wait()?;
        world.wait()?;
        println!("took {:.1} s", began.elapsed().as_secs_f64());
        Ok(())
    })
}
