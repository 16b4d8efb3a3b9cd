//! The three kinds of things that can be awaited: a coroutine object, a future, and whatever says
//! itself how it is awaited.
//!
//! In Python the third has a method `__await__`. Here it implements `Awaitable`.

use std::time::Duration;

use corio::{Awaitable, coroutine, create_future, get_running_loop, sleep};

const A_MOMENT: Duration = Duration::from_millis(1);

fn coroutine_function() -> impl Awaitable<Output = &'static str> {
    coroutine(|| {
        sleep(A_MOMENT)?;
        Ok("a coroutine object")
    })
}

struct Custom;

impl Awaitable for Custom {
    type Output = &'static str;

    fn wait(self) -> corio::Result<&'static str> {
        sleep(A_MOMENT)?;
        Ok("an object with __await__")
    }
}

fn show(a: impl Awaitable<Output = &'static str>) -> corio::Result<()> {
    let r = a.wait()?;
    println!("{r}");
    Ok(())
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let (promise, future) = create_future();
        let set = move || promise.set_result("a future").expect("it is set once");
        get_running_loop()?.call_soon(set);

        show(coroutine_function())?;
        show(future)?;
        show(Custom)
    })
}
