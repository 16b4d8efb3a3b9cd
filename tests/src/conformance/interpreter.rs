//! Runs a program on corio.
//!
//! A program that deadlocks on corio has failed: from then on nothing is logged, and every
//! statement is cancelled, so that the program ends.

use std::any::Any;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use corio::{
    Error, Result, Runner, SharedTask, Task, TaskOptions, create_task_with, current_task,
    get_running_loop, sleep,
};

use super::body::Body;
use super::objects::Object;
use super::program::{MAIN, Program};
use super::recorder::{Recorder, Tasks};
use super::trace::{Trace, Value};

/// What a program leaves behind.
#[derive(Debug)]
pub struct Run {
    /// What its tasks did.
    pub trace: Trace,
    /// Why it did not come to its end, if so.
    pub broken_off: Option<String>,
}

/// Runs a program on a loop with a virtual clock, and then whatever it leaves running.
pub fn run(program: &Rc<Program>) -> Run {
    let interpreter = OnceCell::new();
    let ran = catch_unwind(AssertUnwindSafe(|| run_to_the_end(program, &interpreter)));
    let (mut trace, mut broken_off) = (Trace::new(), None);
    if let Some(interpreter) = interpreter.get() {
        (trace, broken_off) = interpreter.recorder.take();
        interpreter.note_failures();
    }
    match ran {
        Ok(Ok(())) => {}
        Ok(Err(error)) => broken_off = Some(format!("it could not be run: {error}")),
        Err(panic) => broken_off = Some(format!("it panicked: {}", message_of(&*panic))),
    }
    Run { trace, broken_off }
}

fn run_to_the_end(program: &Rc<Program>, interpreter: &OnceCell<Rc<Interpreter>>) -> Result<()> {
    let mut runner = Runner::with_virtual_clock()?;
    let ended = runner.run(|| {
        current_task()?.set_name(MAIN);
        get_running_loop()?.set_exception_handler(|_| {});
        let new = Rc::new(Interpreter::new(Rc::clone(program))?);
        interpreter.get_or_init(|| new).run_main()
    });
    match interpreter.get() {
        // How the main task ended is in its trace.
        Some(_) => Ok(()),
        None => ended.map(drop),
    }
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| Some(panic.downcast_ref::<String>()?)).unwrap_or("(no text)")
}

/// What a task is to run.
type TaskBody = Box<dyn FnOnce() -> Result<Value>>;

/// What all tasks of a program share.
pub(super) struct Interpreter {
    program: Rc<Program>,
    objects: BTreeMap<String, Object>,
    /// Those that were started.
    tasks: RefCell<Tasks>,
    pub(super) recorder: Recorder,
}

impl Interpreter {
    fn new(program: Rc<Program>) -> Result<Self> {
        let object = |(name, (kind, argument)): (&String, &(String, usize))| {
            Ok((name.clone(), Object::new(kind, *argument)?))
        };
        Ok(Self {
            objects: program.objects.iter().map(object).collect::<Result<_>>()?,
            tasks: RefCell::default(),
            recorder: Recorder::new()?,
            program,
        })
    }

    /// Does what the task with this name does.
    fn run_task(self: &Rc<Self>, name: &str) -> Result<Value> {
        Body::new(self, name).run(&self.program.tasks[name])
    }

    /// Does what the main task does.
    fn run_main(self: &Rc<Self>) -> Result<Value> {
        let interpreter = Rc::clone(self);
        let options = TaskOptions::new().name(Recorder::CLOSING);
        let closing = move || interpreter.recorder.close(&interpreter.tasks);
        drop(create_task_with(options, closing));
        sleep(Duration::ZERO)?; // so that it has begun, come what may
        self.run_task(MAIN)
    }

    /// The task with this name, which is started if it is not.
    pub(super) fn task(self: &Rc<Self>, name: &str) -> SharedTask<'static, Value> {
        let started = self.tasks.borrow().get(name).cloned();
        started.unwrap_or_else(|| self.start(name, |options, body| create_task_with(options, body)))
    }

    /// Starts the task with this name by `create`, which may refuse.
    pub(super) fn start(
        self: &Rc<Self>,
        name: &str,
        create: impl FnOnce(TaskOptions, TaskBody) -> Task<'static, Value>,
    ) -> SharedTask<'static, Value> {
        let (interpreter, its_name) = (Rc::clone(self), name.to_owned());
        let body = Box::new(move || interpreter.run_task(&its_name));
        let task = create(TaskOptions::new().name(name), body).shared();
        if !task.done() {
            self.tasks.borrow_mut().insert(name.to_owned(), task.clone());
        }
        task
    }

    pub(super) fn is_started(&self, name: &str) -> bool {
        self.tasks.borrow().contains_key(name)
    }

    pub(super) fn object(&self, name: &str) -> Result<&Object> {
        self.objects.get(name).ok_or_else(|| Error::msg(format!("there is no object {name}")))
    }

    /// Keeps failures from being reported: they are in the trace.
    fn note_failures(&self) {
        for task in self.tasks.borrow().values() {
            drop(task.exception());
        }
    }
}
