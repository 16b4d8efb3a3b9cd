//! Queues: room, order, shutdown, joining, and what becomes of those who wait.

use std::rc::Rc;

use corio_futures::queue::{BaseQueue, Storage};
use corio_futures::{
    Error, GetNowaitError, LifoQueue, PriorityQueue, PutError, PutNowaitError, Queue, QueueEmpty,
    QueueFull, QueueShutDown, TooManyTasksDone,
};

use crate::mini_loop::{Log, Loop, Task, with_loop, yield_now};

type Shared<T> = Rc<Queue<T>>;

fn outcome(error: &Error) -> &'static str {
    if error.is_cancelled() {
        "cancelled"
    } else if error.downcast_ref::<QueueShutDown>().is_some() {
        "shut down"
    } else {
        "failed"
    }
}

fn getter(event_loop: &Rc<Loop>, queue: &Shared<u32>, log: &Log, name: &'static str) -> Rc<Task> {
    let (queue, log) = (Rc::clone(queue), log.clone());
    event_loop.spawn(move || match queue.get() {
        Ok(item) => log.note(format!("{name} {item}")),
        Err(error) => log.note(format!("{name} {}", outcome(&error))),
    })
}

fn putter(event_loop: &Rc<Loop>, queue: &Shared<u32>, log: &Log, item: u32) -> Rc<Task> {
    let (queue, log) = (Rc::clone(queue), log.clone());
    event_loop.spawn(move || match queue.put(item) {
        Ok(()) => log.note(format!("put {item}")),
        Err(PutError { item: back, error }) => {
            assert_eq!(back, item);
            log.note(format!("put {item} {}", outcome(&error)));
        }
    })
}

fn getters(event_loop: &Rc<Loop>, queue: &Shared<u32>, log: &Log) -> [Rc<Task>; 3] {
    let tasks = ["a", "b", "c"].map(|name| getter(event_loop, queue, log, name));
    event_loop.run();
    tasks
}

fn putters(event_loop: &Rc<Loop>, queue: &Shared<u32>, log: &Log) -> [Rc<Task>; 3] {
    let tasks = [1, 2, 3].map(|item| putter(event_loop, queue, log, item));
    event_loop.run();
    tasks
}

fn full(item: u32) -> Shared<u32> {
    let queue = Rc::new(Queue::bounded(1));
    queue.put_nowait(item).expect("there is room");
    queue
}

fn drain<S: Storage>(queue: &BaseQueue<S>) -> Vec<S::Item> {
    std::iter::from_fn(|| queue.get_nowait().ok()).collect()
}

#[test]
fn each_queue_has_its_order() {
    let (fifo, lifo, smallest) = (Queue::new(0), LifoQueue::new(0), PriorityQueue::new(0));
    for item in [2, 1, 3] {
        fifo.put(item).expect("no wait");
        lifo.put(item).expect("no wait");
        smallest.put(item).expect("no wait");
    }
    assert_eq!(drain(&fifo), [2, 1, 3]);
    assert_eq!(drain(&lifo), [3, 1, 2]);
    assert_eq!(drain(&smallest), [1, 2, 3]);
}

#[test]
fn a_queue_knows_its_size() {
    let queue = Queue::bounded(2);
    assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (0, true, false));
    queue.put('a').expect("there is room");
    assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (1, false, false));
    queue.put('b').expect("there is room");
    assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (2, false, true));
    assert_eq!(queue.maxsize(), Some(2));
    assert_eq!((Queue::<()>::new(0).maxsize(), Queue::<()>::default().maxsize()), (None, None));
    assert_eq!(
        format!("{queue:?}"),
        "Queue { len: 2, maxsize: Some(2), getters: 0, putters: 0, unfinished: 2, shut_down: false }"
    );
}

#[test]
#[should_panic = "a queue without room for an item"]
fn a_bound_of_nothing_is_refused() {
    let _ = Queue::<()>::bounded(0);
}

#[test]
fn ready_puts_and_gets_need_no_loop_and_others_say_so() {
    let queue = Queue::bounded(1);
    queue.put(1).expect("there is room");
    let PutError { item, error } = queue.put(2).unwrap_err();
    assert_eq!((item, outcome(&error)), (2, "failed"), "this would have to wait");
    assert_eq!(queue.get().expect("there is an item"), 1);
    assert!(queue.get().is_err(), "this would have to wait");
    queue.task_done().expect("one was put");
    queue.join().expect("nothing is unfinished");
}

#[test]
fn what_does_not_wait_fails_instead_and_gives_the_item_back() {
    let queue = Queue::bounded(1);
    assert_eq!(queue.get_nowait(), Err(GetNowaitError::Empty));
    queue.put_nowait("a").expect("there is room");
    let error = queue.put_nowait("b").unwrap_err();
    assert_eq!((error, error.into_item()), (PutNowaitError::Full("b"), "b"));
    assert_eq!(
        (error.to_string(), format!("{error:?}")),
        ("the queue is full".into(), "Full(..)".into())
    );
    assert!(Error::from(error).downcast_ref::<QueueFull>().is_some());
    assert_eq!(queue.get_nowait(), Ok("a"));
    let error = queue.get_nowait().unwrap_err();
    assert_eq!(error.to_string(), "the queue is empty");
    assert!(Error::from(error).downcast_ref::<QueueEmpty>().is_some());
    queue.shutdown();
    assert_eq!(queue.get_nowait(), Err(GetNowaitError::ShutDown));
    let error = queue.put_nowait("c").unwrap_err();
    assert_eq!((error, error.into_item()), (PutNowaitError::ShutDown("c"), "c"));
    assert!(Error::from(error).downcast_ref::<QueueShutDown>().is_some());
}

#[test]
fn the_question_mark_drops_an_item_that_no_error_could_carry() {
    fn send(queue: &Queue<Rc<str>>, item: Rc<str>) -> Result<(), Error> {
        queue.put_nowait(Rc::clone(&item))?;
        Ok(queue.put(item)?)
    }
    let (queue, item) = (Queue::unbounded(), Rc::<str>::from("letter"));
    send(&queue, Rc::clone(&item)).expect("no wait");
    assert_eq!(queue.shutdown_now().len(), 2);
    assert_eq!(outcome(&send(&queue, Rc::clone(&item)).unwrap_err()), "shut down");
    assert_eq!(Rc::strong_count(&item), 1);
    let error = queue.put(item).unwrap_err();
    assert_eq!(error.to_string(), "the queue is shut down");
    assert_eq!(format!("{error:?}"), "PutError { error: the queue is shut down, .. }");
}

#[test]
fn a_getter_waits_for_an_item_and_a_putter_for_room() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::bounded(1)), Log::default());
        getter(event_loop, &queue, &log, "a");
        event_loop.run();
        assert!(log.take().is_empty());
        putters(event_loop, &queue, &log);
        assert_eq!(log.take(), ["put 1", "a 1", "put 2"]);
        assert_eq!(queue.get_nowait(), Ok(2));
        assert!(queue.is_empty(), "waking is not running");
        event_loop.run();
        assert_eq!(log.take(), ["put 3"]);
    });
}

#[test]
fn a_put_wakes_one_getter_and_a_get_one_putter() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::unbounded()), Log::default());
        getters(event_loop, &queue, &log);
        queue.put_nowait(1).expect("no limit");
        assert!(format!("{queue:?}").contains("getters: 2"));
        event_loop.run();
        assert_eq!(log.take(), ["a 1"]);
        let (queue, log) = (full(0), Log::default());
        putters(event_loop, &queue, &log);
        assert_eq!(queue.get_nowait(), Ok(0));
        assert!(format!("{queue:?}").contains("putters: 2"));
        event_loop.run();
        assert_eq!(log.take(), ["put 1"]);
    });
}

#[test]
fn producer_and_consumer_get_along_with_room_for_one() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::bounded(1)), Log::default());
        let producer = Rc::clone(&queue);
        event_loop.spawn(move || {
            for item in 0..10 {
                producer.put(item).expect("nobody cancels");
            }
            producer.shutdown();
        });
        let (consumer, noted) = (Rc::clone(&queue), log.clone());
        event_loop.spawn(move || {
            for item in &*consumer {
                noted.note(item.expect("nobody cancels").to_string());
            }
            noted.note("end");
        });
        event_loop.run();
        let expected: Vec<_> =
            (0..10).map(|item: u32| item.to_string()).chain(["end".into()]).collect();
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn what_is_put_can_be_taken_by_who_does_not_wait_and_the_getter_waits_on() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::bounded(1)), Log::default());
        getter(event_loop, &queue, &log, "a");
        event_loop.run();
        queue.put_nowait(1).expect("there is room");
        assert_eq!(queue.len(), 1, "it is in the queue until somebody runs and takes it");
        assert_eq!(queue.put_nowait(2), Err(PutNowaitError::Full(2)));
        assert_eq!(queue.get_nowait(), Ok(1));
        event_loop.run();
        assert!(log.take().is_empty());
        queue.put_nowait(3).expect("there is room");
        event_loop.run();
        assert_eq!(log.take(), ["a 3"]);
    });
}

#[test]
fn who_was_woken_in_vain_keeps_its_place() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::unbounded()), Log::default());
        getters(event_loop, &queue, &log);
        for item in [1, 2] {
            queue.put_nowait(item).expect("no limit");
        }
        assert_eq!(drain(&queue), [1, 2]);
        event_loop.run(); // a and b find nothing
        getter(event_loop, &queue, &log, "d");
        event_loop.run();
        for item in 3..7 {
            queue.put_nowait(item).expect("no limit");
            event_loop.run();
        }
        assert_eq!(log.take(), ["a 3", "b 4", "c 5", "d 6"]);
        // The same for those who put.
        let (queue, log) = (full(0), Log::default());
        putters(event_loop, &queue, &log);
        assert_eq!(queue.get_nowait(), Ok(0));
        queue.put_nowait(9).expect("there is room");
        event_loop.run(); // 1 finds no room
        for expected in [9, 1, 2, 3] {
            assert_eq!(queue.get_nowait(), Ok(expected));
            event_loop.run();
        }
        assert_eq!(log.take(), ["put 1", "put 2", "put 3"]);
    });
}

#[test]
fn a_getter_takes_what_is_best_when_it_runs() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(PriorityQueue::<u32>::unbounded()), Log::default());
        let (in_task, noted) = (Rc::clone(&queue), log.clone());
        event_loop.spawn(move || noted.note(in_task.get().expect("nobody cancels").to_string()));
        event_loop.run();
        for item in [5, 3, 4] {
            queue.put_nowait(item).expect("no limit");
        }
        event_loop.run();
        assert_eq!(log.take(), ["3"]);
    });
}

#[test]
fn a_getter_that_was_woken_and_is_cancelled_wakes_the_next() {
    for cancelled_first in [false, true] {
        with_loop(|event_loop| {
            let (queue, log) = (Rc::new(Queue::unbounded()), Log::default());
            let tasks = getters(event_loop, &queue, &log);
            if cancelled_first {
                tasks[0].cancel();
                queue.put_nowait(1).expect("no limit");
            } else {
                queue.put_nowait(1).expect("no limit");
                tasks[0].cancel();
            }
            event_loop.run();
            assert_eq!(log.take(), ["a cancelled", "b 1"]);
            tasks[2].cancel();
            event_loop.run();
            queue.put_nowait(2).expect("no limit");
            event_loop.run();
            assert_eq!((log.take(), drain(&queue)), (vec!["c cancelled".to_owned()], vec![2]));
        });
    }
}

#[test]
fn a_putter_that_was_woken_and_is_cancelled_wakes_the_next_and_has_its_item_back() {
    for cancelled_first in [false, true] {
        with_loop(|event_loop| {
            let (queue, log) = (full(0), Log::default());
            let tasks = putters(event_loop, &queue, &log);
            if cancelled_first {
                tasks[0].cancel();
                assert_eq!(queue.get_nowait(), Ok(0));
            } else {
                assert_eq!(queue.get_nowait(), Ok(0));
                tasks[0].cancel();
            }
            event_loop.run();
            assert_eq!(log.take(), ["put 1 cancelled", "put 2"]);
            tasks[2].cancel();
            event_loop.run();
            assert_eq!((log.take(), drain(&queue)), (vec!["put 3 cancelled".to_owned()], vec![2]));
        });
    }
}

#[test]
fn cancelled_waiters_leave_nothing_behind() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::bounded(1)), Log::default());
        for task in getters(event_loop, &queue, &log) {
            task.cancel();
        }
        event_loop.run();
        queue.put_nowait(0).expect("there is room");
        for task in putters(event_loop, &queue, &log) {
            task.cancel();
        }
        event_loop.run();
        assert_eq!(log.take().len(), 6);
        assert_eq!(
            format!("{queue:?}"),
            "Queue { len: 1, maxsize: Some(1), getters: 0, putters: 0, unfinished: 1, shut_down: false }"
        );
    });
}

#[test]
fn waiters_that_are_unwound_pass_their_wake_ups_on() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::unbounded()), Log::default());
        let tasks = getters(event_loop, &queue, &log);
        queue.put_nowait(1).expect("no limit");
        tasks[0].unwind();
        event_loop.run();
        assert_eq!(log.take(), ["b 1"]);
        tasks[2].unwind();
        queue.put_nowait(2).expect("no limit");
        assert_eq!(drain(&queue), [2]);
        let (queue, log) = (full(0), Log::default());
        let tasks = putters(event_loop, &queue, &log);
        assert_eq!(queue.get_nowait(), Ok(0));
        tasks[0].unwind();
        event_loop.run();
        assert_eq!(log.take(), ["put 2"]);
    });
}

#[test]
fn join_waits_until_all_is_done() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::unbounded()), Log::default());
        queue.join().expect("nothing was put");
        for item in 0..3 {
            queue.put_nowait(item).expect("no limit");
        }
        for name in ["join a", "join b"] {
            let (queue, log) = (Rc::clone(&queue), log.clone());
            event_loop.spawn(move || {
                queue.join().expect("nobody cancels");
                log.note(name);
            });
        }
        assert_eq!(drain(&queue).len(), 3);
        for _ in 0..3 {
            event_loop.run();
            assert!(log.take().is_empty(), "got is not done");
            queue.task_done().expect("three were put");
        }
        event_loop.run();
        assert_eq!(log.take(), ["join a", "join b"]);
        assert_eq!(queue.task_done(), Err(TooManyTasksDone));
        queue.join().expect("all is done");
    });
}

#[test]
fn a_join_that_was_woken_returns_even_if_more_was_put_since() {
    with_loop(|event_loop| {
        let (queue, log) = (full(1), Log::default());
        let (in_task, noted) = (Rc::clone(&queue), log.clone());
        event_loop.spawn(move || noted.note(format!("{:?}", in_task.join().is_ok())));
        event_loop.run();
        queue.task_done().expect("one was put");
        assert_eq!(drain(&queue), [1]);
        queue.put_nowait(2).expect("there is room");
        event_loop.run();
        assert_eq!(log.take(), ["true"]);
    });
}

#[test]
fn a_queue_that_is_shut_down_takes_nothing_and_gives_what_it_has() {
    with_loop(|event_loop| {
        let (queue, log) = (full(0), Log::default());
        putters(event_loop, &queue, &log);
        queue.shutdown();
        queue.shutdown(); // twice is once
        assert!(queue.is_shut_down());
        event_loop.run();
        assert_eq!(log.take(), ["put 1 shut down", "put 2 shut down", "put 3 shut down"]);
        assert_eq!(outcome(&queue.put(4).unwrap_err().error), "shut down");
        assert_eq!(queue.get().expect("it was put before"), 0);
        assert_eq!(outcome(&queue.get().unwrap_err()), "shut down");
        putter(event_loop, &queue, &log, 5); // now that there is room
        event_loop.run();
        assert_eq!(log.take(), ["put 5 shut down"]);
    });
}

#[test]
fn a_shutdown_releases_those_who_wait_to_get() {
    for now in [false, true] {
        with_loop(|event_loop| {
            let (queue, log) = (Rc::new(Queue::unbounded()), Log::default());
            getters(event_loop, &queue, &log);
            if now {
                assert!(queue.shutdown_now().is_empty());
            } else {
                queue.shutdown();
            }
            event_loop.run();
            assert_eq!(log.take(), ["a shut down", "b shut down", "c shut down"]);
        });
    }
}

#[test]
fn a_getter_that_was_woken_before_the_shutdown_has_its_item() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::unbounded()), Log::default());
        getters(event_loop, &queue, &log);
        queue.put_nowait(1).expect("no limit");
        queue.shutdown();
        event_loop.run();
        assert_eq!(log.take(), ["a 1", "b shut down", "c shut down"]);
    });
}

#[test]
fn after_a_shutdown_join_waits_for_what_is_left() {
    with_loop(|event_loop| {
        let (queue, log) = (full(0), Log::default());
        let (in_task, noted) = (Rc::clone(&queue), log.clone());
        event_loop.spawn(move || noted.note(format!("{:?}", in_task.join().is_ok())));
        queue.shutdown();
        event_loop.run();
        assert!(log.take().is_empty());
        assert_eq!(drain(&queue), [0]);
        queue.task_done().expect("one was put");
        event_loop.run();
        assert_eq!(log.take(), ["true"]);
    });
}

#[test]
fn an_immediate_shutdown_empties_the_queue_and_counts_what_was_in_it_as_done() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(PriorityQueue::bounded(2)), Log::default());
        for item in [2, 1] {
            queue.put_nowait(item).expect("there is room");
        }
        let (in_task, noted) = (Rc::clone(&queue), log.clone());
        event_loop.spawn(move || noted.note(format!("joined {}", in_task.join().is_ok())));
        let (in_task, noted) = (Rc::clone(&queue), log.clone());
        event_loop.spawn(move || {
            let PutError { item, error } = in_task.put(3).unwrap_err();
            noted.note(format!("put {item} {}", outcome(&error)));
        });
        event_loop.run();
        assert_eq!(queue.shutdown_now(), [1, 2], "in the order in which they would have come");
        assert!(queue.is_empty() && queue.is_shut_down());
        event_loop.run();
        let mut log = log.take();
        log.sort();
        assert_eq!(log, ["joined true", "put 3 shut down"]);
        assert_eq!(queue.task_done(), Err(TooManyTasksDone));
    });
}

#[test]
fn an_immediate_shutdown_leaves_unfinished_what_was_got_and_not_done() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::unbounded()), Log::default());
        for item in 0..2 {
            queue.put_nowait(item).expect("no limit");
        }
        let (in_task, noted) = (Rc::clone(&queue), log.clone());
        event_loop.spawn(move || noted.note(format!("{:?}", in_task.join().is_ok())));
        event_loop.run();
        assert_eq!(queue.get_nowait(), Ok(0));
        assert_eq!(queue.shutdown_now(), [1]);
        event_loop.run();
        assert!(log.take().is_empty());
        queue.task_done().expect("one is unfinished");
        event_loop.run();
        assert_eq!(log.take(), ["true"]);
    });
}

#[test]
fn an_immediate_shutdown_takes_the_item_from_a_getter_that_was_woken() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::unbounded()), Log::default());
        getter(event_loop, &queue, &log, "a");
        event_loop.run();
        queue.put_nowait(1).expect("no limit");
        assert_eq!(queue.shutdown_now(), [1]);
        event_loop.run();
        assert_eq!(log.take(), ["a shut down"]);
    });
}

#[test]
fn an_iterator_goes_on_after_a_cancellation_and_ends_with_the_queue() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::unbounded()), Log::default());
        let (in_task, noted) = (Rc::clone(&queue), log.clone());
        let task = event_loop.spawn(move || {
            for item in in_task.iter() {
                match item {
                    Ok(item) => noted.note(format!("{item}")),
                    Err(error) => noted.note(outcome(&error)),
                }
            }
            noted.note("end");
        });
        event_loop.run();
        task.cancel();
        event_loop.run();
        queue.put_nowait(1).expect("no limit");
        event_loop.run();
        queue.put_nowait(2).expect("no limit");
        queue.shutdown();
        event_loop.run();
        assert_eq!(log.take(), ["cancelled", "1", "2", "end"]);
        assert!(queue.iter().clone().next().is_none());
    });
}

#[test]
fn several_tasks_may_iterate_and_each_item_goes_to_one() {
    with_loop(|event_loop| {
        let (queue, log) = (Rc::new(Queue::bounded(2)), Log::default());
        for _ in 0..3 {
            let (queue, log) = (Rc::clone(&queue), log.clone());
            event_loop.spawn(move || {
                for item in &*queue {
                    log.note(format!("{:02}", item.expect("nobody cancels")));
                    yield_now().expect("nobody cancels");
                    queue.task_done().expect("one for each");
                }
            });
        }
        let (producer, noted) = (Rc::clone(&queue), log.clone());
        event_loop.spawn(move || {
            for item in 0..20 {
                producer.put(item).expect("nobody cancels");
            }
            producer.join().expect("nobody cancels");
            noted.note("done");
            producer.shutdown();
        });
        event_loop.run();
        let log = log.take();
        assert_eq!(log.last().map(String::as_str), Some("done"));
        assert_eq!(log[..20], (0..20).map(|item| format!("{item:02}")).collect::<Vec<_>>());
    });
}

#[test]
fn items_may_use_the_queue_when_they_are_dropped() {
    struct Nosy(Rc<Queue<Option<Nosy>>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            assert!(self.0.is_empty());
        }
    }
    let queue = Rc::new(Queue::unbounded());
    for _ in 0..2 {
        assert!(queue.put_nowait(Some(Nosy(Rc::clone(&queue)))).is_ok());
    }
    drop(queue.shutdown_now());
    assert_eq!(Rc::strong_count(&queue), 1);
}
