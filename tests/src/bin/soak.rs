//! Has clients do to servers, for as long as one likes, whatever comes to a network, and looks at
//! what is left.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> corio::Result<ExitCode> {
    use std::time::Duration;

    use corio_tests::soak::{self, Extent, Options};
    use lexopt::{Arg, ValueExt};

    const USAGE: &str = "\
usage: soak [--minutes N] [--seed N] [--connections N]

  --minutes N      how long, after a warm-up of a tenth of that; 10 if not given
  --seed N         what decides what the clients do; 1 if not given
  --connections N  how many there are at a time; 200 if not given

Prints what was in use before, meanwhile and after. Exit code: 0 if all is as it was, 1 if not.";

    let (mut minutes, mut seed, mut clients) = (10.0, 1, 200);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("minutes") => minutes = parser.value()?.parse()?,
            Arg::Long("seed") => seed = parser.value()?.parse()?,
            Arg::Long("connections") => clients = parser.value()?.parse()?,
            Arg::Short('h') | Arg::Long("help") => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let time = Duration::try_from_secs_f64(minutes * 60.0)?;
    let report = soak::run(&Options {
        seed,
        clients,
        squeeze_every: 20_000,
        warm_up: Extent::Time(time / 10),
        soak: Extent::Time(time),
    })?;
    println!("{report}");
    Ok(if report.complaints().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("soak: it reads /proc, which only Linux has");
    ExitCode::from(2)
}
