//! A task whose parks are scripted: what happens while it is parked, and how the park ends.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use corio_futures::contract::{EventLoop, Parker, Wait, enter, run_as};
use corio_futures::{Barrier, BoundedSemaphore, Condition, Error, Queue, Result, Semaphore};

type Meanwhile = Box<dyn FnOnce() -> Result<()>>;

/// Runs `body` as a task, each of whose parks is one of `parks`.
pub(crate) fn as_puppet<R>(
    parks: impl IntoIterator<Item = Meanwhile>,
    body: impl FnOnce() -> R,
) -> R {
    let parks = RefCell::new(parks.into_iter().collect::<VecDeque<_>>());
    let puppet = Rc::new(Puppet { parks });
    let entered = enter(Rc::new(Stage(Rc::clone(&puppet))));
    let _entered = entered.unwrap_or_else(|_| panic!("a loop runs already"));
    // SAFETY: it is not a stack of its own, so its frames are gone when this returns.
    let result = unsafe { run_as(&*puppet, body) };
    assert!(puppet.parks.borrow().is_empty(), "it was to park more often");
    result
}

pub(crate) fn park(meanwhile: impl FnOnce() -> Result<()> + 'static) -> Meanwhile {
    Box::new(meanwhile)
}

struct Puppet {
    parks: RefCell<VecDeque<Meanwhile>>,
}

impl Parker for Puppet {
    fn park(&self, wait: &Wait<'_>) -> Result<()> {
        let next = self.parks.borrow_mut().pop_front();
        next.unwrap_or_else(|| panic!("an unexpected park for {wait:?}"))()
    }

    fn unpark(&self) {}

    fn yield_now(&self) -> Result<()> {
        Ok(())
    }
}

struct Stage(Rc<Puppet>);

impl EventLoop for Stage {
    fn current(&self) -> Option<Rc<dyn Parker>> {
        let puppet = Rc::clone(&self.0);
        Some(puppet)
    }

    fn call_soon(&self, _callback: Box<dyn FnOnce()>) {}

    fn report(&self, _message: &str, _error: &Error) {}
}

#[test]
fn every_wait_says_what_for_and_where_it_was_begun() {
    let queue = || Queue::<()>::bounded(1);
    let full = || {
        let queue = queue();
        queue.put_nowait(()).expect("there is room");
        queue
    };
    let waits: [(&str, &dyn Fn()); 8] = [
        ("a condition", &|| drop(Condition::new(()).lock().expect("it is free").wait())),
        ("a condition", &|| {
            drop(Condition::new(()).lock().expect("it is free").wait_for(|()| false));
        }),
        ("a permit", &|| drop(Semaphore::new(0).acquire())),
        ("a permit", &|| drop(BoundedSemaphore::new(0).acquire())),
        ("a barrier", &|| drop(Barrier::new(2).expect("two parties").wait())),
        ("an item of a queue", &|| drop(queue().get())),
        ("room in a queue", &|| drop(full().put(()))),
        ("the items of a queue to be done", &|| drop(full().join())),
    ];
    for (what, wait) in waits {
        let panicked = catch_unwind(AssertUnwindSafe(|| as_puppet([], wait))).unwrap_err();
        let message = panicked.downcast::<String>().expect("a message");
        let (expected, here) = (format!("an unexpected park for {what} ("), file!());
        assert!(message.starts_with(&expected) && message.contains(here), "{message}");
    }
}
