//! A task begins when the loop next has a chance. It is a future, for what its function returns.
//!
//! In Python `create_task` takes a coroutine object. Here it takes a closure; and as the task is
//! looked at after it was awaited, its handle is a shared one.

use std::time::Duration;

use corio::{SharedTask, create_task, sleep};

fn example_function() -> corio::Result<&'static str> {
    println!("the task begins");
    sleep(Duration::from_millis(1))?;
    Ok("its result")
}

fn show_state<T>(t: &SharedTask<'_, T>) {
    println!("{}", if t.done() { "done" } else { "not done" });
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let t = create_task(example_function).shared();
        println!("the task is made");
        show_state(&t);
        t.wait()?;
        show_state(&t);
        println!("{}", t.result()?);
        Ok(())
    })
}
