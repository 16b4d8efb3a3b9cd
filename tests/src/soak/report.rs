//! What came of a soak.

use std::fmt;

use super::handlers::HIGH_WATER;
use super::levels::{Levels, Timeline};
use super::plan::Plan;
use super::world::World;
use super::{Extent, Options};

/// How much more memory may be resident after the soak than after the warm-up: allocators and the
/// pool of stacks keep what was once needed at the same time, and that differs a little.
const TOLERANCE_PERCENT: u64 = 10;
const TOLERANCE_KIB: u64 = 4 * 1024;

/// What was in use, what has happened, and what is wrong about it. Its text is a table.
#[derive(Clone, Debug)]
pub struct Report {
    title: String,
    timeline: Timeline,
    clients: Vec<(Plan, u64)>,
    figures: Vec<(&'static str, u64)>,
    complaints: Vec<String>,
}

impl Report {
    pub(super) fn new(options: &Options, world: &World, timeline: Timeline) -> Self {
        let mut complaints = world.failures.borrow().clone();
        let untold = world.failed.get() - complaints.len() as u64;
        if untold > 0 {
            complaints.push(format!("and {untold} more"));
        }
        let Timeline { at_first, serving, warmed_up, soaked, closed } = &timeline;
        complaints.extend(other_counts("after the warm-up", warmed_up, serving));
        complaints.extend(other_counts("after the soak", soaked, serving));
        complaints.extend(other_counts("in the end", closed, at_first));
        let most = most_resident(warmed_up);
        if soaked.resident > most {
            complaints.push(format!(
                "after the soak {} KiB are resident, and no more than {most} may be",
                soaked.resident
            ));
        }
        if world.most_unsent.get() > HIGH_WATER {
            let most = world.most_unsent.get();
            complaints.push(format!("a writer has kept {most} bytes, above its mark"));
        }
        Self {
            title: format!(
                "seed {}, {} clients at a time, {}",
                options.seed,
                options.clients,
                match options.soak {
                    Extent::Clients(count) => format!("{count} after the warm-up"),
                    Extent::Time(time) => format!("for {time:?} after the warm-up"),
                }
            ),
            clients: Plan::ALL.map(|plan| (plan, world.came_with(plan))).to_vec(),
            figures: vec![
                ("clients", world.clients.get()),
                ("bytes that came back and were right", world.verified.get()),
                ("reads given up and tried again", world.late_reads.get()),
                ("times without file descriptors", world.squeezes.get()),
                ("... connections not made for that", world.connects_short.get()),
                ("... reports of servers about it", world.accepts_short.get()),
                ("failures of handlers reported", world.reports.get()),
                ("most that a writer kept unsent", world.most_unsent.get() as u64),
                ("most that was resident, KiB", timeline.soaked.resident_peak),
                ("longest that the loop was away, ms", world.pulse.longest_of_loop()),
                ("longest that the process was, ms", world.pulse.longest_of_process()),
            ],
            timeline,
            complaints,
        }
    }

    /// What is not as it should be.
    #[must_use]
    pub fn complaints(&self) -> &[String] {
        &self.complaints
    }

    /// Whether there were clients of all kinds, and moments without file descriptors that a server
    /// has noticed.
    #[must_use]
    pub fn has_seen_all(&self) -> bool {
        self.clients.iter().all(|(_, count)| *count > 0)
            && self.figures.iter().all(|(_, figure)| *figure > 0)
    }
}

/// How much may be resident after the soak.
fn most_resident(warmed_up: &Levels) -> u64 {
    warmed_up.resident + warmed_up.resident * TOLERANCE_PERCENT / 100 + TOLERANCE_KIB
}

fn other_counts(when: &str, counted: &Levels, expected: &Levels) -> Option<String> {
    let (counted, expected) = (counted.counts(), expected.counts());
    (counted != expected).then(|| {
        format!(
            "{when} there are {counted:?} file descriptors, tasks and sources, not {expected:?}"
        )
    })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timeline { at_first, serving, warmed_up, soaked, closed } = &self.timeline;
        let timeline = [at_first, serving, warmed_up, soaked, closed];
        writeln!(f, "{}\n", self.title)?;
        let head = ["at first", "serving", "warmed up", "soaked", "closed"];
        writeln!(f, "{:20}{}", "", head.map(|name| format!("{name:>11}")).concat())?;
        let mut row = |name: &str, level: fn(&Levels) -> u64| {
            let cells = timeline.map(|levels| format!("{:>11}", level(levels)));
            writeln!(f, "{name:20}{}", cells.concat())
        };
        row("file descriptors", |levels| levels.descriptors as u64)?;
        row("tasks", |levels| levels.tasks as u64)?;
        row("sources", |levels| levels.sources as u64)?;
        row("resident, KiB", |levels| levels.resident)?;
        let most = most_resident(warmed_up);
        writeln!(f, "{:20}{:>44}", "", format!("at most {most}"))?;
        writeln!(f)?;
        for (plan, count) in &self.clients {
            writeln!(f, "{:35}{count:>15}", format!("a client {plan}"))?;
        }
        writeln!(f)?;
        for (name, figure) in &self.figures {
            writeln!(f, "{name:35}{figure:>15}")?;
        }
        writeln!(f)?;
        if self.complaints.is_empty() {
            return f.write_str("all is as it was, and every byte has come back");
        }
        f.write_str(&self.complaints.join("\n"))
    }
}
