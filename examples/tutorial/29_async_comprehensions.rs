//! A comprehension over values that have to be waited for, with an expression that waits; the
//! generator that it stands for; and the list of them all.
//!
//! In Python it is `(await square(n) async for n in numbers() if n % 2 == 0)`. Here it is a chain of
//! adaptors, in which an error passes for an item; and for the list there is a macro.

use std::time::Duration;

use corio::{Generator, comprehension, generator, sleep};

const A_MOMENT: Duration = Duration::from_millis(1);

fn numbers() -> impl Iterator<Item = corio::Result<u32>> {
    (0..6).map(|n| {
        sleep(A_MOMENT)?;
        Ok(n)
    })
}

fn square(n: u32) -> corio::Result<u32> {
    sleep(A_MOMENT)?;
    Ok(n * n)
}

fn async_gen() -> Generator<u32> {
    generator(|co| {
        for n in numbers() {
            let n = n?;
            if n % 2 == 0 {
                co.yield_(square(n)?)?;
            }
        }
        Ok(())
    })
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let is_odd = |n: &corio::Result<u32>| n.as_ref().is_ok_and(|n| n % 2 == 1);
        let it = numbers().filter(|n| !is_odd(n)).map(|n| square(n?));
        for n in it {
            println!("{}", n?);
        }

        let it = async_gen();
        for n in it {
            println!("{}", n?);
        }

        let squares: Vec<u32> = comprehension![n?; for n in async_gen()];
        println!("{squares:?}");
        Ok(())
    })
}
