//! Random programs, in virtual time, against a model that has no stacks.
//!
//! The model is the loop's contract in a hundred lines: one queue, first in, first out; timers by
//! deadline, then by creation; hand-over of locks; a cancellation that wins over a wake-up. The
//! real program must leave the very trace that the model predicts, and where the model finds that
//! nothing can happen any more, corio must report a deadlock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use corio::{
    Deadlock, Error, Event, Lock, Promise, Result, SharedFuture, Task, create_future, create_task,
    sleep, task_group,
};
use corio_tests::{OnDrop, ms, now, virtual_run};
use proptest::prelude::*;

/// How many of each thing a program shares.
const SHARED: usize = 2;

#[derive(Clone, Copy, Debug)]
enum Operation {
    Sleep(u64),
    Lock(usize),
    Unlock(usize),
    Wait(usize),
    Set(usize),
    Clear(usize),
    Await(usize),
    Fulfil(usize),
    Cancel(usize),
}

/// What a task does, and whether it goes on when it is cancelled.
#[derive(Clone, Debug)]
struct Script {
    operations: Vec<Operation>,
    stubborn: bool,
}

fn programs() -> impl Strategy<Value = Vec<Script>> {
    let which = 0..SHARED;
    let operation = prop_oneof![
        4 => (0..4_u64).prop_map(Operation::Sleep),
        4 => which.clone().prop_map(Operation::Lock),
        2 => which.clone().prop_map(Operation::Unlock),
        2 => which.clone().prop_map(Operation::Wait),
        2 => which.clone().prop_map(Operation::Set),
        1 => which.clone().prop_map(Operation::Clear),
        2 => which.clone().prop_map(Operation::Await),
        1 => which.prop_map(Operation::Fulfil),
        3 => (0..6_usize).prop_map(Operation::Cancel),
    ];
    let script = (prop::collection::vec(operation, 0..8), any::<bool>())
        .prop_map(|(operations, stubborn)| Script { operations, stubborn });
    prop::collection::vec(script, 1..6)
}

/// What a program leaves behind.
#[derive(Debug, Default, PartialEq)]
struct Trace {
    /// Each operation that ended: when, whose, which and how.
    steps: Vec<(u64, usize, usize, bool)>,
    /// How each task ended, if it did.
    ended_well: Vec<Option<bool>>,
    deadlock: bool,
}

// The real thing.

struct World {
    locks: [Lock<()>; SHARED],
    holders: [Cell<u32>; SHARED],
    events: [Event; SHARED],
    futures: [(Promise<()>, SharedFuture<()>); SHARED],
    tasks: RefCell<Vec<Task<'static, ()>>>,
    trace: RefCell<Trace>,
    unfinished: Cell<usize>,
    finished: Event,
}

impl World {
    fn new(tasks: usize) -> Self {
        let future = || {
            let (promise, future) = create_future();
            (promise, future.shared())
        };
        Self {
            locks: [(); SHARED].map(Lock::new),
            holders: Default::default(),
            events: Default::default(),
            futures: [(); SHARED].map(|()| future()),
            tasks: RefCell::default(),
            trace: RefCell::new(Trace { ended_well: vec![None; tasks], ..Trace::default() }),
            unfinished: Cell::new(tasks),
            finished: Event::new(),
        }
    }

    fn play(&self, me: usize, script: Script) -> Result<()> {
        let began = now();
        let mut guards = [(); SHARED].map(|()| None);
        for (index, operation) in script.operations.into_iter().enumerate() {
            let mut answer = true;
            let result = match operation {
                Operation::Sleep(delay) => sleep(ms(delay)),
                Operation::Lock(which) if guards[which].is_some() => Ok(()),
                Operation::Lock(which) => self.locks[which].lock().map(|guard| {
                    let holders = &self.holders[which];
                    assert_eq!(holders.replace(1), 0, "two hold one lock");
                    guards[which] = Some((OnDrop(|| holders.set(0)), guard));
                }),
                Operation::Unlock(which) => {
                    guards[which] = None;
                    Ok(())
                }
                Operation::Wait(which) => self.events[which].wait(),
                Operation::Set(which) => {
                    self.events[which].set();
                    Ok(())
                }
                Operation::Clear(which) => {
                    self.events[which].clear();
                    Ok(())
                }
                Operation::Await(which) => self.futures[which].1.wait(),
                Operation::Fulfil(which) => {
                    answer = self.futures[which].0.set_result(()).is_ok();
                    Ok(())
                }
                Operation::Cancel(which) => {
                    answer = self.tasks.borrow().get(which).is_some_and(Task::cancel);
                    Ok(())
                }
            };
            let time = u64::try_from((now() - began).as_millis()).expect("it is short");
            let well = answer && result.is_ok();
            self.trace.borrow_mut().steps.push((time, me, index, well));
            match result {
                Err(error) if !error.is_cancelled() => return Err(error),
                Err(error) if !script.stubborn => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Plays a program on corio. Says also how often each task's closure was dropped.
fn play(scripts: &[Script]) -> (Trace, Vec<u32>) {
    let drops: Rc<Vec<Cell<u32>>> = Rc::new(scripts.iter().map(|_| Cell::new(0)).collect());
    let mut trace = Trace::default();
    let result = virtual_run(|| {
        let world = Rc::new(World::new(scripts.len()));
        for (me, script) in scripts.iter().cloned().enumerate() {
            let (mine, drops) = (Rc::clone(&world), Rc::clone(&drops));
            let guard = OnDrop(move || drops[me].set(drops[me].get() + 1));
            let task = create_task(move || {
                let _guard = guard;
                mine.play(me, script)
            });
            let ended = Rc::clone(&world);
            task.add_done_callback(move |outcome| {
                // Those that end while the loop is closed come after the trace was taken.
                if let Some(end) = ended.trace.borrow_mut().ended_well.get_mut(me) {
                    *end = Some(outcome.is_ok());
                }
                ended.unfinished.set(ended.unfinished.get() - 1);
                if ended.unfinished.get() == 0 {
                    ended.finished.set();
                }
            })?;
            world.tasks.borrow_mut().push(task);
        }
        let finished = world.finished.wait();
        trace = world.trace.take();
        let tasks = world.tasks.take();
        drop(tasks);
        finished
    });
    if let Err(error) = &result {
        assert!(error.downcast_ref::<Deadlock>().is_some(), "{error}");
        trace.deadlock = true;
    }
    (trace, drops.iter().map(Cell::get).collect())
}

// The model.

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Created,
    Ready,
    Running,
    Parked,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum For {
    Turn,
    Time,
    Lock(usize),
    Event(usize),
    Future(usize),
}

struct ModelTask {
    script: Script,
    next: usize,
    state: State,
    waits: Option<For>,
    /// A cancellation, delivered where the task resumes or waits next.
    cancelled: bool,
    notified: bool,
    held: [bool; SHARED],
}

#[derive(Default)]
struct Model {
    tasks: Vec<ModelTask>,
    ready: VecDeque<usize>,
    timers: Vec<(u64, usize)>,
    time: u64,
    locked: [bool; SHARED],
    lock_waiters: [VecDeque<usize>; SHARED],
    set: [bool; SHARED],
    event_waiters: [VecDeque<usize>; SHARED],
    /// Whether it went well, once it is done.
    futures: [Option<bool>; SHARED],
    future_waiters: [VecDeque<usize>; SHARED],
    trace: Trace,
}

impl Model {
    fn play(scripts: &[Script]) -> Trace {
        let mut model = Self::default();
        for (index, script) in scripts.iter().cloned().enumerate() {
            model.tasks.push(ModelTask {
                script,
                next: 0,
                state: State::Created,
                waits: None,
                cancelled: false,
                notified: false,
                held: Default::default(),
            });
            model.ready.push_back(index);
            model.trace.ended_well.push(None);
        }
        while model.tasks.iter().any(|task| task.state != State::Done) {
            match model.ready.pop_front() {
                Some(task) => model.step(task),
                None if model.timers.is_empty() => {
                    model.trace.deadlock = true;
                    break;
                }
                None => model.pass_time(),
            }
        }
        model.trace
    }

    fn pass_time(&mut self) {
        self.time = self.timers.iter().map(|timer| timer.0).min().expect("there is a timer");
        let time = self.time;
        let due: Vec<_> = self.timers.extract_if(.., |timer| timer.0 <= time).collect();
        for (_, task) in due {
            self.unpark(task);
        }
    }

    fn step(&mut self, me: usize) {
        let created = self.tasks[me].state == State::Created;
        self.tasks[me].state = State::Running;
        if created && std::mem::take(&mut self.tasks[me].cancelled) {
            return self.end(me, false);
        }
        if let Some(waits) = self.tasks[me].waits.take() {
            let well = self.resume(me, waits);
            if !self.ended(me, well) {
                return;
            }
        }
        while let Some(&operation) = self.tasks[me].script.operations.get(self.tasks[me].next) {
            match self.perform(me, operation) {
                None => return,
                Some(well) => {
                    if !self.ended(me, well) {
                        return;
                    }
                }
            }
        }
        let well = !std::mem::take(&mut self.tasks[me].cancelled);
        self.end(me, well);
    }

    /// Notes the end of an operation. Says whether the task goes on.
    fn ended(&mut self, me: usize, (well, result): (bool, bool)) -> bool {
        let task = &mut self.tasks[me];
        self.trace.steps.push((self.time, me, task.next, well));
        task.next += 1;
        if !result && !task.script.stubborn {
            self.end(me, false);
            return false;
        }
        true
    }

    fn end(&mut self, me: usize, well: bool) {
        for which in 0..SHARED {
            if std::mem::take(&mut self.tasks[me].held[which]) {
                self.release(which);
            }
        }
        self.tasks[me].state = State::Done;
        self.trace.ended_well[me] = Some(well);
    }

    /// How an operation ends, as (what it answers, what it returns); `None` if it has to wait.
    fn perform(&mut self, me: usize, operation: Operation) -> Option<(bool, bool)> {
        let done = |well| Some((well, true));
        match operation {
            Operation::Sleep(0) => {
                self.tasks[me].waits = Some(For::Turn);
                self.tasks[me].state = State::Ready;
                self.ready.push_back(me);
                None
            }
            Operation::Sleep(delay) => {
                self.timers.push((self.time + delay, me));
                self.park(me, For::Time)
            }
            Operation::Lock(which) if self.tasks[me].held[which] => done(true),
            Operation::Lock(which) => {
                if self.locked[which] {
                    self.lock_waiters[which].push_back(me);
                    return self.park(me, For::Lock(which));
                }
                self.locked[which] = true;
                self.tasks[me].held[which] = true;
                done(true)
            }
            Operation::Unlock(which) => {
                if std::mem::take(&mut self.tasks[me].held[which]) {
                    self.release(which);
                }
                done(true)
            }
            Operation::Wait(which) if self.set[which] => done(true),
            Operation::Wait(which) => {
                self.event_waiters[which].push_back(me);
                self.park(me, For::Event(which))
            }
            Operation::Set(which) => {
                self.set[which] = true;
                let waiters = std::mem::take(&mut self.event_waiters[which]);
                waiters.into_iter().for_each(|task| self.notify(task));
                done(true)
            }
            Operation::Clear(which) => {
                self.set[which] = false;
                done(true)
            }
            Operation::Await(which) => match self.futures[which] {
                Some(well) => Some((well, well)),
                None => {
                    self.future_waiters[which].push_back(me);
                    self.park(me, For::Future(which))
                }
            },
            Operation::Fulfil(which) => done(self.complete(which, true)),
            Operation::Cancel(which) => done(self.cancel(which)),
        }
    }

    fn park(&mut self, me: usize, waits: For) -> Option<(bool, bool)> {
        self.tasks[me].waits = Some(waits);
        self.tasks[me].state = State::Parked;
        if std::mem::take(&mut self.tasks[me].cancelled) {
            self.cancel(me);
        }
        None
    }

    fn resume(&mut self, me: usize, waits: For) -> (bool, bool) {
        let notified = std::mem::take(&mut self.tasks[me].notified);
        let cancelled = std::mem::take(&mut self.tasks[me].cancelled);
        if cancelled {
            self.leave(me, waits);
            if let For::Lock(which) = waits
                && notified
            {
                self.release(which);
            }
            return (false, false);
        }
        match waits {
            For::Lock(which) => {
                self.tasks[me].held[which] = true;
                (true, true)
            }
            For::Future(which) => {
                let well = self.futures[which].expect("it woke its waiter");
                (well, well)
            }
            For::Turn | For::Time | For::Event(_) => (true, true),
        }
    }

    /// Takes a task out of whatever queue it stands in.
    fn leave(&mut self, me: usize, waits: For) {
        match waits {
            For::Turn => {}
            For::Time => self.timers.retain(|timer| timer.1 != me),
            For::Lock(which) => self.lock_waiters[which].retain(|task| *task != me),
            For::Event(which) => self.event_waiters[which].retain(|task| *task != me),
            For::Future(which) => self.future_waiters[which].retain(|task| *task != me),
        }
    }

    fn release(&mut self, which: usize) {
        match self.lock_waiters[which].pop_front() {
            Some(next) => self.notify(next),
            None => self.locked[which] = false,
        }
    }

    fn complete(&mut self, which: usize, well: bool) -> bool {
        if self.futures[which].is_some() {
            return false;
        }
        self.futures[which] = Some(well);
        let waiters = std::mem::take(&mut self.future_waiters[which]);
        waiters.into_iter().for_each(|task| self.notify(task));
        true
    }

    fn notify(&mut self, task: usize) {
        self.tasks[task].notified = true;
        self.unpark(task);
    }

    fn unpark(&mut self, task: usize) {
        if self.tasks[task].state == State::Parked {
            self.tasks[task].state = State::Ready;
            self.ready.push_back(task);
        }
    }

    fn cancel(&mut self, which: usize) -> bool {
        let Some(task) = self.tasks.get_mut(which) else { return false };
        match (task.state, task.waits) {
            (State::Done, _) => return false,
            (State::Parked, Some(For::Future(future))) => {
                self.complete(future, false);
            }
            _ => {
                task.cancelled = true;
                self.unpark(which);
            }
        }
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_program_leaves_the_trace_that_the_model_predicts(scripts in programs()) {
        let expected = Model::play(&scripts);
        let (trace, drops) = play(&scripts);
        prop_assert_eq!(trace, expected);
        prop_assert_eq!(drops, vec![1; scripts.len()], "each closure goes once");
    }
}

/// A task of a random tree of groups.
#[derive(Clone, Debug)]
struct Node {
    delay: u64,
    cleanup: u64,
    ending: Ending,
    children: Vec<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Well,
    Failing,
    Cancelled,
}

fn trees() -> impl Strategy<Value = Node> {
    let ending = prop_oneof![
        6 => Just(Ending::Well),
        1 => Just(Ending::Failing),
        1 => Just(Ending::Cancelled),
    ];
    let leaf = (0..5_u64, 0..3_u64, ending.clone()).prop_map(|(delay, cleanup, ending)| Node {
        delay,
        cleanup,
        ending,
        children: Vec::new(),
    });
    leaf.prop_recursive(3, 24, 4, move |node| {
        (0..5_u64, 0..3_u64, ending.clone(), prop::collection::vec(node, 0..4)).prop_map(
            |(delay, cleanup, ending, children)| Node { delay, cleanup, ending, children },
        )
    })
}

/// Counts of what happened in a tree.
#[derive(Debug, Default)]
struct Counts {
    alive: Cell<u32>,
    failed: Cell<usize>,
}

fn grow(node: &Node, counts: &Counts) -> Result<()> {
    counts.alive.set(counts.alive.get() + 1);
    let _gone = OnDrop(|| {
        let _ = sleep(ms(node.cleanup));
        counts.alive.set(counts.alive.get() - 1);
    });
    let before = counts.alive.get();
    assert!(before > 0);
    let below = Cell::new(0);
    let result = task_group(|group| {
        for child in &node.children {
            let below = &below;
            let task = group.create_task(move || {
                below.set(below.get() + 1);
                let _gone = OnDrop(|| below.set(below.get() - 1));
                grow(child, counts)
            });
            if child.ending == Ending::Cancelled {
                sleep(ms(1))?;
                task.cancel();
            }
        }
        sleep(ms(node.delay))
    });
    assert_eq!(below.get(), 0, "a child outlived its group");
    result?;
    if node.ending == Ending::Failing {
        counts.failed.set(counts.failed.get() + 1);
        return Err(Error::msg("failing"));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]

    /// No child outlives its group, every failure is in the tree of errors, and nothing stays.
    #[test]
    fn a_tree_of_groups_ends_with_every_failure_and_no_child_left(tree in trees()) {
        let counts = Counts::default();
        let result = virtual_run(|| {
            let result = grow(&tree, &counts);
            assert_eq!(corio::get_running_loop()?.statistics().tasks, 1);
            assert_eq!(corio::current_task()?.cancelling(), 0);
            result
        });
        prop_assert_eq!(counts.alive.get(), 0);
        let failures = match &result {
            Ok(()) => 0,
            Err(error) => error.group().map_or(1, |group| group.leaves().count()),
        };
        prop_assert_eq!(failures, counts.failed.get());
    }
}
