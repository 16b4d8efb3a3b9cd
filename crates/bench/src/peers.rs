//! What several benches need of a peer.

use std::time::Duration;

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
