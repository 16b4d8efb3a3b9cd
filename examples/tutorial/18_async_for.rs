//! A loop over values that have to be waited for.
//!
//! In Python it is `async for`, over an async iterable. Here it is `for`, over an iterator whose
//! `next` waits; and as a wait can be cancelled, its items are results.

use std::time::Duration;

use corio::sleep;

struct Reader {
    values: Vec<String>,
}

impl Reader {
    fn get_values(&self) -> impl Iterator<Item = corio::Result<&str>> {
        self.values.iter().map(|value| {
            sleep(Duration::from_millis(1))?;
            Ok(value.as_str())
        })
    }
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let reader = Reader { values: ["first", "second", "third"].map(String::from).into() };
        for value in reader.get_values() {
            println!("{}", value?);
        }
        Ok(())
    })
}
