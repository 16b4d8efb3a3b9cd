//! `queue`: items that one task puts and another gets.
//!
//! - `queue/ping-pong`: an item goes to the other task through one queue and comes back through another. Each hand-over is a
//!   wake-up and a switch: what it costs to ask another task and to wait for its answer.
//! - `queue/stream`: one task puts, another gets, through a queue with room for 100. The two take turns of 100 items, so
//!   it is the queue itself that is seen.
//! - `queue/fan-in`: 100 tasks put, one gets, through a queue with room for 100: those who put wait in line.
//!
//! The ping-pong is played over queues without a limit, the fastest that each has: `Queue` (corio), `mpsc` (tokio and may),
//! async-channel (smol). The queues of may have no limit, so its producers never wait in the other two.

use std::time::{Duration, Instant};

use ::may::sync::mpsc as may_mpsc;
use ::tokio::{sync::mpsc, task::spawn_local};
use async_channel as smol_channel;

use crate::{
    harness::{Bench, Comparison, Result, Session},
    peers,
};

pub(crate) const BENCH: Bench = Bench {
    name: "queue",
    about: "items through queues: there and back, one task to another, 100 tasks to one",
    run,
    child: None,
};

const ROOM: usize = 100;

fn run(session: &Session) -> Result<()> {
    Comparison::new("queue/ping-pong", "one hand-over, there or back")
        .operations(2)
        .reference("tokio")
        .case("corio", corio::ping_pong)
        .case("tokio", |n| peers::in_tokio(tokio::ping_pong(n)))
        .case("tokio-local", |n| peers::in_tokio_local(tokio::ping_pong(n)))
        .case("smol", smol::ping_pong)
        .case("may", may::ping_pong)
        .asyncio("queue_ping_pong")
        .run(session);
    streams(session, "queue/stream", "one task puts, one gets: an item", "queue_stream", 1);
    let producers = session.size(100, 10);
    let about = format!("{producers} tasks put, one gets: an item");
    streams(session, "queue/fan-in", &about, "queue_fan_in", producers);
    Ok(())
}

fn streams(session: &Session, name: &str, about: &str, in_asyncio: &'static str, producers: u64) {
    Comparison::new(name, about)
        .operations(producers)
        .reference("tokio")
        .case("corio", |n| corio::stream(n, producers))
        .case("tokio", |n| peers::in_tokio(tokio::stream(n, producers)))
        .case("tokio-local", |n| peers::in_tokio_local(tokio::stream(n, producers)))
        .case("smol", |n| smol::stream(n, producers))
        .case("may", |n| may::stream(n, producers))
        .asyncio(in_asyncio)
        .run(session);
}

mod corio {
    use ::corio::{Queue, run, task_group};

    use super::*;

    pub(super) fn ping_pong(rounds: u64) -> Duration {
        let elapsed = run(|| {
            let (there, back) = (Queue::unbounded(), Queue::unbounded());
            task_group(|group| {
                group.create_task(|| {
                    for item in &there {
                        back.put(item?)?;
                    }
                    Ok(())
                });
                let ping = group.create_task(|| {
                    let start = Instant::now();
                    for item in 0..rounds {
                        there.put(item)?;
                        back.get()?;
                    }
                    there.shutdown();
                    Ok(start.elapsed())
                });
                ping.wait()
            })
        });
        elapsed.expect("no task fails")
    }

    pub(super) fn stream(items: u64, producers: u64) -> Duration {
        let elapsed = run(|| {
            let queue = Queue::bounded(ROOM);
            task_group(|group| {
                for _ in 0..producers {
                    group.create_task(|| {
                        for item in 0..items {
                            queue.put(item)?;
                        }
                        Ok(())
                    });
                }
                let consumer = group.create_task(|| {
                    let start = Instant::now();
                    for _ in 0..items * producers {
                        queue.get()?;
                    }
                    Ok(start.elapsed())
                });
                consumer.wait()
            })
        });
        elapsed.expect("no task fails")
    }
}

mod tokio {
    use super::*;

    pub(super) async fn ping_pong(rounds: u64) -> Duration {
        let (there, mut arrivals) = mpsc::unbounded_channel();
        let (back, mut returns) = mpsc::unbounded_channel();
        spawn_local(async move {
            while let Some(item) = arrivals.recv().await {
                back.send(item).expect("the other end is there");
            }
        });
        let ping = spawn_local(async move {
            let start = Instant::now();
            for item in 0..rounds {
                there.send(item).expect("the other end is there");
                returns.recv().await.expect("the other end is there");
            }
            start.elapsed()
        });
        ping.await.expect("the task does not panic")
    }

    pub(super) async fn stream(items: u64, producers: u64) -> Duration {
        let (sender, mut receiver) = mpsc::channel(ROOM);
        for _ in 0..producers {
            let sender = sender.clone();
            spawn_local(async move {
                for item in 0..items {
                    sender.send(item).await.expect("the other end is there");
                }
            });
        }
        let consumer = spawn_local(async move {
            let start = Instant::now();
            for _ in 0..items * producers {
                receiver.recv().await.expect("the other end is there");
            }
            start.elapsed()
        });
        consumer.await.expect("the task does not panic")
    }
}

mod smol {
    use super::*;

    pub(super) fn ping_pong(rounds: u64) -> Duration {
        peers::in_smol(async |executor| {
            let (there, arrivals) = smol_channel::unbounded();
            let (back, returns) = smol_channel::unbounded();
            let pong = executor.spawn(async move {
                while let Ok(item) = arrivals.recv().await {
                    back.send(item).await.expect("the other end is there");
                }
            });
            let ping = executor.spawn(async move {
                let start = Instant::now();
                for item in 0..rounds {
                    there.send(item).await.expect("the other end is there");
                    returns.recv().await.expect("the other end is there");
                }
                start.elapsed()
            });
            let elapsed = ping.await;
            pong.await;
            elapsed
        })
    }

    pub(super) fn stream(items: u64, producers: u64) -> Duration {
        peers::in_smol(async |executor| {
            let (sender, receiver) = smol_channel::bounded(ROOM);
            for _ in 0..producers {
                let sender = sender.clone();
                let producer = executor.spawn(async move {
                    for item in 0..items {
                        sender.send(item).await.expect("the other end is there");
                    }
                });
                producer.detach();
            }
            let consumer = executor.spawn(async move {
                let start = Instant::now();
                for _ in 0..items * producers {
                    receiver.recv().await.expect("the other end is there");
                }
                start.elapsed()
            });
            consumer.await
        })
    }
}

mod may {
    use super::*;

    pub(super) fn ping_pong(rounds: u64) -> Duration {
        peers::in_may(move || {
            let (there, arrivals) = may_mpsc::channel();
            let (back, returns) = may_mpsc::channel();
            let pong = ::may::go!(move || {
                while let Ok(item) = arrivals.recv() {
                    back.send(item).expect("the other end is there");
                }
            });
            let start = Instant::now();
            for item in 0..rounds {
                there.send(item).expect("the other end is there");
                returns.recv().expect("the other end is there");
            }
            let elapsed = start.elapsed();
            drop(there);
            pong.join().expect("the coroutine does not panic");
            elapsed
        })
    }

    pub(super) fn stream(items: u64, producers: u64) -> Duration {
        peers::in_may(move || {
            let (sender, receiver) = may_mpsc::channel();
            for _ in 0..producers {
                let sender = sender.clone();
                ::may::go!(move || {
                    for item in 0..items {
                        sender.send(item).expect("the other end is there");
                    }
                });
            }
            let start = Instant::now();
            for _ in 0..items * producers {
                receiver.recv().expect("the other end is there");
            }
            start.elapsed()
        })
    }
}
