//! Items that tasks bring, and what they all have in common: they begin late and end early.
//!
//! * [`channel`]: what goes from the producers to the consumer;
//! * [`crew`]: the producers, as tasks.

mod channel;
mod crew;

use std::fmt;
use std::rc::Rc;

use corio_futures::Result;
use corio_futures::contract::Wait;

use self::channel::Channel;
pub(super) use self::channel::Sender;
pub(super) use self::crew::{Crew, Home, TheLoop};
use crate::event_loop::EventLoop;
use crate::report;
use crate::task::Panicked;

/// Items that tasks load in the background.
///
/// Made by [`buffered`](super::IteratorExt::buffered), [`merge`](super::merge()) and others.
///
/// The tasks begin at the first `next`. When this is dropped, they are cancelled and waited for;
/// where nothing can wait (off the loop, in a callback, while a panic unwinds) they are cancelled,
/// and the loop ends them. What they have loaded by then is dropped.
#[must_use = "iterators are lazy: nothing is loaded before the first `next`"]
pub struct Background<'scope, T> {
    channel: Rc<Channel<T>>,
    crew: Rc<Crew>,
    begin: Option<Begin<'scope, T>>,
}

type Begin<'scope, T> = Box<dyn FnOnce(Start<'_, T>) + 'scope>;

/// What producers need to begin.
pub(super) struct Start<'a, T> {
    channel: &'a Rc<Channel<T>>,
    pub(super) crew: &'a Rc<Crew>,
}

impl<T> Start<'_, T> {
    pub(super) fn sender(&self, source: usize) -> Sender<T> {
        self.channel.sender(source)
    }

    /// Has a task send the items of the source with this number.
    pub(super) fn send_all<'a>(
        &self,
        home: impl Home<'a>,
        number: usize,
        source: impl Iterator<Item = T> + 'a,
    ) where
        T: 'a,
    {
        let sender = self.sender(number);
        self.crew.spawn(home, move || {
            sender.run(|sender| sender.send_each(source, |item| sender.send(item)));
        });
    }
}

impl<'scope, T> Background<'scope, T> {
    /// Items of so many sources, with room for so many of each (at least one). `begin` makes the
    /// producers.
    pub(super) fn new(
        sources: usize,
        room: usize,
        begin: impl FnOnce(Start<'_, T>) + 'scope,
    ) -> Self {
        Self {
            channel: Channel::new(sources, room),
            crew: Crew::new(),
            begin: Some(Box::new(begin)),
        }
    }

    /// The next item, if it is there already.
    #[track_caller]
    pub(super) fn next_ready(&mut self) -> Option<Result<T>> {
        let item = self.channel.take()?;
        Some(self.resurface(item))
    }

    /// Goes on with the panic that an item is, if it is one.
    #[track_caller]
    fn resurface(&mut self, item: Result<T>) -> Result<T> {
        if let Err(error) = &item
            && error.downcast_ref::<Panicked>().is_some()
        {
            self.stop();
            Panicked::resurface(error);
        }
        item
    }

    /// Stops the producers, and waits for them if it can. There are no items after that.
    fn stop(&mut self) {
        self.channel.close();
        drop(self.begin.take());
        self.crew.stop();
        for item in self.channel.drain() {
            if let Err(error) = item
                && error.downcast_ref::<Panicked>().is_some()
            {
                report::unheard("a panic came with an item that nobody asked for", &error);
            }
        }
    }
}

impl<T> Iterator for Background<'_, T> {
    type Item = Result<T>;

    /// Waits for the next item, if none is there already.
    ///
    /// # Cancellation
    ///
    /// Is an item, and ends nothing: no other item is lost, and the iterator may be used on. If a
    /// producer was cancelled, by somebody else, that is an item as well, its last.
    ///
    /// # Panics
    ///
    /// If the source did, when the items before are given out and all producers have ended.
    #[track_caller]
    fn next(&mut self) -> Option<Self::Item> {
        let wait = Wait::new("the next item of an iterator");
        if self.begin.is_some()
            && let Err(error) = EventLoop::current(wait.what())
        {
            return Some(Err(error.into()));
        }
        if let Some(begin) = self.begin.take() {
            begin(Start { channel: &self.channel, crew: &self.crew });
        }
        let item = self.channel.next(&wait)?;
        Some(self.resurface(item))
    }
}

impl<T> Drop for Background<'_, T> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<T> fmt::Debug for Background<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background")
            .field("begun", &self.begin.is_none())
            .field("loaded", &self.channel.len())
            .finish_non_exhaustive()
    }
}
