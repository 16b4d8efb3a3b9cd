//! A function that yields is an iterator.
//!
//! In Python any `yield` makes a generator of the function around it. Here `Generator` makes one of a
//! closure, which yields through what it is given. It needs no loop, and no `run`.

use corio_coroutine::Generator;

fn generator_fn() -> Generator<u32> {
    Generator::new(|co| {
        for i in 0..10 {
            co.yield_(i);
        }
    })
}

fn main() {
    for item in generator_fn() {
        println!("{item}");
    }
}
