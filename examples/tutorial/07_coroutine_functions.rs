//! To call a function is to run it; to call a coroutine function is to make what will run when it is
//! awaited.
//!
//! In Python that is what sets `async def` apart from `def`. Here plain functions can wait, and
//! `coroutine` is for what is to run later. To await it a second time does not compile.

use corio::{Awaitable, coroutine};

fn example_function(a: i32, b: i32, c: i32) -> i32 {
    println!("the function runs");
    a + b + c
}

fn example_coroutine_function(a: i32, b: i32, c: i32) -> impl Awaitable<Output = i32> {
    coroutine(move || {
        println!("the coroutine runs");
        Ok(a + b + c)
    })
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let r = example_function(1, 2, 3);
        println!("{r}");

        let r = example_coroutine_function(1, 2, 3);
        println!("nothing has run yet");
        println!("{}", r.wait()?);
        Ok(())
    })
}
