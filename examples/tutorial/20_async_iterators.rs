//! An iterator that waits, and something that can be iterated over.
//!
//! In Python one has `__anext__` and an `__aiter__` that returns itself, the other an `__aiter__`
//! that returns an iterator. Here they implement `Iterator` and `IntoIterator`, as ever.

use std::time::Duration;

use corio::sleep;

struct Countdown {
    number: u32,
}

impl Iterator for Countdown {
    type Item = corio::Result<u32>;

    fn next(&mut self) -> Option<corio::Result<u32>> {
        self.number = self.number.checked_sub(1)?;
        Some(sleep(Duration::from_millis(1)).map(|()| self.number))
    }
}

struct Rocket;

impl IntoIterator for &Rocket {
    type Item = corio::Result<u32>;
    type IntoIter = Countdown;

    fn into_iter(self) -> Countdown {
        Countdown { number: 3 }
    }
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let rocket = Rocket;
        for outcome in ["no ignition", "ignition"] {
            for number in &rocket {
                println!("{}", number?);
            }
            println!("{outcome}");
        }
        Ok(())
    })
}
