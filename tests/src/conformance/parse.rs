//! Cases as they stand in a file.
//!
//! A statement is an array: `["sleep", 1000]`, `["try", [STATEMENT, …], {"finally": […]}]`. Whether
//! a name is that of a task is checked here; whether an object is of a kind that the statement can
//! do something with shows when it runs.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::rc::Rc;
use std::time::Duration;

use corio::{Error, Result, ReturnWhen};
use serde_json::{Map, Value as Json};

use super::program::{Block, Call, Case, MAIN, ObjectCall, Program, Statement, TaskCall, Try};
use super::trace::{Event, Value};

/// The cases in the text of a file.
///
/// # Errors
///
/// What is not as it should be.
pub(super) fn parse(text: &str) -> Result<Vec<Case>> {
    let json: Json = serde_json::from_str(text)?;
    list(&json)?.iter().map(case).collect()
}

fn case(json: &Json) -> Result<Case> {
    let name = string(&json["name"])?;
    let program = || {
        let tasks = Names(map(&json["tasks"])?);
        Ok(Program {
            objects: each(&json["objects"], object)?,
            tasks: each(&json["tasks"], |body| tasks.block(body))?,
        })
    };
    let program = within(&name, program())?;
    let trace = within(&name, each(&json["trace"], events))?;
    Ok(Case { name, program: Rc::new(program), trace })
}

/// `["queue", 2]`, `["lock", null]`
fn object(json: &Json) -> Result<(String, usize)> {
    let argument = if json[1].is_null() { 0 } else { count(&json[1])? };
    Ok((string(&json[0])?, argument))
}

/// `[[1000, "sleep", "", "ok"], …]`
fn events(json: &Json) -> Result<Vec<Event>> {
    let event = |json: &Json| match list(json)? {
        [at, words @ ..] => {
            let at = at.as_u64().ok_or_else(|| wrong("a time", at))?;
            Ok(Event { at, words: words.iter().map(string).collect::<Result<_>>()? })
        }
        [] => Err(wrong("an event", json)),
    };
    list(json)?.iter().map(event).collect()
}

/// The tasks that there are to be named.
struct Names<'a>(&'a Map<String, Json>);

impl Names<'_> {
    fn block(&self, json: &Json) -> Result<Block> {
        list(json)?.iter().map(|json| self.statement(json)).collect()
    }

    fn statement(&self, json: &Json) -> Result<Statement> {
        let argument = |at: usize| &json[at + 1];
        Ok(match string(&json[0])?.as_str() {
            "log" => Statement::Log(string(argument(0))?),
            "return" => Statement::Return(value(argument(0))?),
            "raise" => Statement::Raise(string(argument(0))?),
            "reraise" => Statement::Reraise,
            "spawn" => Statement::Spawn(self.task(argument(0))?),
            "group_spawn" => Statement::GroupSpawn(self.task(argument(0))?),
            "as_completed" => Statement::AsCompleted {
                tasks: self.tasks(argument(0))?,
                limit: limit(argument(1))?,
            },
            "timeout" => Statement::Timeout(micros(argument(0))?, self.block(argument(1))?),
            "group" => Statement::Group(self.block(argument(0))?),
            "with" => Statement::With(string(argument(0))?, self.block(argument(1))?),
            "try" => {
                let handler = |name: &str| argument(1).get(name).map(|json| self.block(json));
                Statement::Try(Box::new(Try {
                    body: self.block(argument(0))?,
                    cancelled: handler("cancelled").transpose()?,
                    error: handler("error").transpose()?,
                    finally: handler("finally").transpose()?.unwrap_or_default(),
                }))
            }
            operation => {
                let (label, call) = self.call(operation, json)?;
                Statement::Call { operation: operation.to_owned(), label, call }
            }
        })
    }

    /// A call, and what it is logged under.
    fn call(&self, operation: &str, json: &Json) -> Result<(String, Call)> {
        let argument = |at: usize| &json[at + 1];
        let task = |name, call| {
            let name = self.task(name)?;
            Ok((name.clone(), Call::Task(name, call)))
        };
        match operation {
            "sleep" => Ok((String::new(), Call::Sleep(micros(argument(0))?))),
            "uncancel" => Ok((String::new(), Call::Uncancel)),
            "cancelling" => Ok((String::new(), Call::Cancelling)),
            "await" => task(argument(0), TaskCall::Await),
            "shield" => task(argument(0), TaskCall::Shield),
            "cancel" => task(argument(0), TaskCall::Cancel),
            "done" => task(argument(0), TaskCall::Done),
            "cancelled" => task(argument(0), TaskCall::Cancelled),
            "wait_for" => task(argument(1), TaskCall::WaitFor(micros(argument(0))?)),
            "gather" => {
                let tasks = self.tasks(argument(0))?;
                let return_exceptions = truth(argument(1))?;
                Ok((tasks.join(","), Call::Gather { tasks, return_exceptions }))
            }
            "wait" => {
                let tasks = self.tasks(argument(0))?;
                let (until, limit) = (return_when(argument(1))?, limit(argument(2))?);
                Ok((tasks.join(","), Call::Wait { tasks, until, limit }))
            }
            _ => {
                let name = string(argument(0))?;
                let call = within(json, object_call(operation, argument(1)))?;
                Ok((name.clone(), Call::Object(name, call)))
            }
        }
    }

    fn task(&self, json: &Json) -> Result<String> {
        let name = string(json)?;
        if self.0.contains_key(&name) && name != MAIN {
            Ok(name)
        } else {
            Err(wrong("a task", json))
        }
    }

    fn tasks(&self, json: &Json) -> Result<Vec<String>> {
        list(json)?.iter().map(|json| self.task(json)).collect()
    }
}

fn object_call(operation: &str, argument: &Json) -> Result<ObjectCall> {
    Ok(match operation {
        "locked" => ObjectCall::Locked,
        "release" => ObjectCall::Release,
        "wait_condition" => ObjectCall::WaitCondition,
        "notify" => ObjectCall::Notify(count(argument)?),
        "set" => ObjectCall::Set,
        "clear" => ObjectCall::Clear,
        "wait_event" => ObjectCall::WaitEvent,
        "wait_barrier" => ObjectCall::WaitBarrier,
        "abort_barrier" => ObjectCall::AbortBarrier,
        "reset_barrier" => ObjectCall::ResetBarrier,
        "set_result" => ObjectCall::SetResult(value(argument)?),
        "set_error" => ObjectCall::SetError(string(argument)?),
        "cancel_future" => ObjectCall::CancelFuture,
        "await_future" => ObjectCall::AwaitFuture,
        "put" => ObjectCall::Put(value(argument)?),
        "get" => ObjectCall::Get,
        "put_nowait" => ObjectCall::PutNowait(value(argument)?),
        "get_nowait" => ObjectCall::GetNowait,
        "qsize" => ObjectCall::Qsize,
        "task_done" => ObjectCall::TaskDone,
        "join" => ObjectCall::Join,
        "shutdown" => ObjectCall::Shutdown { immediate: truth(argument)? },
        _ => return Err(Error::msg("no such statement")),
    })
}

fn return_when(json: &Json) -> Result<ReturnWhen> {
    match string(json)?.as_str() {
        "ALL_COMPLETED" => Ok(ReturnWhen::AllCompleted),
        "FIRST_COMPLETED" => Ok(ReturnWhen::FirstCompleted),
        "FIRST_EXCEPTION" => Ok(ReturnWhen::FirstException),
        _ => Err(wrong("a condition", json)),
    }
}

fn value(json: &Json) -> Result<Value> {
    match json {
        Json::Null => Ok(Value::None),
        Json::Bool(value) => Ok(Value::Bool(*value)),
        _ => json.as_i64().map(Value::Int).ok_or_else(|| wrong("a value", json)),
    }
}

fn limit(json: &Json) -> Result<Option<Duration>> {
    if json.is_null() { Ok(None) } else { micros(json).map(Some) }
}

fn micros(json: &Json) -> Result<Duration> {
    json.as_u64().map(Duration::from_micros).ok_or_else(|| wrong("microseconds", json))
}

fn count(json: &Json) -> Result<usize> {
    let number = json.as_u64().and_then(|number| number.try_into().ok());
    number.ok_or_else(|| wrong("a count", json))
}

fn truth(json: &Json) -> Result<bool> {
    json.as_bool().ok_or_else(|| wrong("true or false", json))
}

fn string(json: &Json) -> Result<String> {
    json.as_str().map(str::to_owned).ok_or_else(|| wrong("a text", json))
}

fn list(json: &Json) -> Result<&[Json]> {
    json.as_array().map(Vec::as_slice).ok_or_else(|| wrong("a list", json))
}

fn map(json: &Json) -> Result<&Map<String, Json>> {
    json.as_object().ok_or_else(|| wrong("an object", json))
}

/// The members of an object, by name.
fn each<T>(json: &Json, parse: impl Fn(&Json) -> Result<T>) -> Result<BTreeMap<String, T>> {
    let parse = |(name, json): (&String, _)| Ok((name.clone(), within(name, parse(json))?));
    map(json)?.iter().map(parse).collect()
}

/// Has an error say where it was found.
fn within<T>(place: impl Display, result: Result<T>) -> Result<T> {
    result.map_err(|error| Error::msg(format!("{place}: {error}")))
}

fn wrong(expected: &str, found: &Json) -> Error {
    Error::msg(format!("expected {expected}, found {found}"))
}
