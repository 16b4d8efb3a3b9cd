//! `cancel`: 10,000 tasks that wait are cancelled and waited for.
//!
//! All of them wait for one and the same event, which never comes; the clock runs from the first cancellation to
//! the end of the last task. tokio's counterpart is `abort`, smol's `Task::cancel`, and what they wait for is `Notify`,
//! and an async-channel. may is left out: to cancel a coroutine there is unsafe.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use async_channel as smol_channel;
use futures_lite::future;
use tokio::{sync::Notify, task};

use crate::{
    harness::{Bench, Comparison, Result, Session},
    peers,
};

pub(crate) const BENCH: Bench = Bench {
    name: "cancel",
    about: "10,000 tasks that wait, cancelled and joined",
    run,
    child: None,
};

fn run(session: &Session) -> Result<()> {
    let tasks = session.size(10_000, 100);
    Comparison::new("cancel", format!("one of {tasks} tasks that wait, cancelled and joined"))
        .operations(tasks)
        .reference("tokio")
        .case("corio", |n| corio(n, tasks))
        .case("tokio", |n| peers::in_tokio(tokio(n, tasks)))
        .case("tokio-local", |n| peers::in_tokio_local(tokio(n, tasks)))
        .case("smol", |n| smol(n, tasks))
        .asyncio("cancel")
        .run(session);
    Ok(())
}

/// How many tasks have come to the point where they wait.
#[derive(Clone, Default)]
struct Waiting(Rc<Cell<u64>>);

impl Waiting {
    fn enter(&self) {
        self.0.set(self.0.get() + 1);
    }

    fn all(&self, tasks: u64) -> bool {
        self.0.get() == tasks
    }
}

fn corio(times: u64, count: u64) -> Duration {
    let elapsed = corio::run(|| {
        let mut elapsed = Duration::ZERO;
        let event = Rc::new(corio::Event::new());
        for _ in 0..times {
            let waiting = Waiting::default();
            let waiter = || {
                let (event, waiting) = (Rc::clone(&event), waiting.clone());
                corio::create_task(move || {
                    waiting.enter();
                    event.wait()
                })
            };
            let tasks: Vec<_> = (0..count).map(|_| waiter()).collect();
            while !waiting.all(count) {
                corio::sleep(Duration::ZERO)?;
            }
            let start = Instant::now();
            for task in &tasks {
                task.cancel();
            }
            for task in tasks {
                assert!(task.wait().is_err_and(|error| error.is_cancelled()));
            }
            elapsed += start.elapsed();
        }
        Ok(elapsed)
    });
    elapsed.expect("the main task does not fail")
}

async fn tokio(times: u64, count: u64) -> Duration {
    let mut elapsed = Duration::ZERO;
    let event = Rc::new(Notify::new());
    for _ in 0..times {
        let waiting = Waiting::default();
        let waiter = || {
            let (event, waiting) = (Rc::clone(&event), waiting.clone());
            task::spawn_local(async move {
                waiting.enter();
                event.notified().await;
            })
        };
        let tasks: Vec<_> = (0..count).map(|_| waiter()).collect();
        while !waiting.all(count) {
            task::yield_now().await;
        }
        let start = Instant::now();
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            assert!(task.await.is_err_and(|error| error.is_cancelled()));
        }
        elapsed += start.elapsed();
    }
    elapsed
}

fn smol(times: u64, count: u64) -> Duration {
    peers::in_smol(async |executor| {
        let mut elapsed = Duration::ZERO;
        let (_open, event) = smol_channel::bounded::<()>(1);
        for _ in 0..times {
            let waiting = Waiting::default();
            let waiter = || {
                let (event, waiting) = (event.clone(), waiting.clone());
                executor.spawn(async move {
                    waiting.enter();
                    event.recv().await
                })
            };
            let tasks: Vec<_> = (0..count).map(|_| waiter()).collect();
            while !waiting.all(count) {
                future::yield_now().await;
            }
            let start = Instant::now();
            for task in tasks {
                assert!(task.cancel().await.is_none());
            }
            elapsed += start.elapsed();
        }
        elapsed
    })
}
