//! `spawn`: a task is made, runs, and is waited for.
//!
//! The task does nothing, so the figure is what a runtime adds: its allocation, its queues, the hand-over of the
//! result. In `spawn` the parent waits for each task before it makes the next (a call moved into a task); in
//! `spawn/batch` it makes 1000, then waits for all of them in order (a fan-out).
//!
//! Everyone spawns from inside a task of a loop on one thread:
//! - corio: `create_task`, `Task::wait`;
//! - tokio: `spawn_local` in a `LocalSet` on the current-thread runtime, its counterpart of tasks that need not be `Send`;
//!   `tokio-local` is the newer `LocalRuntime`, and `tokio-send` plain `tokio::spawn`, which asks for `Send`;
//! - smol: `LocalExecutor::spawn` under `smol::block_on`;
//! - may: `go!` with one worker.

use std::time::{Duration, Instant};

use async_executor::LocalExecutor;
use tokio::task::{LocalSet, spawn_local};

use crate::{
    harness::{Bench, Comparison, Result, Session},
    peers,
};

pub(crate) const BENCH: Bench = Bench {
    name: "spawn",
    about: "spawn and join an empty task: one at a time, and in batches of 1000",
    run,
    child: None,
};

const BATCH: u64 = 1000;

fn run(session: &Session) -> Result<()> {
    Comparison::new("spawn", "spawn an empty task and join it")
        .reference("tokio")
        .case("corio", |n| corio(n, 1))
        .case("tokio", |n| tokio(n, 1))
        .case("tokio-local", |n| tokio_local(n, 1))
        .case("tokio-send", |n| tokio_send(n, 1))
        .case("smol", |n| smol(n, 1))
        .case("may", |n| may(n, 1))
        .run(session);
    Comparison::new("spawn/batch", "spawn 1000 empty tasks, then join all: each")
        .operations(BATCH)
        .reference("tokio")
        .case("corio", |n| corio(n, BATCH))
        .case("tokio", |n| tokio(n, BATCH))
        .case("tokio-local", |n| tokio_local(n, BATCH))
        .case("tokio-send", |n| tokio_send(n, BATCH))
        .case("smol", |n| smol(n, BATCH))
        .case("may", |n| may(n, BATCH))
        .run(session);
    Ok(())
}

fn corio(iterations: u64, batch: u64) -> Duration {
    let elapsed = corio::run(|| {
        let mut tasks = Vec::with_capacity(batch as usize);
        let start = Instant::now();
        for _ in 0..iterations {
            tasks.extend((0..batch).map(|_| corio::create_task(|| Ok(()))));
            for task in tasks.drain(..) {
                task.wait()?;
            }
        }
        Ok(start.elapsed())
    });
    elapsed.expect("no task fails")
}

fn tokio(iterations: u64, batch: u64) -> Duration {
    LocalSet::new().block_on(&peers::tokio(), tokio_spawning_locally(iterations, batch))
}

fn tokio_local(iterations: u64, batch: u64) -> Duration {
    peers::tokio_local().block_on(tokio_spawning_locally(iterations, batch))
}

async fn tokio_spawning_locally(iterations: u64, batch: u64) -> Duration {
    let mut tasks = Vec::with_capacity(batch as usize);
    let start = Instant::now();
    for _ in 0..iterations {
        tasks.extend((0..batch).map(|_| spawn_local(async {})));
        for task in tasks.drain(..) {
            task.await.expect("the task does not panic");
        }
    }
    start.elapsed()
}

fn tokio_send(iterations: u64, batch: u64) -> Duration {
    peers::tokio().block_on(async {
        let mut tasks = Vec::with_capacity(batch as usize);
        let start = Instant::now();
        for _ in 0..iterations {
            tasks.extend((0..batch).map(|_| tokio::spawn(async {})));
            for task in tasks.drain(..) {
                task.await.expect("the task does not panic");
            }
        }
        start.elapsed()
    })
}

fn smol(iterations: u64, batch: u64) -> Duration {
    let executor = LocalExecutor::new();
    async_io::block_on(executor.run(async {
        let mut tasks = Vec::with_capacity(batch as usize);
        let start = Instant::now();
        for _ in 0..iterations {
            tasks.extend((0..batch).map(|_| executor.spawn(async {})));
            for task in tasks.drain(..) {
                task.await;
            }
        }
        start.elapsed()
    }))
}

fn may(iterations: u64, batch: u64) -> Duration {
    peers::in_may(move || {
        let mut tasks = Vec::with_capacity(batch as usize);
        let start = Instant::now();
        for _ in 0..iterations {
            tasks.extend((0..batch).map(|_| may::go!(|| ())));
            for task in tasks.drain(..) {
                task.join().expect("the coroutine does not panic");
            }
        }
        start.elapsed()
    })
}
