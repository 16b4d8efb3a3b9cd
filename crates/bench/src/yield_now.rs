//! `yield`: 1000 tasks which do nothing but let the others run.
//!
//! One operation is one yield of one task: back to the run queue, and on to the next task. Each implementation's own
//! "let others run" is used: `sleep(Duration::ZERO)` (corio, as asyncio), `yield_now` (tokio, smol, may). tokio's polls
//! its drivers between the rounds, and so does corio's loop.
//!
//! The clock starts when the first task comes back from its first yield, so that starting them is left out.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use async_executor::LocalExecutor;
use futures_lite::future;
use tokio::task::{LocalSet, spawn_local, yield_now};

use crate::{
    harness::{Bench, Comparison, Result, Session},
    peers,
};

pub(crate) const BENCH: Bench =
    Bench { name: "yield", about: "1000 tasks that yield to one another", run, child: None };

const TASKS: u64 = 1000;

fn run(session: &Session) -> Result<()> {
    Comparison::new("yield", "one yield of one of 1000 tasks")
        .operations(TASKS)
        .reference("tokio")
        .case("corio", corio)
        .case("tokio", tokio)
        .case("tokio-local", tokio_local)
        .case("smol", smol)
        .case("may", may)
        .run(session);
    Ok(())
}

/// Starts when one of the tasks that share it says so, the first time.
#[derive(Clone, Default)]
struct Clock(Arc<OnceLock<Instant>>);

impl Clock {
    fn start(&self) {
        self.0.get_or_init(Instant::now);
    }

    fn elapsed(&self) -> Duration {
        self.0.get().map_or(Duration::ZERO, Instant::elapsed)
    }
}

fn corio(yields: u64) -> Duration {
    let clock = Clock::default();
    let run = corio::run(|| {
        corio::task_group(|group| {
            for _ in 0..TASKS {
                group.create_task(|| {
                    corio::sleep(Duration::ZERO)?;
                    clock.start();
                    for _ in 0..yields {
                        corio::sleep(Duration::ZERO)?;
                    }
                    Ok(())
                });
            }
            Ok(())
        })
    });
    run.expect("no task fails");
    clock.elapsed()
}

fn tokio(yields: u64) -> Duration {
    LocalSet::new().block_on(&peers::tokio(), tokio_tasks(yields))
}

fn tokio_local(yields: u64) -> Duration {
    peers::tokio_local().block_on(tokio_tasks(yields))
}

async fn tokio_tasks(yields: u64) -> Duration {
    let clock = Clock::default();
    let task = || {
        let clock = clock.clone();
        spawn_local(async move {
            yield_now().await;
            clock.start();
            for _ in 0..yields {
                yield_now().await;
            }
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(|_| task()).collect();
    for task in tasks {
        task.await.expect("the task does not panic");
    }
    clock.elapsed()
}

fn smol(yields: u64) -> Duration {
    let clock = Clock::default();
    let executor = LocalExecutor::new();
    let task = || {
        executor.spawn(async {
            future::yield_now().await;
            clock.start();
            for _ in 0..yields {
                future::yield_now().await;
            }
        })
    };
    async_io::block_on(executor.run(async {
        let tasks: Vec<_> = (0..TASKS).map(|_| task()).collect();
        for task in tasks {
            task.await;
        }
        clock.elapsed()
    }))
}

fn may(yields: u64) -> Duration {
    peers::in_may(move || {
        let clock = Clock::default();
        let task = || {
            let clock = clock.clone();
            may::go!(move || {
                may::coroutine::yield_now();
                clock.start();
                for _ in 0..yields {
                    may::coroutine::yield_now();
                }
            })
        };
        let tasks: Vec<_> = (0..TASKS).map(|_| task()).collect();
        for task in tasks {
            task.join().expect("the coroutine does not panic");
        }
        clock.elapsed()
    })
}
