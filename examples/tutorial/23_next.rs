//! A generator is asked for one value after the other, until it has no more.
//!
//! In Python `next` raises `StopIteration` then. Here it returns `None`.

use corio_coroutine::Generator;

fn generator_fn() -> Generator<u32> {
    Generator::new(|co| {
        for i in 0..3 {
            co.yield_(i);
        }
    })
}

fn show(next: Option<u32>) {
    match next {
        Some(value) => println!("{value}"),
        None => println!("StopIteration"),
    }
}

fn main() {
    let mut numbers = generator_fn();

    show(numbers.next());
    show(numbers.next());
    show(numbers.next());

    show(numbers.next());
}
