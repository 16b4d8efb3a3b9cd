//! Two tasks share a vector: one fetches values into it, the other prints how many there are.
//!
//! Both run for ever, so `timeout` ends them. They need no lock: a task is only ever stopped where
//! it waits, and neither waits while it has the vector borrowed.
//!
//! `cargo run --release --example monitor`

use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;

use corio::{gather, sleep, timeout};

/// What a program of use would get from a database or a sensor, some time after asking.
fn some_values_from_io() -> corio::Result<[u32; 3]> {
    sleep(Duration::from_millis(70))?;
    Ok([1, 2, 3])
}

fn fetcher(values: &RefCell<Vec<u32>>) -> corio::Result<Infallible> {
    loop {
        let fetched = some_values_from_io()?;
        values.borrow_mut().extend(fetched);
    }
}

fn monitor(values: &RefCell<Vec<u32>>) -> corio::Result<Infallible> {
    loop {
        println!("{} values", values.borrow().len());
        sleep(Duration::from_millis(200))?;
    }
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let values = RefCell::new(Vec::new());
        let both = || gather((|| fetcher(&values), || monitor(&values)));
        match timeout(Duration::from_secs(1), both) {
            Err(error) if error.is_timeout() => println!("{} in all", values.borrow().len()),
            Err(error) => return Err(error),
            Ok(_) => unreachable!("neither ever returns"),
        }
        Ok(())
    })
}
