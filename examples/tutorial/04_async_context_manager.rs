//! A context manager that waits as it sets up and tidies up.
//!
//! In Python that is another protocol, `__aenter__` and `__aexit__`, and another statement,
//! `async with`. Here any function can wait: it is the trait and the function of the second example.

use std::time::Duration;

use corio::{ContextManager, Error, sleep, with};

const A_MOMENT: Duration = Duration::from_millis(1);

struct Connection {
    host: &'static str,
}

impl Connection {
    fn ask(&self, question: &str) -> corio::Result<String> {
        sleep(A_MOMENT)?;
        if !question.ends_with('?') {
            return Err(Error::msg("that is no question"));
        }
        Ok(format!("{} has no answer to {question}", self.host))
    }
}

struct Connecting {
    host: &'static str,
}

impl ContextManager for Connecting {
    type Value = Connection;

    fn enter(&mut self) -> corio::Result<Connection> {
        sleep(A_MOMENT)?;
        println!("connected to {}", self.host);
        Ok(Connection { host: self.host })
    }

    fn exit(self, outcome: corio::Result<()>) -> corio::Result<()> {
        sleep(A_MOMENT)?;
        match &outcome {
            Ok(()) => println!("disconnected"),
            Err(error) => println!("disconnected, for {error}"),
        }
        outcome
    }
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        with(Connecting { host: "example.org" }, |connection| {
            println!("{}", connection.ask("why?")?);
            Ok(())
        })?;

        let answer = with(Connecting { host: "example.com" }, |connection| connection.ask("so."));
        if let Err(error) = answer {
            println!("propagated: {error}");
        }
        Ok(())
    })
}
