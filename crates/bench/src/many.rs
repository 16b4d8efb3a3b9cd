//! `many`: round robin over 10 to 1,000,000 suspended coroutines with stacks of 64 KiB, guards on.
//!
//! A switch measured alone has its stack in the nearest cache. Here each resume goes to another stack, as
//! in a server: what is seen is cache misses, TLB misses and, where all stacks are aligned alike, stacks that evict one
//! another. Three figures:
//! - `…/switch`: nanoseconds for one resume and one yield of each in turn;
//! - `…/memory`: resident bytes for each coroutine, its handle included, after one resume (`Rss` of
//!   `/proc/self/smaps_rollup`); page tables, which the kernel does not count there, beside it;
//! - `…/mappings`: memory mappings for all of them, of which a process may have 65,530 by default.
//!
//! Every figure comes from a fresh process, so that no pool has anything left from before. corosensei's `DefaultStack` is a
//! mapping with a guard of its own for each coroutine, and ends where the system's limit for mappings does.

use std::{
    process::{self, Stdio},
    time::{Duration, Instant},
};

use corio_coroutine::{Coroutine, Stack};
use corosensei::stack::DefaultStack;

use crate::{
    harness::{self, Bench, Better, Result, Session, Table},
    memory::Memory,
};

pub(crate) const BENCH: Bench = Bench {
    name: "many",
    about: "round robin over 10 to 1,000,000 coroutines: switch, memory, mappings",
    run,
    child: Some(child),
};

const STACK: usize = 64 * 1024;

/// Makes so many coroutines that yield for ever, and returns a way to resume one. The error is why it cannot.
type Make = fn(count: usize) -> Result<Box<dyn FnMut()>>;

/// The implementations. The closure resumes each coroutine once.
const MAKERS: [(&str, Make); 2] = [("corio", corio), ("corosensei", corosensei)];

fn run(session: &Session) -> Result<()> {
    let sizes: &[usize] = session.size(&[10, 1_000, 30_000, 100_000, 1_000_000], &[10, 1_000]);
    for &count in sizes {
        let rounds = session.rounds(if count < 1_000_000 { 5 } else { 1 }, 1);
        let table = |figure, about, unit| {
            let name = format!("many/{count}/{figure}");
            let table =
                Table::new(name, format!("{count} coroutines, {about}"), unit, Better::Lower);
            table.reference("corosensei")
        };
        let mut switch = table("switch", "resume and yield of each in turn", "ns");
        let mut memory = table("memory", "resident memory of each", "bytes");
        let mut mappings = table("mappings", "mappings for all", "mappings");
        let mut names: Vec<&str> = MAKERS.iter().map(|(name, _)| *name).collect();
        names.retain(|name| session.wants(name));
        for _ in 0..rounds {
            for name in names.clone() {
                match measure(name, count)? {
                    Ok(figures) => {
                        switch.add(name, figures.switch);
                        memory.add(name, figures.resident);
                        let tables = figures.page_tables;
                        memory.note(name, format!("and {tables:.0} bytes of page tables"));
                        mappings.add(name, figures.mappings);
                    }
                    Err(reason) => {
                        session.note(&format!("{name} with {count}: {reason}"));
                        names.retain(|other| *other != name);
                    }
                }
            }
        }
        session.show(&switch);
        session.show(&memory);
        session.show(&mappings);
    }
    Ok(())
}

struct Figures {
    switch: f64,
    resident: f64,
    page_tables: f64,
    mappings: f64,
}

/// Runs a child process; the inner error is why it cannot make so many.
fn measure(name: &str, count: usize) -> Result<Result<Figures, String>> {
    let mut command = harness::child(BENCH.name)?;
    command.arg(name).arg(count.to_string());
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    if let Some(reason) = text.strip_prefix("skip ") {
        return Ok(Err(reason.trim().to_owned()));
    }
    let figures: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [switch, resident, page_tables, mappings] = figures[..] else {
        return Err(format!("{name} with {count} coroutines ended with {}", output.status).into());
    };
    Ok(Ok(Figures { switch, resident, page_tables, mappings }))
}

/// The child process: `arguments` are an implementation and a count. Prints four figures, or `skip REASON`.
fn child(arguments: &[String]) -> Result<()> {
    let [name, count] = arguments else {
        return Err("an implementation and a count are expected".into());
    };
    let count: usize = count.parse()?;
    let maker = MAKERS.iter().find(|(known, _)| known == name);
    let (_, make) = maker.ok_or_else(|| format!("no implementation `{name}`"))?;

    let before = Memory::of(process::id())?;
    let mut resume_all = match make(count) {
        Ok(resume_all) => resume_all,
        Err(error) => {
            println!("skip {error}");
            return Ok(());
        }
    };
    resume_all();
    let after = Memory::of(process::id())?;

    let each = |before: u64, after: u64| (after - before) as f64 / count as f64;
    println!(
        "{} {} {} {}",
        round_robin(&mut *resume_all, count),
        each(before.resident, after.resident),
        each(before.page_tables, after.page_tables),
        after.mappings - before.mappings,
    );
    // Everything goes with the process; unwinding a million stacks would only take time.
    process::exit(0)
}

/// The best of passes over all coroutines, in nanoseconds for each switch. At least three passes, and a quarter of a second.
fn round_robin(resume_all: &mut dyn FnMut(), count: usize) -> f64 {
    let passes = (100_000 / count).max(1); // between two looks at the clock
    let mut best = f64::INFINITY;
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 3 || start.elapsed() < Duration::from_millis(250) {
        let elapsed = harness::time(|| (0..passes).for_each(|_| resume_all()));
        best = best.min(elapsed.as_secs_f64() * 1e9 / (passes * count) as f64);
        rounds += 1;
    }
    best
}

fn corio(count: usize) -> Result<Box<dyn FnMut()>> {
    let mut coroutines = Vec::with_capacity(count);
    for _ in 0..count {
        let stack = Stack::new(STACK)?;
        coroutines.push(Coroutine::<(), (), ()>::with_stack(stack, |yielder, ()| {
            loop {
                yielder.yield_(());
            }
        }));
    }
    Ok(Box::new(move || {
        for coroutine in &mut coroutines {
            coroutine.resume(());
        }
    }))
}

fn corosensei(count: usize) -> Result<Box<dyn FnMut()>> {
    let mut coroutines = Vec::with_capacity(count);
    for made in 0..count {
        let stack = DefaultStack::new(STACK)
            .map_err(|error| format!("no more than {made} stacks: {error}"))?;
        coroutines.push(corosensei::Coroutine::<(), (), (), _>::with_stack(
            stack,
            |yielder, ()| {
                loop {
                    yielder.suspend(());
                }
            },
        ));
    }
    Ok(Box::new(move || {
        for coroutine in &mut coroutines {
            coroutine.resume(());
        }
    }))
}
