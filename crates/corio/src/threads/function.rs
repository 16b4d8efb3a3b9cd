//! A function that stays on its loop, for other threads to call.
//!
//! What another thread hands in must be `Send`, so it can bring nothing of the loop's along: no
//! queue, no event, no promise. So the loop keeps the function, with all that it has captured, under
//! a number; what crosses threads is the number and the argument.

use std::any::Any;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use corio_futures::Result;

use super::{LoopHandle, ThreadsafeCallHandle};
use crate::event_loop::{EventLoop, EventLoopHandle};
use crate::task::LoopClosed;

/// A function of a loop that any thread can call, and that need not be `Send` itself.
///
/// Made by [`EventLoopHandle::threadsafe_function`]. The function is dropped, by its loop, after the
/// last of its handles. As a [`LoopHandle`] does, each keeps the loop hoping for a call.
///
/// # Examples
///
/// A thread that feeds a queue:
///
/// ```
/// use std::{rc::Rc, thread};
///
/// corio::run(|| {
///     let queue = Rc::new(corio::Queue::unbounded());
///     let feed = Rc::clone(&queue);
///     let put = corio::get_running_loop()?.threadsafe_function(move |line: String| {
///         feed.put_nowait(line).expect("it has no limit");
///     });
///     thread::spawn(move || put.call("a line".to_owned()));
///     assert_eq!(queue.get()?, "a line");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub struct ThreadsafeFunction<T> {
    registration: Arc<Registration>,
    /// Calls one with an argument of the type that it takes.
    call: fn(usize, T),
}

/// The function, as long as somebody can call it.
struct Registration {
    event_loop: LoopHandle,
    id: usize,
}

impl<T: Send + 'static> ThreadsafeFunction<T> {
    /// Has the loop call the function in a later step, as
    /// [`call_soon_threadsafe`](LoopHandle::call_soon_threadsafe) does.
    ///
    /// # Errors
    ///
    /// [`LoopClosed`] if it will not be called any more; `argument` is dropped then.
    pub fn call(&self, argument: T) -> Result<ThreadsafeCallHandle, LoopClosed> {
        let (call, id) = (self.call, self.registration.id);
        self.registration.event_loop.call_soon_threadsafe(move || call(id, argument))
    }
}

impl<T> Clone for ThreadsafeFunction<T> {
    fn clone(&self) -> Self {
        Self { registration: Arc::clone(&self.registration), call: self.call }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let id = self.id;
        // Behind all calls. A loop that is closed has dropped it.
        let _ = self.event_loop.hand_in(move || {
            let event_loop = EventLoop::current("");
            drop(event_loop.ok().and_then(|event_loop| event_loop.remove_function(id)));
        });
    }
}

impl<T> fmt::Debug for ThreadsafeFunction<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThreadsafeFunction").field(&self.registration.id).finish()
    }
}

impl EventLoopHandle {
    /// Lets other threads call `function`, which stays here with what it has captured.
    pub fn threadsafe_function<T: 'static>(
        &self,
        function: impl Fn(T) + 'static,
    ) -> ThreadsafeFunction<T> {
        let event_loop = self.handle();
        let id = event_loop.post.number();
        let function: Rc<dyn Fn(T)> = Rc::new(function);
        if !self.event_loop.is_closed() {
            let mut functions = self.event_loop.threads.functions.borrow_mut();
            functions.insert(id, Rc::new(function));
        }
        let registration = Arc::new(Registration { event_loop, id });
        ThreadsafeFunction { registration, call: call_here::<T> }
    }
}

/// Calls a function of the loop that runs here.
fn call_here<T: 'static>(id: usize, argument: T) {
    let event_loop = EventLoop::current("");
    let function = event_loop.ok().and_then(|event_loop| event_loop.function(id));
    if let Some(function) = function.and_then(|any| any.downcast::<Rc<dyn Fn(T)>>().ok()) {
        function(argument);
    }
}

impl EventLoop {
    fn function(&self, id: usize) -> Option<Rc<dyn Any>> {
        self.threads.functions.borrow().get(&id).cloned()
    }

    fn remove_function(&self, id: usize) -> Option<Rc<dyn Any>> {
        self.threads.functions.borrow_mut().remove(&id)
    }
}
