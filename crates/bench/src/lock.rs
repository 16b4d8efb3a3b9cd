//! `lock`: mutual exclusion among tasks.
//!
//! - `lock/uncontended`: one task takes the lock and gives it back; nobody else wants it.
//! - `lock/contended`: 100 tasks each take the lock, yield while they hold it, and give it back, over and over. So 99 of them wait,
//!   and each release hands the lock on. One operation is one turn with the lock: a yield, a release, a wake-up,
//!   and the wait in the queue.
//!
//! smol's lock is async-lock's.

use std::{
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use async_lock::Mutex as SmolMutex;
use futures_lite::future;
use may::sync::Mutex as MayMutex;
use tokio::{sync::Mutex, task};

use crate::{
    harness::{Bench, Comparison, Result, Session, time},
    peers,
};

pub(crate) const BENCH: Bench = Bench {
    name: "lock",
    about: "a lock taken and given back: by one task, by 100 that hold it across a yield",
    run,
    child: None,
};

const TASKS: u64 = 100;

fn run(session: &Session) -> Result<()> {
    Comparison::new("lock/uncontended", "take a free lock and give it back")
        .reference("tokio")
        .case("corio", uncontended::corio)
        .case("tokio", |n| peers::in_tokio(uncontended::tokio(n)))
        .case("smol", uncontended::smol)
        .case("may", uncontended::may)
        .asyncio("lock_uncontended")
        .run(session);
    Comparison::new("lock/contended", "one turn with a lock that 100 tasks want")
        .operations(TASKS)
        .reference("tokio")
        .case("corio", contended::corio)
        .case("tokio", |n| peers::in_tokio(contended::tokio(n)))
        .case("tokio-local", |n| peers::in_tokio_local(contended::tokio(n)))
        .case("smol", contended::smol)
        .case("may", contended::may)
        .asyncio("lock_contended")
        .run(session);
    Ok(())
}

mod uncontended {
    use super::*;

    pub(super) fn corio(times: u64) -> Duration {
        let elapsed = corio::run(|| {
            let lock = corio::Lock::new(0);
            let start = Instant::now();
            for _ in 0..times {
                *lock.lock()? += 1;
            }
            Ok(start.elapsed())
        });
        elapsed.expect("nobody cancels it")
    }

    pub(super) async fn tokio(times: u64) -> Duration {
        let lock = Mutex::new(0);
        let start = Instant::now();
        for _ in 0..times {
            *lock.lock().await += 1;
        }
        start.elapsed()
    }

    pub(super) fn smol(times: u64) -> Duration {
        peers::in_smol(async |_| {
            let lock = SmolMutex::new(0);
            let start = Instant::now();
            for _ in 0..times {
                *lock.lock().await += 1;
            }
            start.elapsed()
        })
    }

    pub(super) fn may(times: u64) -> Duration {
        peers::in_may(move || {
            let lock = MayMutex::new(0);
            time(|| {
                for _ in 0..times {
                    *lock.lock().expect("nobody panics with it") += 1;
                }
            })
        })
    }
}

mod contended {
    use super::*;

    pub(super) fn corio(times: u64) -> Duration {
        let elapsed = corio::run(|| {
            let lock = corio::Lock::new(0);
            let start = Instant::now();
            corio::task_group(|group| {
                for _ in 0..TASKS {
                    group.create_task(|| {
                        for _ in 0..times {
                            let mut turns = lock.lock()?;
                            corio::sleep(Duration::ZERO)?;
                            *turns += 1;
                        }
                        Ok(())
                    });
                }
                Ok(())
            })?;
            Ok(start.elapsed())
        });
        elapsed.expect("no task fails")
    }

    pub(super) async fn tokio(times: u64) -> Duration {
        let lock = Rc::new(Mutex::new(0));
        let start = Instant::now();
        let worker = || {
            let lock = Rc::clone(&lock);
            task::spawn_local(async move {
                for _ in 0..times {
                    let mut turns = lock.lock().await;
                    task::yield_now().await;
                    *turns += 1;
                }
            })
        };
        let workers: Vec<_> = (0..TASKS).map(|_| worker()).collect();
        for worker in workers {
            worker.await.expect("the task does not panic");
        }
        start.elapsed()
    }

    pub(super) fn smol(times: u64) -> Duration {
        peers::in_smol(async |executor| {
            let lock = Rc::new(SmolMutex::new(0));
            let start = Instant::now();
            let worker = || {
                let lock = Rc::clone(&lock);
                executor.spawn(async move {
                    for _ in 0..times {
                        let mut turns = lock.lock().await;
                        future::yield_now().await;
                        *turns += 1;
                    }
                })
            };
            let workers: Vec<_> = (0..TASKS).map(|_| worker()).collect();
            for worker in workers {
                worker.await;
            }
            start.elapsed()
        })
    }

    pub(super) fn may(times: u64) -> Duration {
        peers::in_may(move || {
            let lock = Arc::new(MayMutex::new(0));
            let start = Instant::now();
            let worker = || {
                let lock = Arc::clone(&lock);
                may::go!(move || {
                    for _ in 0..times {
                        let mut turns = lock.lock().expect("nobody panics with it");
                        may::coroutine::yield_now();
                        *turns += 1;
                    }
                })
            };
            let workers: Vec<_> = (0..TASKS).map(|_| worker()).collect();
            for worker in workers {
                worker.join().expect("the coroutine does not panic");
            }
            start.elapsed()
        })
    }
}
