//! Two tasks share a list and need no lock: a task is stopped only where it waits, and neither waits
//! while it has the list in hand.
//!
//! In Python the list is a global and `gather` is given tasks, though the functions would do. Here it
//! is given closures, which become tasks and may borrow. (Both sleep for no time, so that they take
//! turns.)

use std::cell::RefCell;
use std::time::Duration;

use corio::{gather, sleep};

fn get_some_values_from_io() -> corio::Result<[u32; 3]> {
    sleep(Duration::ZERO)?;
    Ok([1, 2, 3])
}

fn fetcher(vals: &RefCell<Vec<u32>>) -> corio::Result<()> {
    for _ in 0..4 {
        let io_vals = get_some_values_from_io()?;

        for val in io_vals {
            vals.borrow_mut().push(val);
        }
    }
    Ok(())
}

fn monitor(vals: &RefCell<Vec<u32>>) -> corio::Result<()> {
    for _ in 0..5 {
        println!("{}", vals.borrow().len());
        sleep(Duration::ZERO)?;
    }
    Ok(())
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let vals = RefCell::default();
        gather((|| fetcher(&vals), || monitor(&vals)))?;
        Ok(())
    })
}
