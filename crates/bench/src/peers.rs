//! What several benches need of a peer.

use std::time::Duration;

use async_executor::LocalExecutor;
use tokio::task::LocalSet;

/// Runs `work` in a `LocalSet` on tokio's runtime for one thread.
pub(crate) fn in_tokio(work: impl Future<Output = Duration>) -> Duration {
    LocalSet::new().block_on(&tokio(), work)
}

/// Runs `work` in tokio's newer `LocalRuntime`.
pub(crate) fn in_tokio_local(work: impl Future<Output = Duration>) -> Duration {
    tokio_local().block_on(work)
}

/// Runs `work` on smol's executor for one thread.
pub(crate) fn in_smol(work: impl AsyncFnOnce(&LocalExecutor<'static>) -> Duration) -> Duration {
    let executor = LocalExecutor::new();
    async_io::block_on(executor.run(work(&executor)))
}

/// Runs `work` in a coroutine of may's only worker, and hands its result to this thread.
///
/// The time is taken inside, so the hop between the two threads costs `work` nothing. The worker is not pinned:
/// the loops of the other implementations are not either.
pub(crate) fn in_may(work: impl FnOnce() -> Duration + Send + 'static) -> Duration {
    let config = may::config();
    config.set_workers(1);
    config.set_worker_pin(false);
    may::go!(work).join().expect("the coroutine does not panic")
}

/// tokio's runtime for one thread, without the drivers for I/O and time.
pub(crate) fn tokio() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without drivers cannot fail")
}

/// The same, in the flavour which is its own `LocalSet`.
pub(crate) fn tokio_local() -> tokio::runtime::LocalRuntime {
    let runtime = tokio::runtime::Builder::new_current_thread().build_local(Default::default());
    runtime.expect("a runtime without drivers cannot fail")
}
