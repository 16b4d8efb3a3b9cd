//! A sequence of which only one number is in memory at a time.
//!
//! In Python it is a generator as well. Its variables live on from yield to yield, as here: the body
//! has a stack of its own, on which it stands still.

use corio_coroutine::Generator;

/// An iterator over the first `n` numbers of the Fibonacci sequence.
fn fibonacci(n: usize) -> Generator<u64> {
    Generator::new(move |co| {
        let (mut a, mut b) = (1, 1);
        for _ in 0..n {
            co.yield_(a);
            (a, b) = (b, a + b);
        }
    })
}

fn main() {
    // Print the first 10 numbers of the Fibonacci sequence.
    for i in fibonacci(10) {
        println!("{i}");
    }
}
