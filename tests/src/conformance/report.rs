//! What differs between two traces, side by side.

use std::fmt;

use super::interpreter::Run;
use super::program::Case;
use super::trace::Event;

/// A case that did not pass, and why.
#[derive(Debug)]
pub struct Failure {
    case: String,
    broken_off: Option<String>,
    differences: Vec<Difference>,
}

impl Failure {
    /// What is wrong with the run of a case, if anything is.
    pub fn of(case: &Case, run: Run) -> Option<Self> {
        let Run { mut trace, broken_off } = run;
        let mut differences = Vec::new();
        for (task, expected) in &case.trace {
            let actual = trace.remove(task).unwrap_or_default();
            if *expected != actual {
                let rows = align(expected, &actual);
                differences.push(Difference { task: task.clone(), rows });
            }
        }
        let failed = broken_off.is_some() || !differences.is_empty();
        failed.then(|| Self { case: case.name.clone(), broken_off, differences })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.case)?;
        if let Some(why) = &self.broken_off {
            write!(f, "\n  {}", why.replace('\n', "\n  "))?;
        }
        self.differences.iter().try_for_each(|difference| write!(f, "\n{difference}"))
    }
}

/// The two traces of a task.
#[derive(Debug)]
struct Difference {
    task: String,
    rows: Vec<Row>,
}

/// An event on asyncio and the one on corio that it is compared to.
type Row = (Option<Event>, Option<Event>);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |event: &Option<Event>| event.as_ref().map(Event::to_string).unwrap_or_default();
        let rows: Vec<_> =
            self.rows.iter().map(|(left, right)| (text(left), text(right))).collect();
        let header = format!("{:>7} asyncio", "µs");
        let width =
            rows.iter().map(|(left, _)| left.chars().count()).chain([header.chars().count()]);
        let width = width.max().unwrap_or_default();
        write!(f, "  {}\n    {header:width$} | {:>7} corio", self.task, "µs")?;
        for (left, right) in rows {
            let mark = if left == right { ' ' } else { '!' };
            write!(f, "\n  {mark} {left:width$} | {right}")?;
        }
        Ok(())
    }
}

/// Sets equal events side by side, as many as can be, and in between whatever there is.
fn align(expected: &[Event], actual: &[Event]) -> Vec<Row> {
    let common = lengths_in_common(expected, actual);
    let (mut i, mut j) = (0, 0);
    let mut rows = Vec::new();
    let (mut only_left, mut only_right) = (Vec::new(), Vec::new());
    while i < expected.len() || j < actual.len() {
        if i < expected.len() && j < actual.len() && expected[i] == actual[j] {
            pair_up(&mut only_left, &mut only_right, &mut rows);
            rows.push((Some(expected[i].clone()), Some(actual[j].clone())));
            (i, j) = (i + 1, j + 1);
        } else if j == actual.len() || (i < expected.len() && common[i + 1][j] >= common[i][j + 1])
        {
            only_left.push(expected[i].clone());
            i += 1;
        } else {
            only_right.push(actual[j].clone());
            j += 1;
        }
    }
    pair_up(&mut only_left, &mut only_right, &mut rows);
    rows
}

/// Moves two columns of events that differ to the rows.
fn pair_up(left: &mut Vec<Event>, right: &mut Vec<Event>, rows: &mut Vec<Row>) {
    let (mut left, mut right) = (left.drain(..), right.drain(..));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return,
            row => rows.push(row),
        }
    }
}

/// For each pair of positions, how long the longest common subsequence is from there on.
fn lengths_in_common(left: &[Event], right: &[Event]) -> Vec<Vec<usize>> {
    let mut lengths = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            lengths[i][j] = if left[i] == right[j] {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(texts: &[&str]) -> Vec<Event> {
        texts.iter().map(|text| Event { at: 0, words: vec![(*text).to_owned()] }).collect()
    }

    #[test]
    fn what_is_equal_stands_side_by_side() {
        let rows = align(&events(&["a", "b", "c", "d"]), &events(&["b", "x", "d", "e"]));
        let shown = Difference { task: "t1".to_owned(), rows }.to_string();
        let expected = "  t1\n         µs asyncio |      µs corio
  !       0 a       | \n          0 b       |       0 b\n  !       0 c       |       0 x
          0 d       |       0 d\n  !                 |       0 e";
        assert_eq!(shown, expected);
    }
}
