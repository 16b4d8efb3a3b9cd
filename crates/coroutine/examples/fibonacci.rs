//! A generator is an iterator over what a function yields.
//!
//! Run with `cargo run -p corio-coroutine --example fibonacci`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use corio_coroutine::Generator;

fn fibonacci() -> Generator<u64> {
    Generator::new(|co| {
        let (mut a, mut b) = (0, 1);
        loop {
            co.yield_(a);
            (a, b) = (b, a + b);
        }
    })
}

fn main() {
    for number in fibonacci().take_while(|number| *number < 100) {
        print!("{number} ");
    }
    println!();

    let even: u64 = fibonacci().filter(|number| number % 2 == 0).take(10).sum();
    println!("the first ten even ones sum to {even}");
}
