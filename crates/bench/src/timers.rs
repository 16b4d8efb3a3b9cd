//! `timers`: many that fire, and many that do not.
//!
//! - `timers/fire`: 100,000 tasks sleep, each for another time within 100 ms, and all wake up. The figure is CPU time, of the whole
//!   process, for each: making the task is in it, waiting is not.
//! - `timers/timeout`: a timeout of a minute around something that waits once and is done: what a server does
//!   for every request. CPU time too, though there is nothing to wait for.
//!
//! tokio's clock has ticks of a millisecond, which makes its timers cheaper: those of one tick fire together, in any order. The
//! others are exact. smol's timers are async-io's `Timer`, its timeout is the first of two futures to be ready. may
//! has no timeout to put around something, and cannot have 100,000 coroutines: each of its stacks takes two of
//! the 65,530 mappings that a process may have.

use std::time::Duration;

use async_io::Timer;
use futures_lite::future;
use rustix::time::{ClockId, clock_gettime};
use tokio::task::{self, LocalSet};

use crate::{
    harness::{Bench, Comparison, Result, Session},
    peers,
};

pub(crate) const BENCH: Bench = Bench {
    name: "timers",
    about: "100,000 sleepers that wake up; a timeout around what ends in time",
    run,
    child: None,
};

const MINUTE: Duration = Duration::from_secs(60);

fn run(session: &Session) -> Result<()> {
    let sleepers = session.size(100_000, 1_000);
    Comparison::new("timers/fire", format!("one of {sleepers} sleepers, CPU time"))
        .operations(sleepers)
        .reference("tokio")
        .case("corio", |n| fire::corio(n, sleepers))
        .case("tokio", |n| fire::tokio(n, sleepers))
        .case("smol", |n| fire::smol(n, sleepers))
        .asyncio("timers_fire")
        .run(session);
    Comparison::new("timers/timeout", "a timeout around a yield, CPU time")
        .reference("tokio")
        .case("corio", timeout::corio)
        .case("tokio", timeout::tokio)
        .case("smol", timeout::smol)
        .asyncio("timers_timeout")
        .run(session);
    Ok(())
}

/// The CPU time that this process has used so far, in all its threads.
fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.try_into().expect("the time used is not negative")
}

/// When each of the sleepers is to wake up: all different, in no order.
fn delays(sleepers: u64) -> impl Iterator<Item = Duration> {
    (0..sleepers).map(move |i| Duration::from_micros(i * 7919 % sleepers))
}

/// tokio's runtime for one thread, with its timers.
fn tokio_with_timers() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime without I/O cannot fail")
}

mod fire {
    use super::*;

    pub(super) fn corio(times: u64, sleepers: u64) -> Duration {
        let used = corio::run(|| {
            let start = cpu_time();
            for _ in 0..times {
                corio::task_group(|group| {
                    for delay in delays(sleepers) {
                        group.create_task(move || corio::sleep(delay));
                    }
                    Ok(())
                })?;
            }
            Ok(cpu_time() - start)
        });
        used.expect("no task fails")
    }

    pub(super) fn tokio(times: u64, sleepers: u64) -> Duration {
        LocalSet::new().block_on(&tokio_with_timers(), async {
            let start = cpu_time();
            for _ in 0..times {
                let sleeper = |delay| task::spawn_local(tokio::time::sleep(delay));
                let tasks: Vec<_> = delays(sleepers).map(sleeper).collect();
                for task in tasks {
                    task.await.expect("the task does not panic");
                }
            }
            cpu_time() - start
        })
    }

    pub(super) fn smol(times: u64, sleepers: u64) -> Duration {
        peers::in_smol(async |executor| {
            let start = cpu_time();
            for _ in 0..times {
                let sleeper = |delay| executor.spawn(Timer::after(delay));
                let tasks: Vec<_> = delays(sleepers).map(sleeper).collect();
                for task in tasks {
                    task.await;
                }
            }
            cpu_time() - start
        })
    }
}

mod timeout {
    use super::*;

    pub(super) fn corio(times: u64) -> Duration {
        let used = corio::run(|| {
            let start = cpu_time();
            for _ in 0..times {
                corio::timeout(MINUTE, || corio::sleep(Duration::ZERO))?;
            }
            Ok(cpu_time() - start)
        });
        used.expect("nothing takes a minute")
    }

    pub(super) fn tokio(times: u64) -> Duration {
        LocalSet::new().block_on(&tokio_with_timers(), async {
            let work = task::spawn_local(async move {
                let start = cpu_time();
                for _ in 0..times {
                    let limited = tokio::time::timeout(MINUTE, task::yield_now());
                    limited.await.expect("nothing takes a minute");
                }
                cpu_time() - start
            });
            work.await.expect("the task does not panic")
        })
    }

    pub(super) fn smol(times: u64) -> Duration {
        peers::in_smol(async |executor| {
            let work = executor.spawn(async move {
                let start = cpu_time();
                for _ in 0..times {
                    let limit = async {
                        Timer::after(MINUTE).await;
                        false
                    };
                    let work = async {
                        future::yield_now().await;
                        true
                    };
                    assert!(future::or(work, limit).await, "nothing takes a minute");
                }
                cpu_time() - start
            });
            work.await
        })
    }
}
