//! What the crawl tells of itself: a line while it runs, and a table at the end.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use corio::{get_running_loop, sleep};

use crate::crawler::Crawl;

/// Shows how far the crawl is, until cancelled: in one line of a terminal, over and over; or else
/// in a new line now and then.
pub fn show_progress(crawl: &Crawl) -> corio::Result<()> {
    let on_terminal = io::stdout().is_terminal();
    let (interval, start, end) = if on_terminal {
        (Duration::from_millis(50), "\r", "\x1b[K")
    } else {
        (Duration::from_millis(500), "", "\n")
    };
    let _erased = on_terminal.then(|| EraseLine);
    loop {
        sleep(interval)?;
        let found = crawl.frontier.found();
        let waiting = crawl.frontier.waiting();
        let requests = crawl.counts.requests.get();
        let bytes = crawl.counts.bytes.get() / 1_000_000;
        let line =
            format!("{found} pages found, {waiting} to visit; {requests} requests, {bytes} MB");
        let mut stdout = io::stdout().lock();
        write!(stdout, "{start}{line}{end}")?;
        stdout.flush()?;
    }
}

/// Leaves an empty line behind.
struct EraseLine;

impl Drop for EraseLine {
    fn drop(&mut self) {
        let _gone_if_it_fails = write!(io::stdout(), "\r\x1b[K");
    }
}

/// What a stack amounts to, on average over all that are in use or have been: those of the tasks,
/// and of the generators in them.
fn stack_touched_per_task() -> usize {
    let stacks = corio_coroutine::statistics();
    corio_coroutine::resident_bytes() / (stacks.live + stacks.pooled).max(1)
}

/// Prints the table, and the first failures, if there were any.
pub fn print_table(crawl: &Crawl, took: Duration) -> corio::Result<()> {
    let counts = &crawl.counts;
    let requests = counts.requests.get();
    let broken_links = counts.broken_links.borrow().len();
    let rows = [
        ("pages", (crawl.frontier.found() - broken_links).to_string()),
        ("requests", requests.to_string()),
        ("bytes received", counts.bytes.get().to_string()),
        ("seconds", format!("{:.2}", took.as_secs_f64())),
        ("requests per second", format!("{:.0}", requests as f64 / took.as_secs_f64())),
        ("tasks at the peak", get_running_loop()?.statistics().tasks_peak.to_string()),
        ("bytes of stack touched per task", stack_touched_per_task().to_string()),
        ("broken links", broken_links.to_string()),
        ("failures", counts.failures.get().to_string()),
    ];
    let mut stdout = io::stdout().lock();
    for (name, value) in rows {
        writeln!(stdout, "{name:<32} {value:>14}")?;
    }
    for failure in &*counts.first_failures.borrow() {
        writeln!(stdout, "failed: {failure}")?;
    }
    Ok(())
}
