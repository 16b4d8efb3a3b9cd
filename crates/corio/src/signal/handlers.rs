//! What a loop does with the signals that have arrived.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use corio_futures::Result;

use super::inbox::Inbox;
use super::interrupt;
use super::registry::Listening;
use super::stream::Arrivals;
use crate::event_loop::{EventLoop, EventLoopHandle};
use crate::task::LoopClosed;

/// A loop's part in signals.
#[derive(Default)]
pub(crate) struct LoopSignals {
    /// Made when it is first needed.
    inbox: OnceCell<Arc<Inbox>>,
    handlers: RefCell<BTreeMap<i32, Handler>>,
    streams: RefCell<Vec<Weak<Arrivals>>>,
    /// Ctrl-C has cancelled the main task.
    interrupted: Cell<bool>,
}

struct Handler {
    callback: Rc<dyn Fn()>,
    _listening: Listening,
}

impl LoopSignals {
    /// The inbox of the loop that this belongs to.
    pub(super) fn inbox(&self, event_loop: &EventLoop) -> &Arc<Inbox> {
        self.inbox.get_or_init(|| Arc::new(Inbox::new(event_loop.reactor().notifier())))
    }

    /// Whether something has arrived.
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        self.inbox.get().is_some_and(|inbox| inbox.has_news())
    }

    /// Whether a signal may bring something about.
    pub(crate) fn has_handlers(&self) -> bool {
        !self.handlers.borrow().is_empty()
    }

    /// Hands out what has arrived.
    #[cold]
    pub(crate) fn deliver(&self, event_loop: &EventLoop) {
        let Some(inbox) = self.inbox.get().filter(|inbox| inbox.take_news()) else { return };
        let arrived = inbox.take();
        for signal in arrived.iter() {
            if let Some(handler) = self.handlers.borrow().get(&signal) {
                let callback = Rc::downgrade(&handler.callback);
                event_loop.call_soon(Box::new(move || {
                    // Unless it was removed meanwhile.
                    if let Some(callback) = callback.upgrade() {
                        callback();
                    }
                }));
            }
        }
        if !arrived.is_empty() {
            let streams: Vec<_> = self.streams.borrow().iter().filter_map(Weak::upgrade).collect();
            for stream in streams {
                stream.add(arrived);
            }
        }
        if let Some(main) = event_loop.main_task()
            && inbox.take_interrupt()
        {
            self.interrupted.set(true);
            interrupt::cancel(main.header());
        }
    }

    pub(super) fn take_interrupted(&self) -> bool {
        self.interrupted.take()
    }

    pub(super) fn add_stream(&self, stream: &Rc<Arrivals>) {
        let mut streams = self.streams.borrow_mut();
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Rc::downgrade(stream));
    }

    /// Forgets the handlers, which may hold the loop.
    pub(crate) fn close(&self) {
        let handlers = self.handlers.take();
        drop(handlers);
    }
}

/// Signals; Unix only.
impl EventLoopHandle {
    /// Calls `callback` in the loop when `signal` has arrived, instead of what the signal did
    /// before. asyncio's `loop.add_signal_handler`.
    ///
    /// It replaces the loop's previous handler for the signal, and is called as one given to
    /// [`call_soon`](Self::call_soon) is: it cannot wait, but may create a task that can. The
    /// loops of other threads may have handlers of their own. See [`signal`](crate::signal).
    ///
    /// # Errors
    ///
    /// [`BadSignal`](crate::signal::BadSignal) if there is no such signal, or it cannot be handled;
    /// [`LoopClosed`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::rc::Rc;
    ///
    /// use corio::signal::{self, SIGTERM};
    ///
    /// corio::run(|| {
    ///     let stop = Rc::new(corio::Event::new());
    ///     let stopping = Rc::clone(&stop);
    ///     let event_loop = corio::get_running_loop()?;
    ///     event_loop.add_signal_handler(SIGTERM, move || stopping.set())?;
    ///
    ///     signal::raise(SIGTERM)?;
    ///     stop.wait()?;
    ///     assert!(event_loop.remove_signal_handler(SIGTERM));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), corio::Error>(())
    /// ```
    pub fn add_signal_handler(&self, signal: i32, callback: impl Fn() + 'static) -> Result<()> {
        let event_loop = &*self.event_loop;
        if event_loop.is_closed() {
            return Err(LoopClosed.into());
        }
        let signals = event_loop.signals();
        let listening = Listening::begin(signal, signals.inbox(event_loop))?;
        let handler = Handler { callback: Rc::new(callback), _listening: listening };
        let previous = signals.handlers.borrow_mut().insert(signal, handler);
        drop(previous);
        Ok(())
    }

    /// Takes the loop's handler for `signal` back, even if it was to be called in the next step.
    /// Says whether there was one. asyncio's `loop.remove_signal_handler`.
    ///
    /// If nobody else listens to it, the signal does again what it did before.
    pub fn remove_signal_handler(&self, signal: i32) -> bool {
        let removed = self.event_loop.signals().handlers.borrow_mut().remove(&signal);
        removed.is_some()
    }
}
