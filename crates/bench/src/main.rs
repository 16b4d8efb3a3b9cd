#![doc = include_str!("../README.md")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures go to stdout, remarks to stderr"
)]

mod cancel;
mod create;
#[cfg(target_os = "linux")]
mod echo;
mod future;
mod gather;
mod harness;
#[cfg(target_os = "linux")]
mod http;
mod lock;
#[cfg(target_os = "linux")]
mod many;
#[cfg(target_os = "linux")]
mod memory;
mod peers;
mod queue;
mod spawn;
mod switch;
#[cfg(unix)]
mod timers;
mod tree;
mod yield_now;

use std::process::ExitCode;

use harness::{Bench, Result, Session};

/// Every comparison there is. A new one is a file with a `BENCH` of its own, and a line here.
const BENCHES: &[Bench] = &[
    switch::BENCH,
    create::BENCH,
    tree::BENCH,
    #[cfg(target_os = "linux")]
    many::BENCH,
    spawn::BENCH,
    yield_now::BENCH,
    queue::BENCH,
    lock::BENCH,
    future::BENCH,
    #[cfg(unix)]
    timers::BENCH,
    cancel::BENCH,
    gather::BENCH,
    #[cfg(target_os = "linux")]
    echo::BENCH,
    #[cfg(target_os = "linux")]
    echo::connect::BENCH,
    #[cfg(target_os = "linux")]
    echo::syscalls::BENCH,
    #[cfg(target_os = "linux")]
    echo::idle::BENCH,
    #[cfg(target_os = "linux")]
    http::BENCH,
];

const USAGE: &str = "\
usage: corio-bench NAME... [--json] [--quick] [--rounds N] [--impl A,B,...] [--load L,M,...]

  NAME        comparisons to run, or `all`; without one, they are listed
  --json      one JSON object a line instead of tables
  --quick     tiny sizes: shows that everything runs, the figures mean nothing
  --rounds N  so many rounds, where each comparison has a number of its own
  --impl A,B  only these implementations
  --load L,M  what `echo` puts its servers under: connections and bytes, as in 50x64; with messages
              a second as well, as in 1000x64@50000, it does not wait for answers; or `all`
  --list      list the comparisons";

/// What the command line asks for.
enum Command {
    Help,
    List,
    Run(Vec<&'static Bench>, Session),
    /// One part of a bench in a process of its own; see [`harness::child`].
    Child(&'static Bench, Vec<String>),
}

fn main() -> ExitCode {
    match parse().and_then(execute) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("corio-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Result<Command> {
    use lexopt::{Arg, ValueExt};

    let mut names = Vec::new();
    let mut session = Session::default();
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("json") => session.json = true,
            Arg::Long("quick") => session.quick = true,
            Arg::Long("impl") => {
                let list = arguments.value()?.string()?;
                session.only.extend(list.split(',').map(String::from));
            }
            Arg::Long("rounds") => match arguments.value()?.parse()? {
                0 => return Err("--rounds: no rounds, no figures".into()),
                rounds => session.rounds = Some(rounds),
            },
            Arg::Long("load") => {
                let list = arguments.value()?.string()?;
                session.loads.extend(list.split(',').map(String::from));
            }
            Arg::Long("list") => return Ok(Command::List),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long(harness::CHILD) => {
                let bench = find(&arguments.value()?.string()?)?;
                let rest = arguments.raw_args()?.map(|s| s.string());
                return Ok(Command::Child(bench, rest.collect::<Result<_, _>>()?));
            }
            Arg::Value(name) => names.push(name.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let benches = match names.as_slice() {
        [] => return Ok(Command::List),
        [all] if all == "all" => BENCHES.iter().collect(),
        names => names.iter().map(|n| find(n)).collect::<Result<_>>()?,
    };
    Ok(Command::Run(benches, session))
}

fn find(name: &str) -> Result<&'static Bench> {
    let found = BENCHES.iter().find(|bench| bench.name == name);
    found.ok_or_else(|| format!("no comparison `{name}`; --list shows what there is").into())
}

fn execute(command: Command) -> Result<()> {
    match command {
        Command::Help => println!("{USAGE}"),
        Command::List => {
            for bench in BENCHES {
                println!("{:8} {}", bench.name, bench.about);
            }
        }
        Command::Run(benches, session) => {
            for bench in benches {
                (bench.run)(&session)?;
            }
        }
        Command::Child(bench, arguments) => {
            let child = bench.child.ok_or("this comparison has no child processes")?;
            child(&arguments)?;
        }
    }
    Ok(())
}
