//! What is in use.

use std::fs;
use std::io::{Error, ErrorKind};
use std::time::{Duration, Instant};

use corio::{Result, get_running_loop, sleep};

use super::world::World;

/// How much of everything is in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Levels {
    pub(super) descriptors: usize,
    pub(super) tasks: usize,
    pub(super) sources: usize,
    /// In KiB, as the most that it was.
    pub(super) resident: u64,
    pub(super) resident_peak: u64,
}

/// The levels as the soak went on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeline {
    pub(super) at_first: Levels,
    /// The servers are there, and nobody else.
    pub(super) serving: Levels,
    /// All clients are gone, twice.
    pub(super) warmed_up: Levels,
    pub(super) soaked: Levels,
    /// The servers are gone as well.
    pub(super) closed: Levels,
}

/// How long it may take until those that have left are forgotten.
const PATIENCE: Duration = Duration::from_secs(30);

impl Levels {
    pub(super) fn now() -> Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let statistics = get_running_loop()?.statistics();
        Ok(Self {
            descriptors: fs::read_dir("/proc/self/fd")?.count(),
            tasks: statistics.tasks,
            sources: statistics.sources,
            resident: field(&status, "VmRSS:")?,
            resident_peak: field(&status, "VmHWM:")?,
        })
    }

    /// Those that are counted.
    pub(super) fn counts(&self) -> [usize; 3] {
        [self.descriptors, self.tasks, self.sources]
    }

    /// The levels when the counts are those of `others`, or when there is no hope that they will be.
    pub(super) fn when_as(others: &Self, world: &World) -> Result<Self> {
        let began = Instant::now();
        loop {
            let levels = Self::now()?;
            if levels.counts() == others.counts() {
                return Ok(levels);
            }
            if began.elapsed() > PATIENCE {
                world.fail("those who stay", format!("\n{}", corio::capture_call_graph()?));
                return Ok(levels);
            }
            sleep(Duration::from_millis(10))?;
        }
    }
}

/// A number in the file `status` of a process.
fn field(status: &str, name: &str) -> Result<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    let number = number.ok_or_else(|| Error::new(ErrorKind::NotFound, name.to_owned()))?;
    Ok(number.parse()?)
}
