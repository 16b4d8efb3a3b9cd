//! `future`: a result that another task provides.
//!
//! Two tasks play: each makes a future, leaves its promise with the other, fulfils the promise that the other has left, and waits for
//! its own future. So one operation is one future in all: made, completed by another task, awaited, and a
//! switch between the two.
//!
//! tokio has `oneshot` for it. smol and may have nothing for one value: a channel with room for one, and
//! an `mpsc`, are what their users take.

use std::{
    cell::Cell,
    rc::Rc,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_channel as smol_channel;
use may::sync::mpsc as may_mpsc;
use tokio::{sync::oneshot, task::spawn_local};

use crate::{
    harness::{Bench, Comparison, Result, Session},
    peers,
};

pub(crate) const BENCH: Bench = Bench {
    name: "future",
    about: "a future made, completed by another task, awaited",
    run,
    child: None,
};

fn run(session: &Session) -> Result<()> {
    Comparison::new("future", "make, complete in another task, await")
        .operations(2)
        .reference("tokio")
        .case("corio", corio)
        .case("tokio", |n| peers::in_tokio(tokio(n)))
        .case("tokio-local", |n| peers::in_tokio_local(tokio(n)))
        .case("smol", smol)
        .case("may", may)
        .asyncio("future")
        .run(session);
    Ok(())
}

/// Where each of the two leaves its promise for the other. Who ends first leaves none, so the other ends as well.
struct Table<P>([Cell<Option<P>>; 2]);

impl<P> Table<P> {
    fn new() -> Self {
        Self([Cell::new(None), Cell::new(None)])
    }

    /// Leaves a promise, and takes what the other has left.
    fn swap(&self, mine: usize, promise: P) -> Option<P> {
        self.0[mine].set(Some(promise));
        self.0[1 - mine].take()
    }

    /// Takes what the other has left.
    fn take(&self, mine: usize) -> Option<P> {
        self.0[1 - mine].take()
    }
}

fn corio(times: u64) -> Duration {
    let run = corio::run(|| {
        let table = Table::new();
        let play = |mine| {
            for _ in 0..times {
                let (promise, future) = corio::create_future();
                if let Some(others) = table.swap(mine, promise) {
                    others.set_result(mine)?;
                }
                future.wait()?;
            }
            if let Some(others) = table.take(mine) {
                others.set_result(mine)?;
            }
            Ok(())
        };
        let start = Instant::now();
        corio::gather((|| play(0), || play(1)))?;
        Ok(start.elapsed())
    });
    run.expect("no task fails")
}

async fn tokio(times: u64) -> Duration {
    let table = Rc::new(Table::new());
    let play = |mine| {
        let table = Rc::clone(&table);
        spawn_local(async move {
            for _ in 0..times {
                let (promise, future) = oneshot::channel();
                if let Some(others) = table.swap(mine, promise) {
                    others.send(mine).expect("the other waits");
                }
                future.await.expect("the other fulfils it");
            }
            if let Some(others) = table.take(mine) {
                others.send(mine).expect("the other waits");
            }
        })
    };
    let start = Instant::now();
    let players = [play(0), play(1)];
    for player in players {
        player.await.expect("the task does not panic");
    }
    start.elapsed()
}

fn smol(times: u64) -> Duration {
    peers::in_smol(async |executor| {
        let table = Rc::new(Table::new());
        let play = |mine| {
            let table = Rc::clone(&table);
            executor.spawn(async move {
                for _ in 0..times {
                    let (promise, future) = smol_channel::bounded(1);
                    if let Some(others) = table.swap(mine, promise) {
                        others.send(mine).await.expect("the other waits");
                    }
                    future.recv().await.expect("the other fulfils it");
                }
                if let Some(others) = table.take(mine) {
                    others.send(mine).await.expect("the other waits");
                }
            })
        };
        let start = Instant::now();
        let players = [play(0), play(1)];
        for player in players {
            player.await;
        }
        start.elapsed()
    })
}

fn may(times: u64) -> Duration {
    peers::in_may(move || {
        // Its coroutines must be `Send`, so the table is behind a lock, which nobody ever waits for.
        let table = Arc::new(Mutex::new(Table::new()));
        let play = |mine| {
            let table = Arc::clone(&table);
            may::go!(move || {
                for _ in 0..times {
                    let (promise, future) = may_mpsc::channel();
                    let others = table.lock().expect("nobody panics").swap(mine, promise);
                    if let Some(others) = others {
                        others.send(mine).expect("the other waits");
                    }
                    future.recv().expect("the other fulfils it");
                }
                let others = table.lock().expect("nobody panics").take(mine);
                if let Some(others) = others {
                    others.send(mine).expect("the other waits");
                }
            })
        };
        let start = Instant::now();
        let players = [play(0), play(1)];
        for player in players {
            player.join().expect("the coroutine does not panic");
        }
        start.elapsed()
    })
}
