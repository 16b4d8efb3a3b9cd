//! The squares of the numbers below ten, by a generator and by a comprehension.
//!
//! In Python the comprehension is a shorter way to write the generator. Here it is an iterator with
//! adaptors; as lazy, and with nothing behind it but a loop.

use corio_coroutine::Generator;

fn gen_squares() -> Generator<u32> {
    Generator::new(|co| {
        for n in 0..10 {
            co.yield_(n * n);
        }
    })
}

fn main() {
    let squares = (0..10).map(|x| x * x);

    for (one, other) in gen_squares().zip(squares) {
        println!("{one} {other}");
    }
}
