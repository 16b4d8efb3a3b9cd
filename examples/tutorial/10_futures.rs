//! A future is a result that may not be there yet: it can be asked, and awaited.
//!
//! In Python whoever has it can also set it. Here that is for whoever has its other end, the promise;
//! and as it is looked at after it was awaited, it is a shared one.

use std::io;
use std::time::Duration;

use corio::{InvalidState, SharedFuture, create_future, get_running_loop};

fn show_state<T>(f: &SharedFuture<T>) {
    println!("{}", if f.done() { "done" } else { "not done" });
}

fn show_exception<T>(f: &SharedFuture<T>) -> corio::Result<()> {
    println!("{}", if f.exception()?.is_none() { "no exception" } else { "an exception" });
    Ok(())
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let event_loop = get_running_loop()?;

        let (promise, f) = create_future::<&str>();
        let f = f.shared();
        show_state(&f);
        if f.result().is_err_and(|error| error.downcast_ref::<InvalidState>().is_some()) {
            println!("no result yet");
        }

        let set = move || promise.set_result("a value").expect("it is set once");
        event_loop.call_later(Duration::from_millis(1), set);
        println!("{}", f.wait()?);
        show_state(&f);
        println!("{}", f.result()?);
        show_exception(&f)?;

        let (promise, f) = create_future::<()>();
        let f = f.shared();
        let full = io::Error::other("the disk is full");
        let fail = move || promise.set_exception(full).expect("it is set once");
        event_loop.call_soon(fail);
        if let Err(error) = f.wait() {
            println!("{error}");
        }
        show_exception(&f)
    })
}
