//! A task of a program at work.
//!
//! asyncio raises what corio returns: a block that is left early returns an error, or the value
//! that its task is to end with.

use std::cell::RefCell;
use std::fmt::Display;
use std::rc::Rc;
use std::slice;
use std::time::Duration;

use corio::{
    Cancelled, Error, Result, SharedTask, TaskGroup, Timeout, as_completed, current_task, gather,
    gather_results, shield, sleep, task_group, wait, wait_for,
};

use super::interpreter::Interpreter;
use super::objects::Guard;
use super::program::{Call, ObjectCall, Statement, TaskCall, Try};
use super::trace::{GroupIsClosed, UserError, Value, outcome, outcome_of};

/// A task at work.
pub(super) struct Body<'a> {
    interpreter: &'a Rc<Interpreter>,
    name: &'a str,
    /// What the `with` blocks hold that the task is in, innermost last.
    guards: RefCell<Vec<(&'a str, Guard<'a>)>>,
}

/// What surrounds a statement.
#[derive(Clone, Copy, Default)]
struct Scope<'a> {
    /// Starts a task in the innermost group.
    start_in_group: Option<&'a Start<'a>>,
    /// What the innermost handler caught.
    caught: Option<&'a Error>,
}

type Start<'a> = dyn Fn(&str) -> Result<()> + 'a;

/// What a statement comes to if it raises nothing.
enum Flow {
    Next,
    Return(Value),
}

impl<'a> Body<'a> {
    pub(super) fn new(interpreter: &'a Rc<Interpreter>, name: &'a str) -> Self {
        Self { interpreter, name, guards: RefCell::default() }
    }

    /// Runs the task's statements; logs how that ended.
    pub(super) fn run(&self, statements: &'a [Statement]) -> Result<Value> {
        let result = self.block(statements, Scope::default()).map(|flow| match flow {
            Flow::Next => Value::None,
            Flow::Return(value) => value,
        });
        self.log_outcome(&["end"], &result);
        result
    }

    fn block(&self, statements: &'a [Statement], scope: Scope<'_>) -> Result<Flow> {
        for statement in statements {
            if self.interpreter.recorder.is_halted() {
                return Err(Cancelled::new().into());
            }
            if let Flow::Return(value) = self.statement(statement, scope)? {
                return Ok(Flow::Return(value));
            }
        }
        Ok(Flow::Next)
    }

    fn statement(&self, statement: &'a Statement, scope: Scope<'_>) -> Result<Flow> {
        match statement {
            Statement::Log(text) => self.log(&["log", text]),
            Statement::Return(value) => return Ok(Flow::Return(*value)),
            Statement::Raise(name) => return Err(UserError(name.clone()).into()),
            Statement::Reraise => {
                let caught = scope.caught.cloned();
                return Err(caught.unwrap_or_else(|| Error::msg("nothing was caught")));
            }
            Statement::Spawn(task) => drop(self.interpreter.task(task)),
            Statement::GroupSpawn(task) => match scope.start_in_group {
                Some(start) => start(task)?,
                None => return Err(Error::msg("there is no group")),
            },
            Statement::AsCompleted { tasks, limit } => self.as_completed(tasks, *limit)?,
            Statement::Timeout(limit, block) => return self.timeout(*limit, block, scope),
            Statement::Group(block) => return self.group(block, scope),
            Statement::Try(statement) => return self.try_(statement, scope),
            Statement::With(name, block) => return self.with(name, block, scope),
            Statement::Call { operation, label, call } => {
                let result = self.call(call);
                self.log_outcome(&[operation, label], &result);
                drop(result?);
            }
        }
        Ok(Flow::Next)
    }

    /// Does something; gives what is to be logged.
    fn call(&self, call: &Call) -> Result<String> {
        let value = match call {
            Call::Sleep(delay) => {
                sleep(*delay)?;
                Value::None
            }
            Call::Uncancel => Value::count(current_task()?.uncancel()),
            Call::Cancelling => Value::count(current_task()?.cancelling()),
            Call::Task(name, call) => self.call_task(name, *call)?,
            Call::Gather { tasks, return_exceptions } => {
                return self.awaiting(tasks, || self.gather(tasks, *return_exceptions));
            }
            Call::Wait { tasks, until, limit } => {
                let (done, _) = wait(self.tasks(tasks), *until, *limit)?;
                let mut names: Vec<_> = done.iter().map(SharedTask::name).collect();
                names.sort();
                return Ok(names.join(","));
            }
            Call::Object(name, call) => self.call_object(name, call)?,
        };
        Ok(value.to_string())
    }

    fn gather(&self, names: &[String], return_exceptions: bool) -> Result<String> {
        let tasks = self.tasks(names);
        let outcomes: Vec<_> = match return_exceptions {
            true => gather_results(tasks)?.iter().map(outcome).collect(),
            false => gather(tasks)?.iter().map(Value::to_string).collect(),
        };
        Ok(outcomes.join(";"))
    }

    fn call_task(&self, name: &String, call: TaskCall) -> Result<Value> {
        let task = self.interpreter.task(name);
        match call {
            TaskCall::Await => self.awaiting(slice::from_ref(name), || task.wait()),
            TaskCall::Shield => shield(&task),
            TaskCall::Cancel => Ok(Value::Bool(task.cancel())),
            TaskCall::Done => Ok(Value::Bool(task.done())),
            TaskCall::Cancelled => Ok(Value::Bool(task.cancelled())),
            TaskCall::WaitFor(limit) => {
                self.awaiting(slice::from_ref(name), || wait_for(&task, limit))
            }
        }
    }

    fn call_object(&self, name: &str, call: &ObjectCall) -> Result<Value> {
        if !matches!(call, ObjectCall::WaitCondition | ObjectCall::Notify(_)) {
            return self.interpreter.object(name)?.call(call);
        }
        // Nobody else looks at the guards of this task, so they may be borrowed while it waits.
        let mut guards = self.guards.borrow_mut();
        match guards.iter_mut().find(|(held, _)| *held == name) {
            Some((_, guard)) => guard.call(call),
            None => Err(Error::msg(format!("{name} is not held"))),
        }
    }

    /// Runs `wait`, in which the tasks with these names are cancelled if this one is.
    fn awaiting<T>(&self, names: &[String], wait: impl FnOnce() -> T) -> T {
        self.interpreter.recorder.while_awaiting(self.name, names, wait)
    }

    fn tasks(&self, names: &[String]) -> Vec<SharedTask<'static, Value>> {
        names.iter().map(|name| self.interpreter.task(name)).collect()
    }

    fn as_completed(&self, names: &[String], limit: Option<Duration>) -> Result<()> {
        let log_each = || {
            for task in as_completed(self.tasks(names), limit)? {
                self.log(&["as_completed", &task?.name(), "ready"]);
            }
            Ok(())
        };
        log_each().inspect_err(|error| self.log_error(&["as_completed", ""], error))
    }

    fn timeout(&self, limit: Duration, block: &'a [Statement], scope: Scope<'_>) -> Result<Flow> {
        let timeout = Timeout::after(limit);
        let result = timeout.run(|| self.block(block, scope));
        let expired = if timeout.expired() { "expired:True" } else { "expired:False" };
        self.log_end_of_block(&["timeout", expired], &result);
        result
    }

    fn group(&self, block: &'a [Statement], scope: Scope<'_>) -> Result<Flow> {
        let result = task_group(|group| {
            let start = |name: &str| self.start_in_group(group, name);
            self.block(block, Scope { start_in_group: Some(&start), ..scope })
        });
        self.log_end_of_block(&["group", ""], &result);
        result
    }

    /// Starts a task as a child of `group`, if it is not started.
    fn start_in_group<'scope>(
        &self,
        group: &'scope TaskGroup<'scope, '_>,
        name: &str,
    ) -> Result<()> {
        if self.interpreter.is_started(name) {
            return Ok(());
        }
        let task =
            self.interpreter.start(name, |options, body| group.create_task_with(options, body));
        // It has not run yet: the group would not have it.
        if task.done() { Err(GroupIsClosed.into()) } else { Ok(()) }
    }

    fn try_(&self, statement: &'a Try, scope: Scope<'_>) -> Result<Flow> {
        let result = self.block(&statement.body, scope).or_else(|error| {
            let cancelled = error.is_cancelled();
            let handler = if cancelled { &statement.cancelled } else { &statement.error };
            match handler {
                Some(block) => self.block(block, Scope { caught: Some(&error), ..scope }),
                None => Err(error),
            }
        });
        self.block(&statement.finally, scope)?;
        result
    }

    fn with(&self, name: &'a str, block: &'a [Statement], scope: Scope<'_>) -> Result<Flow> {
        let acquired = self.interpreter.object(name).and_then(|object| object.acquire());
        let guard = acquired.inspect_err(|error| self.log_error(&["with", name], error))?;
        self.log(&["with", name, "acquired"]);
        self.guards.borrow_mut().push((name, guard));
        let result = self.block(block, scope);
        let released = self.guards.borrow_mut().pop();
        drop(released);
        self.log(&["with", name, "released"]);
        result
    }

    /// Logs how a block ended; if its task is to end, not with what.
    fn log_end_of_block(&self, words: &[&str], result: &Result<Flow>) {
        match result {
            Ok(_) => self.log(&[words, &["ok"]].concat()),
            Err(error) => self.log_error(words, error),
        }
    }

    fn log_outcome(&self, words: &[&str], result: &Result<impl Display>) {
        match result {
            Ok(value) => self.log(&[words, &[&value.to_string()]].concat()),
            Err(error) => self.log_error(words, error),
        }
    }

    fn log_error(&self, words: &[&str], error: &Error) {
        self.interpreter.recorder.look_for_a_deadlock(error);
        self.log(&[words, &[&outcome_of(error)]].concat());
    }

    fn log(&self, words: &[&str]) {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        self.interpreter.recorder.record(self.name, words);
    }
}
