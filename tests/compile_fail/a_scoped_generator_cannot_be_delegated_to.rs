use corio_coroutine::{Generator, scope};

fn main() {
    scope(|s| {
        let numbers = s.generator(|co| co.yield_(1));
        let outer: Generator<i32> = Generator::new(|co| {
            co.yield_from(numbers);
        });
        println!("{}", outer.count());
    });
}
