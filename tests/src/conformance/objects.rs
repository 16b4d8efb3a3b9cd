//! What the tasks of a program share: locks, events, queues, futures.

use corio::{
    Barrier, Condition, ConditionGuard, Error, Event, LifoQueue, Lock, LockGuard, Permit,
    PriorityQueue, Promise, Queue, Result, Semaphore, SharedFuture, create_future,
};
use corio_futures::queue::{BaseQueue, Storage};

use super::program::ObjectCall;
use super::trace::{UserError, Value};

/// Something that tasks share.
pub(super) enum Object {
    Future(Promise<Value>, SharedFuture<Value>),
    Lock(Lock),
    Event(Event),
    Condition(Condition),
    Semaphore(Semaphore),
    Barrier(Barrier),
    Queue(Queue<Value>),
    LifoQueue(LifoQueue<Value>),
    PriorityQueue(PriorityQueue<Value>),
}

/// What the body of a `with` holds.
#[expect(dead_code, reason = "most guards are there to be dropped")]
pub(super) enum Guard<'a> {
    Lock(LockGuard<'a, ()>),
    Permit(Permit<'a>),
    Condition(ConditionGuard<'a, ()>),
}

impl Object {
    /// An object of a kind, made with a number if that kind needs one.
    pub(super) fn new(kind: &str, argument: usize) -> Result<Self> {
        Ok(match kind {
            "future" => {
                let (promise, future) = create_future();
                Self::Future(promise, future.shared())
            }
            "lock" => Self::Lock(Lock::default()),
            "event" => Self::Event(Event::new()),
            "condition" => Self::Condition(Condition::default()),
            "semaphore" => Self::Semaphore(Semaphore::new(argument)),
            "barrier" => Self::Barrier(Barrier::new(argument)?),
            "queue" => Self::Queue(Queue::new(argument)),
            "lifo_queue" => Self::LifoQueue(LifoQueue::new(argument)),
            "priority_queue" => Self::PriorityQueue(PriorityQueue::new(argument)),
            _ => return Err(Error::msg(format!("there are no objects of the kind {kind}"))),
        })
    }

    pub(super) fn acquire(&self) -> Result<Guard<'_>> {
        match self {
            Self::Lock(lock) => lock.lock().map(Guard::Lock),
            Self::Semaphore(semaphore) => semaphore.acquire().map(Guard::Permit),
            Self::Condition(condition) => condition.lock().map(Guard::Condition),
            _ => Err(Error::msg("this cannot be acquired")),
        }
    }

    pub(super) fn call(&self, call: &ObjectCall) -> Result<Value> {
        match self {
            Self::Future(promise, future) => call_future(promise, future, call),
            Self::Lock(lock) => match call {
                ObjectCall::Locked => Ok(Value::Bool(lock.is_locked())),
                _ => Err(cannot("a lock", call)),
            },
            Self::Event(event) => call_event(event, call),
            Self::Condition(_) => Err(cannot("a condition that is not held", call)),
            Self::Semaphore(semaphore) => call_semaphore(semaphore, call),
            Self::Barrier(barrier) => call_barrier(barrier, call),
            Self::Queue(queue) => call_queue(queue, call),
            Self::LifoQueue(queue) => call_queue(queue, call),
            Self::PriorityQueue(queue) => call_queue(queue, call),
        }
    }
}

impl Guard<'_> {
    /// What only the one who holds the object can do.
    pub(super) fn call(&mut self, call: &ObjectCall) -> Result<Value> {
        match (self, call) {
            (Self::Condition(condition), ObjectCall::WaitCondition) => condition.wait()?,
            (Self::Condition(condition), ObjectCall::Notify(n)) => {
                condition.notify(*n);
                return Ok(Value::None);
            }
            _ => return Err(cannot("what is held", call)),
        }
        Ok(Value::Bool(true))
    }
}

fn call_future(
    promise: &Promise<Value>,
    future: &SharedFuture<Value>,
    call: &ObjectCall,
) -> Result<Value> {
    match call {
        ObjectCall::SetResult(value) => promise.set_result(*value)?,
        ObjectCall::SetError(name) => promise.set_exception(UserError(name.clone()))?,
        ObjectCall::CancelFuture => return Ok(Value::Bool(future.cancel())),
        ObjectCall::AwaitFuture => return future.wait(),
        _ => return Err(cannot("a future", call)),
    }
    Ok(Value::None)
}

fn call_event(event: &Event, call: &ObjectCall) -> Result<Value> {
    match call {
        ObjectCall::Set => event.set(),
        ObjectCall::Clear => event.clear(),
        ObjectCall::WaitEvent => {
            event.wait()?;
            return Ok(Value::Bool(true));
        }
        _ => return Err(cannot("an event", call)),
    }
    Ok(Value::None)
}

fn call_semaphore(semaphore: &Semaphore, call: &ObjectCall) -> Result<Value> {
    match call {
        ObjectCall::Locked => return Ok(Value::Bool(semaphore.is_locked())),
        ObjectCall::Release => semaphore.add_permits(1),
        _ => return Err(cannot("a semaphore", call)),
    }
    Ok(Value::None)
}

fn call_barrier(barrier: &Barrier, call: &ObjectCall) -> Result<Value> {
    match call {
        ObjectCall::WaitBarrier => return Ok(Value::count(barrier.wait()?)),
        ObjectCall::AbortBarrier => barrier.abort(),
        ObjectCall::ResetBarrier => barrier.reset(),
        _ => return Err(cannot("a barrier", call)),
    }
    Ok(Value::None)
}

fn call_queue<S: Storage<Item = Value>>(queue: &BaseQueue<S>, call: &ObjectCall) -> Result<Value> {
    match call {
        ObjectCall::Put(value) => queue.put(*value)?,
        ObjectCall::PutNowait(value) => queue.put_nowait(*value)?,
        ObjectCall::TaskDone => queue.task_done()?,
        ObjectCall::Join => queue.join()?,
        ObjectCall::Shutdown { immediate: false } => queue.shutdown(),
        ObjectCall::Shutdown { immediate: true } => drop(queue.shutdown_now()),
        ObjectCall::Get => return queue.get(),
        ObjectCall::GetNowait => return Ok(queue.get_nowait()?),
        ObjectCall::Qsize => return Ok(Value::count(queue.len())),
        _ => return Err(cannot("a queue", call)),
    }
    Ok(Value::None)
}

fn cannot(object: &str, call: &ObjectCall) -> Error {
    Error::msg(format!("{object} has no {call:?}"))
}
