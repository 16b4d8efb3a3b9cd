//! A loop, as other threads hold it.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use corio_futures::Result;

use super::ThreadsafeCallHandle;
use super::call::{Call, CallCell};
use super::post::{DueCall, Message, Post};
use super::remote_task::{self, RemoteTask};
use crate::event_loop::{EventLoop, EventLoopHandle};
use crate::run::Runner;
use crate::task::LoopClosed;

/// A way into an event loop from any thread: the only thing of a loop that may leave its own.
///
/// Given by [`EventLoopHandle::handle`] and [`Runner::handle`]. As long as one is alive the loop
/// counts on being called: if every task waits then, it sleeps instead of reporting a
/// [`Deadlock`](crate::Deadlock). So drop it when it is not needed any more.
///
/// # Examples
///
/// ```
/// use std::thread;
///
/// corio::run(|| {
///     let event_loop = corio::get_running_loop()?.handle();
///     let worker = thread::spawn(move || {
///         // Another thread. It cannot touch a task of the loop, but it can have one run there.
///         let sum = event_loop.run_coroutine_threadsafe(|| {
///             corio::sleep(std::time::Duration::from_millis(1))?;
///             Ok(20 + 22)
///         })?;
///         sum.wait()
///     });
///     let sum = corio::to_thread(move || worker.join().expect("it does not panic"))?;
///     assert_eq!(sum, 42);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct LoopHandle {
    pub(super) post: Arc<Post>,
}

impl LoopHandle {
    fn new(post: &Arc<Post>) -> Self {
        post.add_handle();
        Self { post: Arc::clone(post) }
    }

    /// Has the loop call `callback` in a later step, and wakes it if it sleeps. asyncio's
    /// `loop.call_soon_threadsafe`.
    ///
    /// Calls from one thread are made in their order; those from the loop's own thread are in line
    /// with those of [`call_soon`](EventLoopHandle::call_soon). A callback runs on the loop's own
    /// stack and cannot wait; it may create a task that can. If it panics, that is reported and the
    /// loop goes on.
    ///
    /// The callback may be taken back by the handle, and is not if the handle is dropped. If the
    /// loop is closed before its turn comes, it is dropped.
    ///
    /// What crosses threads cannot bring a queue, an event or a promise of the loop along. A
    /// [`threadsafe_function`](EventLoopHandle::threadsafe_function) can, for it stays on the loop.
    ///
    /// # Errors
    ///
    /// [`LoopClosed`] if it will not be called any more; it is dropped then.
    ///
    /// # Examples
    ///
    /// ```
    /// corio::run(|| {
    ///     let event_loop = corio::get_running_loop()?.handle();
    ///     corio::to_thread(move || {
    ///         let call = event_loop.call_soon_threadsafe(|| println!("on the loop's thread"))?;
    ///         let in_time = call.cancel();
    ///         println!("{}", if in_time { "it never was" } else { "it is over" });
    ///         Ok(())
    ///     })
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn call_soon_threadsafe(
        &self,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<ThreadsafeCallHandle, LoopClosed> {
        Ok(ThreadsafeCallHandle::new(self.hand_in(callback)?))
    }

    /// Has the loop run `body` as a task. The handle that this returns waits for it, on any thread.
    /// asyncio's `run_coroutine_threadsafe`.
    ///
    /// # Errors
    ///
    /// [`LoopClosed`] if it will not run any more; `body` is dropped then.
    pub fn run_coroutine_threadsafe<T, F>(&self, body: F) -> Result<RemoteTask<T>, LoopClosed>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        remote_task::start(self.clone(), body)
    }

    /// Whether the loop is closed, so that nothing can be had of it any more.
    pub fn is_closed(&self) -> bool {
        self.post.inbox.is_closed()
    }

    /// Hands a callback to the loop.
    pub(super) fn hand_in(
        &self,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<Arc<dyn Call>, LoopClosed> {
        let call: Arc<dyn Call> = Arc::new(CallCell::new(callback));
        let due = DueCall(Arc::clone(&call));
        match self.on_its_own_thread() {
            Some(event_loop) if event_loop.is_closed() => return Err(LoopClosed),
            Some(event_loop) => {
                // In line: behind what came from others before, ahead of what is called next.
                event_loop.collect();
                event_loop.call_soon(Box::new(move || due.run()));
            }
            None => self.post.send(Message::Call(due)).map_err(|_| LoopClosed)?,
        }
        Ok(call)
    }

    /// The loop, if it runs on this thread.
    fn on_its_own_thread(&self) -> Option<Rc<EventLoop>> {
        let running = EventLoop::current("").ok()?;
        Arc::ptr_eq(&running.threads.post, &self.post).then_some(running)
    }
}

impl Clone for LoopHandle {
    fn clone(&self) -> Self {
        Self::new(&self.post)
    }
}

impl Drop for LoopHandle {
    fn drop(&mut self) {
        self.post.remove_handle();
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl EventLoopHandle {
    /// A handle for other threads.
    pub fn handle(&self) -> LoopHandle {
        LoopHandle::new(&self.event_loop.threads.post)
    }
}

impl Runner {
    /// A handle for other threads, which may use it before the loop runs: what they hand in waits
    /// until then.
    pub fn handle(&self) -> LoopHandle {
        LoopHandle::new(&self.event_loop.threads.post)
    }
}
