//! What a loop over an iterator does, and the same by hand.
//!
//! In Python `async for` calls `__aiter__` once, and awaits `anext` until that raises
//! `StopAsyncIteration`. Here `for` calls `into_iter` once, and `next` until that returns `None`.

use std::time::Duration;

use corio::sleep;

const A_MOMENT: Duration = Duration::from_millis(1);

fn iterable() -> impl IntoIterator<Item = corio::Result<u32>> {
    (0..3).map(|n| {
        sleep(A_MOMENT)?;
        Ok(n)
    })
}

fn do_something(a: u32) -> corio::Result<()> {
    sleep(A_MOMENT)?;
    println!("something is done with {a}");
    Ok(())
}

#[expect(clippy::while_let_on_iterator, reason = "that is what is shown")]
fn main() -> corio::Result<()> {
    corio::run(|| {
        for a in iterable() {
            do_something(a?)?;
        }

        let mut it = iterable().into_iter();
        while let Some(a) = it.next() {
            do_something(a?)?;
        }
        Ok(())
    })
}
