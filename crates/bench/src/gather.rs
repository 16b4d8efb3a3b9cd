//! `gather`: 10,000 children, and their results.
//!
//! - `gather/return`: each child returns its number at once;
//! - `gather/yield`: each yields once first, so that all of them are alive at the same time. A stackful task then has a stack, of which it
//!   touches a page: 40 MB in all, more than any cache holds.
//!
//! corio's `gather` and `task_group`, tokio's `JoinSet`. smol and may have tasks alone: they are spawned, then awaited one by one.

use std::time::{Duration, Instant};

use futures_lite::future;
use tokio::task::{self, JoinSet};

use crate::{
    harness::{Bench, Comparison, Result, Session},
    peers,
};

pub(crate) const BENCH: Bench =
    Bench { name: "gather", about: "10,000 children and their results", run, child: None };

fn run(session: &Session) -> Result<()> {
    let children = session.size(10_000, 100);
    compare(session, "gather/return", children, false, "gather_return");
    compare(session, "gather/yield", children, true, "gather_yield");
    Ok(())
}

fn compare(session: &Session, name: &str, children: u64, yields: bool, in_asyncio: &'static str) {
    let doing = if yields { "yields and returns" } else { "returns" };
    Comparison::new(name, format!("one of {children} children, which {doing}"))
        .operations(children)
        .reference("tokio")
        .case("corio", |n| corio(n, children, yields))
        .case("corio-group", |n| corio_group(n, children, yields))
        .case("tokio", |n| peers::in_tokio(tokio(n, children, yields)))
        .case("tokio-local", |n| peers::in_tokio_local(tokio(n, children, yields)))
        .case("smol", |n| smol(n, children, yields))
        .case("may", |n| may(n, children, yields))
        .asyncio(in_asyncio)
        .run(session);
}

/// What the numbers of all children come to.
fn sum(children: u64) -> u64 {
    (0..children).sum()
}

fn corio(times: u64, children: u64, yields: bool) -> Duration {
    let elapsed = corio::run(|| {
        let child = |number| {
            move || {
                if yields {
                    corio::sleep(Duration::ZERO)?;
                }
                Ok(number)
            }
        };
        let start = Instant::now();
        for _ in 0..times {
            let numbers = corio::gather((0..children).map(child).collect::<Vec<_>>())?;
            assert_eq!(numbers.iter().sum::<u64>(), sum(children));
        }
        Ok(start.elapsed())
    });
    elapsed.expect("no task fails")
}

fn corio_group(times: u64, children: u64, yields: bool) -> Duration {
    let elapsed = corio::run(|| {
        let start = Instant::now();
        for _ in 0..times {
            let total = corio::task_group(|group| {
                let child = |number| {
                    group.create_task(move || {
                        if yields {
                            corio::sleep(Duration::ZERO)?;
                        }
                        Ok(number)
                    })
                };
                let tasks: Vec<_> = (0..children).map(child).collect();
                let mut total = 0;
                for task in tasks {
                    total += task.wait()?;
                }
                Ok(total)
            })?;
            assert_eq!(total, sum(children));
        }
        Ok(start.elapsed())
    });
    elapsed.expect("no task fails")
}

async fn tokio(times: u64, children: u64, yields: bool) -> Duration {
    let start = Instant::now();
    for _ in 0..times {
        let mut tasks = JoinSet::new();
        for number in 0..children {
            tasks.spawn_local(async move {
                if yields {
                    task::yield_now().await;
                }
                number
            });
        }
        let numbers = tasks.join_all().await;
        assert_eq!(numbers.iter().sum::<u64>(), sum(children));
    }
    start.elapsed()
}

fn smol(times: u64, children: u64, yields: bool) -> Duration {
    peers::in_smol(async |executor| {
        let start = Instant::now();
        for _ in 0..times {
            let child = |number| {
                executor.spawn(async move {
                    if yields {
                        future::yield_now().await;
                    }
                    number
                })
            };
            let tasks: Vec<_> = (0..children).map(child).collect();
            let mut total = 0;
            for task in tasks {
                total += task.await;
            }
            assert_eq!(total, sum(children));
        }
        start.elapsed()
    })
}

fn may(times: u64, children: u64, yields: bool) -> Duration {
    peers::in_may(move || {
        let start = Instant::now();
        for _ in 0..times {
            let child = |number| {
                may::go!(move || {
                    if yields {
                        may::coroutine::yield_now();
                    }
                    number
                })
            };
            let tasks: Vec<_> = (0..children).map(child).collect();
            let join = |task: may::coroutine::JoinHandle<u64>| {
                task.join().expect("the coroutine does not panic")
            };
            assert_eq!(tasks.into_iter().map(join).sum::<u64>(), sum(children));
        }
        start.elapsed()
    })
}
