//! Rounds, statistics and output, the same for every bench.
//!
//! A [`Comparison`] is a set of cases, one for each implementation, which do the same work as often as they are
//! told and say how long it took. Each case is first calibrated to a fixed time per round; then the
//! cases run in turn, A B C A B C …, so that whatever disturbs the machine for a while disturbs all of them. What
//! is kept of a case is the median of its rounds, with the better quartile and the best beside it: when they lie
//! far apart the machine was busy, and the run should be repeated.
//!
//! CPython's asyncio, where `python3` is there, does the same work in a process of its own, after the rounds: it is slower
//! by a factor that no disturbance explains away, so a few rounds of its own will do.
//!
//! A bench that cannot be cut into such cases (servers, memory) fills a [`Table`] itself.

use std::{
    io::{self, Write as _},
    process::{self, Command},
    time::{Duration, Instant},
};

pub(crate) type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// A named comparison, as the command line knows it.
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    /// One line for `--list`.
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Session) -> Result<()>,
    /// What a process started by [`child`] does with its arguments.
    pub(crate) child: Option<Child>,
}

pub(crate) type Child = fn(&[String]) -> Result<()>;

/// The hidden option by which a bench starts itself again.
pub(crate) const CHILD: &str = "child";

/// This program again, to run `bench`'s [`Bench::child`]: for work that needs a process of its own.
pub(crate) fn child(bench: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(format!("--{CHILD}")).arg(bench);
    Ok(command)
}

/// What the user asked for.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) json: bool,
    pub(crate) quick: bool,
    /// Run only these implementations; all of them if empty.
    pub(crate) only: Vec<String>,
    /// How many rounds to play, where the user wants another number than the bench's own.
    pub(crate) rounds: Option<usize>,
    /// What `--load` named, for the benches of servers to understand.
    pub(crate) loads: Vec<String>,
}

impl Session {
    pub(crate) fn wants(&self, implementation: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == implementation)
    }

    /// One of two sizes: the one worth measuring, or the one that only shows that it works.
    pub(crate) fn size<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// How many rounds to play: what the user said, or else one of two numbers, as for [`size`](Self::size).
    pub(crate) fn rounds(&self, full: usize, quick: usize) -> usize {
        self.rounds.unwrap_or_else(|| self.size(full, quick))
    }

    pub(crate) fn show(&self, table: &Table) {
        if table.rows.is_empty() {
            return;
        }
        let text = if self.json { table.to_json() } else { table.to_text() + "\n" };
        if io::stdout().write_all(text.as_bytes()).is_err() {
            process::exit(1); // as when piped into `head`: nobody is left to measure for
        }
    }

    /// A remark about the run, kept out of the figures.
    pub(crate) fn note(&self, text: &str) {
        eprintln!("# {text}");
    }
}

/// Cases that do the same work, timed in interleaved rounds. Figures are nanoseconds per operation.
pub(crate) struct Comparison<'a> {
    table: Table,
    operations: u64,
    /// What the work is called in `asyncio.py`, if it is there.
    asyncio: Option<&'static str>,
    cases: Vec<Case<'a>>,
}

struct Case<'a> {
    name: &'static str,
    run: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self {
            table: Table::new(name, about, "ns", Better::Lower),
            operations: 1,
            asyncio: None,
            cases: Vec::new(),
        }
    }

    /// The peer that ratios are given to, besides corio.
    pub(crate) fn reference(mut self, peer: &'static str) -> Self {
        self.table.references.push(peer);
        self
    }

    /// How many operations one iteration of a case does, where it is not one.
    pub(crate) fn operations(mut self, per_iteration: u64) -> Self {
        self.operations = per_iteration;
        self
    }

    /// Has asyncio do the same: the work that `asyncio.py` has under this name.
    pub(crate) fn asyncio(mut self, work: &'static str) -> Self {
        self.asyncio = Some(work);
        self
    }

    /// Adds an implementation: `run(n)` sets up, does the work `n` times and returns how long the work took.
    pub(crate) fn case(
        mut self,
        name: &'static str,
        run: impl FnMut(u64) -> Duration + 'a,
    ) -> Self {
        let run = Box::new(run);
        self.cases.push(Case { name, run });
        self
    }

    /// Runs the rounds and shows the table.
    pub(crate) fn run(mut self, session: &Session) {
        let rounds = session.rounds(11, 3);
        let round = session.size(Duration::from_millis(40), Duration::from_millis(1));

        self.cases.retain(|case| session.wants(case.name));
        let iterations: Vec<u64> =
            self.cases.iter_mut().map(|case| case.calibrate(round)).collect();
        for _ in 0..rounds {
            for (case, &iterations) in self.cases.iter_mut().zip(&iterations) {
                let elapsed = (case.run)(iterations).as_secs_f64() * 1e9;
                let operations = iterations as f64 * self.operations as f64;
                self.table.add(case.name, elapsed / operations);
            }
        }
        if let Some(work) = self.asyncio.filter(|_| session.wants("asyncio")) {
            match asyncio(work, session) {
                Ok(samples) => samples.iter().for_each(|&sample| self.table.add("asyncio", sample)),
                Err(error) => session.note(&format!("asyncio: {error}")),
            }
        }
        session.show(&self.table);
    }
}

/// What CPython's asyncio takes for `work`, in nanoseconds for each operation: a few rounds in one process.
fn asyncio(work: &str, session: &Session) -> Result<Vec<f64>> {
    let mut command = Command::new("python3");
    command.arg("-c").arg(include_str!("asyncio.py"));
    command.arg(work).arg(session.size("full", "quick")).arg(session.rounds(5, 1).to_string());
    let output = command.output().map_err(|error| format!("python3: {error}"))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        let last = message.lines().last().unwrap_or("no message").to_owned();
        return Err(format!("python3 ended with {}: {last}", output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

impl Case<'_> {
    /// How many iterations fill `round`. Warms the case up on the way.
    fn calibrate(&mut self, round: Duration) -> u64 {
        let mut iterations = 1;
        loop {
            let elapsed = (self.run)(iterations);
            if elapsed >= round / 4 {
                let scale = round.as_secs_f64() / elapsed.as_secs_f64();
                return ((iterations as f64 * scale) as u64).max(1);
            }
            iterations *= 4;
        }
    }
}

/// How long `work` takes.
pub(crate) fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// The samples of one figure, for each implementation.
pub(crate) struct Table {
    name: String,
    about: String,
    unit: &'static str,
    better: Better,
    references: Vec<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    samples: Vec<f64>,
    note: String,
}

impl Table {
    pub(crate) fn new(
        name: impl Into<String>,
        about: impl Into<String>,
        unit: &'static str,
        better: Better,
    ) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            unit,
            better,
            references: vec!["corio"],
            rows: Vec::new(),
        }
    }

    /// The peer that ratios are given to, besides corio.
    pub(crate) fn reference(mut self, peer: &'static str) -> Self {
        self.references.push(peer);
        self
    }

    pub(crate) fn add(&mut self, implementation: &str, sample: f64) {
        self.row(implementation).samples.push(sample);
    }

    /// A remark shown at the end of an implementation's line.
    pub(crate) fn note(&mut self, implementation: &str, note: String) {
        self.row(implementation).note = note;
    }

    fn row(&mut self, name: &str) -> &mut Row {
        let found = self.rows.iter().position(|row| row.name == name);
        let index = found.unwrap_or_else(|| {
            self.rows.push(Row { name: name.to_owned(), samples: Vec::new(), note: String::new() });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    fn to_text(&self) -> String {
        let better = match self.better {
            Better::Lower => "lower is better",
            Better::Higher => "higher is better",
        };
        let mut text = format!("{}: {} ({}, {better})\n", self.name, self.about, self.unit);
        text += &format!("  {:18}{:>12}{:>12}{:>12}", "impl", "median", "quartile", "best");
        for reference in &self.references {
            text += &format!("{:>15}", format!("/ {reference}"));
        }
        text.push('\n');
        for row in &self.rows {
            let median = row.median();
            text += &format!("  {:18}", row.name);
            for value in [median, row.quartile(self.better), row.best(self.better)] {
                text += &format!("{:>12}", figure(value));
            }
            for reference in &self.references {
                let reference = self.rows.iter().find(|row| row.name == *reference);
                let ratio = reference.map(|row| median / row.median());
                let ratio = ratio.map_or("-".into(), figure);
                text += &format!("{ratio:>15}");
            }
            if !row.note.is_empty() {
                text += &format!("  {}", row.note);
            }
            text.push('\n');
        }
        text
    }

    /// One object a line. Names and notes hold nothing that JSON would want escaped.
    fn to_json(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            text += &format!(
                r#"{{"bench":"{}","impl":"{}","value":{:.3},"unit":"{}","lower_is_better":{},"quartile":{:.3},"best":{:.3},"rounds":{},"note":"{}"}}"#,
                self.name,
                row.name,
                row.median(),
                self.unit,
                self.better == Better::Lower,
                row.quartile(self.better),
                row.best(self.better),
                row.samples.len(),
                row.note,
            );
            text.push('\n');
        }
        text
    }
}

impl Row {
    fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// What the best quarter of the rounds reached: others on the machine only ever make things worse, so where it
    /// is noisy this moves less than the median.
    fn quartile(&self, better: Better) -> f64 {
        self.quantile(match better {
            Better::Lower => 0.25,
            Better::Higher => 0.75,
        })
    }

    fn best(&self, better: Better) -> f64 {
        self.quantile(match better {
            Better::Lower => 0.0,
            Better::Higher => 1.0,
        })
    }

    /// Between two samples, a mean of the two.
    fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
        let rank = share * last as f64;
        let (below, above) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
        below + (above - below) * rank.fract()
    }
}

/// Three digits that matter, more or less.
fn figure(value: f64) -> String {
    let decimals = match value {
        v if v < 0.1 => 4,
        v if v < 100.0 => 2,
        v if v < 1000.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(better: Better) -> Table {
        let mut table = Table::new("t", "a test", "ns", better).reference("peer");
        for sample in [3.0, 1.0, 2.0] {
            table.add("corio", sample);
            table.add("peer", sample * 10.0);
        }
        table
    }

    #[test]
    fn a_row_has_its_median_quartile_best_and_ratios() {
        let text = table(Better::Lower).to_text();
        let corio: Vec<&str> = text.lines().nth(2).unwrap().split_whitespace().collect();
        assert_eq!(corio, ["corio", "2.00", "1.50", "1.00", "1.00", "0.10"]);
    }

    #[test]
    fn the_best_is_the_largest_where_higher_is_better() {
        let table = table(Better::Higher);
        let row = &table.rows[0];
        assert_eq!((row.quartile(table.better), row.best(table.better)), (2.5, 3.0));
    }

    #[test]
    fn the_user_has_the_last_word_on_rounds() {
        let mut session = Session { quick: true, ..Session::default() };
        assert_eq!(session.rounds(5, 1), 1);
        session.rounds = Some(20);
        assert_eq!(session.rounds(5, 1), 20);
    }

    #[test]
    fn an_absent_reference_has_no_ratio() {
        let mut table = Table::new("t", "a test", "ns", Better::Lower);
        table.add("peer", 1.0);
        assert!(table.to_text().lines().nth(2).unwrap().ends_with('-'));
    }

    #[test]
    fn json_is_one_object_a_line() {
        let json = table(Better::Lower).to_json();
        assert_eq!(json.lines().count(), 2);
        let line = json.lines().next().unwrap();
        let start =
            r#"{"bench":"t","impl":"corio","value":2.000,"unit":"ns","lower_is_better":true,"#;
        assert!(line.starts_with(start), "{line}");
    }

    #[test]
    fn calibration_fills_the_round() {
        let mut case = Case { name: "fixed", run: Box::new(Duration::from_micros) };
        assert_eq!(case.calibrate(Duration::from_millis(40)), 40_000);
    }
}
