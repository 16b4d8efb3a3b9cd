//! Queues against a model, under random schedules: nothing is lost, nothing doubled, and each item
//! comes in its turn.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::rc::Rc;

use corio_futures::Queue;
use corio_futures::queue::{BaseQueue, Storage};
use proptest::prelude::*;

use crate::mini_loop::{Loop, Task, with_loop};

#[derive(Clone, Debug)]
enum Operation {
    Get,
    Put(u8),
    GetNowait,
    PutNowait(u8),
    Cancel(usize),
    Unwind(usize),
    Step(usize),
    Shutdown,
    ShutdownNow,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        12 => Just(Operation::Get),
        12 => any::<u8>().prop_map(Operation::Put),
        6 => Just(Operation::GetNowait),
        6 => any::<u8>().prop_map(Operation::PutNowait),
        12 => (0..20_usize).prop_map(Operation::Cancel),
        4 => (0..20_usize).prop_map(Operation::Unwind),
        40 => (0..16_usize).prop_map(Operation::Step),
        1 => Just(Operation::Shutdown),
        1 => Just(Operation::ShutdownNow),
    ];
    prop::collection::vec(operation, 0..100)
}

/// An item that is told from all others.
type Item = (u8, u32);

/// A queue, beside what it should hold: each success is repeated there in the same step.
struct Twin<S> {
    queue: BaseQueue<S>,
    model: RefCell<S>,
    made: Cell<u32>,
    /// Items put and not got: for the account at the end.
    out: RefCell<BTreeSet<Item>>,
    waiting_to_get: Cell<usize>,
    waiting_to_put: Cell<usize>,
}

impl<S: Storage<Item = Item>> Twin<S> {
    fn item(&self, priority: u8) -> Item {
        (priority, self.made.replace(self.made.get() + 1))
    }

    fn has_put(&self, item: Item) {
        self.model.borrow_mut().push(item);
        assert!(self.out.borrow_mut().insert(item));
    }

    fn has_got(&self, item: Item) {
        assert_eq!(self.model.borrow_mut().pop(), Some(item), "not its turn");
        assert!(self.out.borrow_mut().remove(&item), "got twice");
    }

    fn check(&self) {
        assert_eq!(self.queue.len(), self.model.borrow().len());
        assert_eq!(
            self.queue.is_full(),
            self.queue.maxsize().is_some_and(|m| m == self.queue.len())
        );
    }
}

/// Counts a task as waiting until it returns or is unwound.
struct Counted<'a>(&'a Cell<usize>);

impl<'a> Counted<'a> {
    fn new(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

fn getter<S>(event_loop: &Rc<Loop>, twin: &Rc<Twin<S>>) -> Rc<Task>
where
    S: Storage<Item = Item> + 'static,
{
    let twin = Rc::clone(twin);
    event_loop.spawn(move || {
        let _counted = Counted::new(&twin.waiting_to_get);
        match twin.queue.get() {
            Ok(item) => twin.has_got(item),
            Err(error) => {
                assert!(
                    error.is_cancelled() || (twin.queue.is_shut_down() && twin.queue.is_empty())
                );
            }
        }
    })
}

fn putter<S>(event_loop: &Rc<Loop>, twin: &Rc<Twin<S>>, priority: u8) -> Rc<Task>
where
    S: Storage<Item = Item> + 'static,
{
    let twin = Rc::clone(twin);
    event_loop.spawn(move || {
        let _counted = Counted::new(&twin.waiting_to_put);
        let item = twin.item(priority);
        match twin.queue.put(item) {
            Ok(()) => twin.has_put(item),
            Err(refused) => {
                assert_eq!(refused.item, item);
                assert!(refused.error.is_cancelled() || twin.queue.is_shut_down());
            }
        }
    })
}

fn run_model<S>(maxsize: usize, operations: Vec<Operation>)
where
    S: Storage<Item = Item> + 'static,
{
    with_loop(|event_loop| {
        let twin = Rc::new(Twin {
            queue: BaseQueue::<S>::new(maxsize),
            model: RefCell::default(),
            made: Cell::new(0),
            out: RefCell::default(),
            waiting_to_get: Cell::new(0),
            waiting_to_put: Cell::new(0),
        });
        let mut tasks: Vec<Rc<Task>> = Vec::new();
        for operation in operations {
            match operation {
                Operation::Get => tasks.push(getter(event_loop, &twin)),
                Operation::Put(priority) => tasks.push(putter(event_loop, &twin, priority)),
                Operation::GetNowait => match twin.queue.get_nowait() {
                    Ok(item) => twin.has_got(item),
                    Err(_) => assert!(twin.queue.is_empty()),
                },
                Operation::PutNowait(priority) => {
                    let item = twin.item(priority);
                    match twin.queue.put_nowait(item) {
                        Ok(()) => twin.has_put(item),
                        Err(refused) => {
                            assert_eq!(refused.into_item(), item);
                            assert!(twin.queue.is_full() || twin.queue.is_shut_down());
                        }
                    }
                }
                Operation::Cancel(index) => {
                    if let Some(task) = tasks.get(index) {
                        task.cancel();
                    }
                }
                Operation::Unwind(index) => {
                    if let Some(task) = tasks.get(index) {
                        task.unwind();
                    }
                }
                Operation::Step(which) => {
                    event_loop.step(which);
                }
                Operation::Shutdown => twin.queue.shutdown(),
                Operation::ShutdownNow => {
                    for item in twin.queue.shutdown_now() {
                        twin.has_got(item);
                    }
                }
            }
            twin.check();
        }
        event_loop.run();
        twin.check();
        // Nobody waits for what is there.
        let ended = twin.queue.is_shut_down();
        assert!(twin.waiting_to_get.get() == 0 || (twin.queue.is_empty() && !ended));
        assert!(twin.waiting_to_put.get() == 0 || (twin.queue.is_full() && !ended));
        for item in twin.queue.shutdown_now() {
            twin.has_got(item);
        }
        assert!(twin.out.borrow().is_empty(), "lost: {:?}", twin.out);
        event_loop.run();
        assert_eq!((twin.waiting_to_get.get(), twin.waiting_to_put.get()), (0, 0));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_queue_agrees_with_its_model(maxsize in 0..4_usize, operations in operations()) {
        run_model::<VecDeque<Item>>(maxsize, operations);
    }

    #[test]
    fn a_lifo_queue_agrees_with_its_model(maxsize in 0..4_usize, operations in operations()) {
        run_model::<Vec<Item>>(maxsize, operations);
    }

    #[test]
    fn a_priority_queue_agrees_with_its_model(maxsize in 0..4_usize, operations in operations()) {
        run_model::<BinaryHeap<Reverse<Item>>>(maxsize, operations);
    }

    /// However many are woken in vain: those who wait are served in the order in which they came.
    #[test]
    fn those_who_wait_keep_their_order(
        rounds in prop::collection::vec((0..4_usize, 0..4_usize, 0..4_usize, prop::option::of(0..20_usize)), 0..30),
    ) {
        with_loop(|event_loop| {
            let queue = Rc::new(Queue::unbounded());
            let (served, mut tasks) = (Rc::new(RefCell::new(Vec::new())), Vec::new());
            for (getters, puts, stolen, cancelled) in rounds {
                for _ in 0..getters {
                    let (queue, served, number) =
                        (Rc::clone(&queue), Rc::clone(&served), tasks.len());
                    tasks.push(event_loop.spawn(move || {
                        if queue.get().is_ok() {
                            served.borrow_mut().push(number);
                        }
                    }));
                }
                event_loop.run();
                for _ in 0..puts {
                    queue.put_nowait(()).expect("no limit");
                }
                for _ in 0..stolen {
                    let _ = queue.get_nowait();
                }
                if let Some(task) = cancelled.and_then(|index| tasks.get(index)) {
                    task.cancel();
                }
                event_loop.run();
            }
            let served = served.borrow();
            prop_assert!(served.is_sorted(), "{served:?}");
            prop_assert!(queue.is_empty() || tasks.iter().all(|task| task.is_done()));
            drop(served);
            queue.shutdown();
            event_loop.run();
            prop_assert!(tasks.iter().all(|task| task.is_done()));
            Ok(())
        })?;
    }
}
