//! Context variables: what tasks and callbacks see of what others have set.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::thread;

use corio::{
    Context, ContextVar, Error, Result, Runner, TaskOptions, all_tasks, copy_context,
    create_future, create_task, create_task_with, current_task, gather, get_running_loop, sleep,
    task_group,
};
use corio_coroutine::Generator;
use corio_tests::{Log, OnDrop, ms, panic_of, settle, virtual_run, yield_now};
use proptest::prelude::*;

static USER: ContextVar<String> = ContextVar::new("user");
static LEVEL: ContextVar<u32> = ContextVar::new("level").with_default(|| 1);

fn user() -> String {
    USER.get().unwrap_or_else(|error| error.name().to_uppercase())
}

#[test]
fn a_variable_that_is_not_set_has_its_default_or_says_so() -> Result<()> {
    assert_eq!(LEVEL.get(), Ok(1));
    let error = USER.get().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the context variable 'user' is not set here: set it before the task that asks is made, \
         or give it a default"
    );
    virtual_run(|| {
        assert_eq!(USER.get(), Err(error));
        LEVEL.set(2);
        assert_eq!(LEVEL.get()?, 2);
        Ok(())
    })
}

#[test]
fn a_task_runs_in_a_copy_of_its_creators_context() -> Result<()> {
    virtual_run(|| {
        USER.set("parent".into());
        let child = create_task(|| {
            let inherited = USER.get()?;
            USER.set("child".into());
            let grandchild = create_task(|| Ok(USER.get()?));
            yield_now()?;
            Ok((inherited, USER.get()?, grandchild.wait()?))
        });
        USER.set("parent, later".into());
        let (inherited, own, grandchild) = child.wait()?;
        assert_eq!([&*inherited, &*own, &*grandchild], ["parent", "child", "child"]);
        assert_eq!(USER.get()?, "parent, later");
        Ok(())
    })
}

#[test]
fn children_of_groups_and_gathers_inherit_from_whoever_makes_them() -> Result<()> {
    virtual_run(|| {
        USER.set("parent".into());
        let seen = gather([|| Ok(USER.get()?), || USER.scope("inner".into(), || Ok(USER.get()?))])?;
        assert_eq!(seen, ["parent", "inner"]);
        let seen = task_group(|group| {
            let maker = group.create_task(|| {
                USER.set("maker".into());
                Ok(group.create_task(|| Ok(USER.get()?)))
            });
            maker.wait()?.wait()
        })?;
        assert_eq!((seen, USER.get()?), ("maker".into(), "parent".into()));
        Ok(())
    })
}

#[test]
fn a_context_can_be_shared_by_tasks() -> Result<()> {
    virtual_run(|| {
        USER.set("parent".into());
        let context = copy_context();
        let (one, other) = (context.clone(), context.clone());
        let first = create_task(move || {
            one.run(|| {
                yield_now()?;
                USER.set("first".into());
                Ok(())
            })
        });
        let second = create_task(move || {
            other.run(|| {
                let before = USER.get()?;
                settle()?;
                Ok((before, USER.get()?))
            })
        });
        first.wait()?;
        assert_eq!(second.wait()?, ("parent".into(), "first".into()));
        assert_eq!((user(), context.run(user)), ("parent".into(), "first".into()));
        assert_eq!(
            (context.copy().run(user), Context::new().run(user)),
            ("first".into(), "USER".into())
        );
        Ok(())
    })
}

#[test]
fn a_tasks_own_context_can_be_had_by_others() -> Result<()> {
    virtual_run(|| {
        let task = create_task(|| {
            USER.set("own".into());
            settle()?;
            Ok(USER.get()?)
        });
        yield_now()?;
        let handle = all_tasks()?.pop().expect("it has not ended");
        assert_eq!(handle.context().run(user), "own");
        handle.context().run(|| USER.set("given".into()));
        assert_eq!((task.wait()?, user()), ("given".into(), "USER".into()));
        Ok(())
    })
}

#[test]
fn a_scope_ends_with_what_was_there_before_however_it_ends() -> Result<()> {
    virtual_run(|| {
        let ended: Result<()> = USER.scope("a".into(), || {
            assert_eq!(USER.scope("b".into(), || Ok(user()))?, "b");
            assert_eq!(user(), "a");
            USER.set("c".into());
            LEVEL.set(3);
            Err(Error::msg("no"))
        });
        assert!(ended.is_err());
        assert_eq!((user(), LEVEL.get()?), ("USER".into(), 3));
        let said = panic_of(|| USER.scope("d".into(), || -> Result<()> { panic!("{}", user()) }));
        assert_eq!((&*said, &*user()), ("d", "USER"));
        Ok(())
    })
}

#[test]
fn a_scope_may_wait_and_only_its_task_is_in_it() -> Result<()> {
    virtual_run(|| {
        let scoped = create_task(|| {
            USER.scope("scoped".into(), || {
                sleep(ms(2))?;
                Ok(user())
            })
        });
        sleep(ms(1))?;
        assert_eq!((user(), scoped.wait()?), ("USER".into(), "scoped".into()));
        Ok(())
    })
}

#[test]
fn a_scope_that_another_task_ends_is_undone_where_it_began() -> Result<()> {
    virtual_run(|| {
        let scoped = Rc::new(RefCell::new(Generator::new(|co| {
            let scoped = USER.scope("scoped".into(), || {
                co.yield_(());
                Ok(())
            });
            scoped.expect("nothing fails");
        })));
        let generator = Rc::clone(&scoped);
        let beginning = create_task(move || {
            generator.borrow_mut().next();
            let inside = user();
            settle()?;
            Ok((inside, user()))
        });
        yield_now()?;
        USER.set("other".into());
        assert_eq!(scoped.borrow_mut().next(), None);
        assert_eq!(user(), "other");
        assert_eq!(beginning.wait()?, ("scoped".into(), "USER".into()));
        Ok(())
    })
}

#[test]
fn callbacks_run_in_the_context_of_their_registration() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let noting = |what: &'static str| {
            let log = log.clone();
            move || {
                log.note(format!("{what}: {}", user()));
                USER.set("leaked".into());
            }
        };
        let event_loop = get_running_loop()?;
        let (promise, future) = create_future::<()>();
        let task = create_task(|| Ok(()));
        event_loop.call_soon(noting("nothing set"));
        for (name, delay) in [("a", 1), ("b", 2)] {
            USER.set(name.into());
            event_loop.call_soon(noting("soon"));
            event_loop.call_later(ms(delay), noting("later"));
            let note = noting("task");
            task.add_done_callback(move |_| note())?;
            let note = noting("future");
            future.add_done_callback(move |_| note())?;
        }
        USER.set("c".into());
        promise.set_result(())?;
        sleep(ms(3))?;
        assert_eq!(
            log.take(),
            [
                "nothing set: USER",
                "soon: a",
                "soon: b",
                "future: a",
                "future: b",
                "task: a",
                "task: b",
                "later: a",
                "later: b",
            ]
        );
        assert_eq!(user(), "c");
        Ok(())
    })
}

#[test]
fn a_task_made_by_a_callback_inherits_the_callbacks_context() -> Result<()> {
    virtual_run(|| {
        let seen = Rc::new(RefCell::new(String::new()));
        let sees = Rc::clone(&seen);
        USER.scope("registered".into(), || {
            get_running_loop()?.call_soon(move || {
                LEVEL.set(5);
                drop(create_task(move || {
                    sees.replace(format!("{} {}", user(), LEVEL.get()?));
                    Ok(())
                }));
            });
            settle()
        })?;
        assert_eq!((&*seen.take(), LEVEL.get()), ("registered 5", Ok(1)));
        Ok(())
    })
}

#[test]
fn the_exception_handler_runs_in_the_context_of_what_failed() -> Result<()> {
    virtual_run(|| {
        let log = Log::new();
        let notes = log.clone();
        get_running_loop()?.set_exception_handler(move |report| {
            notes.note(format!("{}: {}", user(), report.error()))
        });
        let failing = |name: &'static str| {
            move || {
                USER.set(name.into());
                Err::<(), _>(Error::msg("failed"))
            }
        };
        drop(create_task(failing("detached")));
        let kept = create_task(failing("kept"));
        get_running_loop()?.call_soon(|| {
            USER.set("callback".into());
            panic!("failed");
        });
        settle()?;
        drop(kept);
        assert_eq!(
            log.take(),
            ["detached: failed", "callback: task '(callback)' panicked: failed", "kept: failed"]
        );
        assert_eq!(user(), "USER");
        Ok(())
    })
}

#[test]
fn a_runner_begins_with_the_callers_context_and_keeps_its_own_from_run_to_run() -> Result<()> {
    USER.set("caller".into());
    let mut runner = Runner::with_virtual_clock()?;
    runner.run(|| {
        assert_eq!(USER.get()?, "caller");
        USER.set("first run".into());
        Ok(())
    })?;
    assert_eq!(USER.get()?, "caller");
    USER.set("caller, later".into());
    let seen = runner.run(|| Ok(create_task(|| Ok(USER.get()?)).wait()? + &USER.get()?))?;
    assert_eq!(seen, "first runfirst run");
    drop(runner);
    assert_eq!(USER.get()?, "caller, later");
    Ok(())
}

#[test]
fn a_context_goes_to_another_thread_without_what_must_stay() -> Result<()> {
    static LOCAL: ContextVar<Rc<Cell<u32>>> = ContextVar::local("local");
    virtual_run(|| {
        USER.set("sent".into());
        LOCAL.set(Rc::new(Cell::new(1)));
        let context = copy_context();
        assert_eq!(format!("{context:?}"), r#"Context(["user", "local"])"#);
        let context = context.to_send();
        assert_eq!(format!("{context:?}"), r#"SendContext(["user"])"#);
        let seen = thread::spawn(move || {
            let seen = context.run(|| (user(), LOCAL.get().is_err()));
            (seen, user())
        });
        assert_eq!(seen.join().expect("no panic"), (("sent".into(), true), "USER".into()));
        Ok(())
    })
}

#[test]
fn values_may_look_at_variables_while_they_are_cloned_and_dropped() -> Result<()> {
    /// Sets its own variable, whatever is done to it.
    struct Meddler(u32);
    impl Clone for Meddler {
        fn clone(&self) -> Self {
            MEDDLER.set(Rc::new(Self(self.0 + 10)));
            Self(self.0)
        }
    }
    impl Drop for Meddler {
        fn drop(&mut self) {
            LEVEL.set(LEVEL.get().map_or(0, |level| level + 1));
        }
    }
    static MEDDLER: ContextVar<Rc<Meddler>> = ContextVar::local("meddler");
    static CLONED: ContextVar<Meddler2> = ContextVar::local("cloned");
    struct Meddler2(u32);
    impl Clone for Meddler2 {
        fn clone(&self) -> Self {
            CLONED.set(Self(self.0 + 10));
            Self(self.0)
        }
    }
    virtual_run(|| {
        MEDDLER.set(Rc::new(Meddler(1)));
        MEDDLER.set(Rc::new(Meddler(2)));
        assert_eq!(LEVEL.get()?, 2);
        drop((*MEDDLER.get()?).clone());
        assert_eq!((MEDDLER.get()?.0, LEVEL.get()?), (12, 4));
        CLONED.set(Meddler2(0));
        assert_eq!([CLONED.get()?.0, CLONED.get()?.0], [0, 10]);
        Ok(())
    })
}

#[test]
fn a_context_goes_when_the_last_task_does_that_has_it() -> Result<()> {
    type Held = Rc<OnDrop<Box<dyn FnMut()>>>;
    static HELD: ContextVar<Held> = ContextVar::local("held");
    virtual_run(|| {
        let log = Log::new();
        let gone = log.clone();
        let task = create_task(move || {
            HELD.set(Rc::new(OnDrop(Box::new(move || gone.note("gone")))));
            Ok(create_task(settle))
        });
        let child = task.wait()?;
        assert!(log.take().is_empty());
        child.wait()?;
        assert_eq!(log.take(), ["gone"]);
        assert!(current_task()?.context().run(|| HELD.get().is_err()));
        Ok(())
    })
}

// A model of contexts: a map from variable to value for each task, copied when a task is made.

static X: ContextVar<u8> = ContextVar::new("x");
static Y: ContextVar<u8> = ContextVar::new("y");

fn variable(y: bool) -> &'static ContextVar<u8> {
    if y { &Y } else { &X }
}

type Model = BTreeMap<bool, u8>;

/// What one task does.
#[derive(Clone, Debug)]
enum Act {
    Set(bool, u8),
    Scope(bool, u8, Vec<Act>),
    /// In a copy of the context.
    Copied(Vec<Act>),
    /// Perhaps an eager one.
    Child(bool, Vec<Act>),
    Callback(Vec<Act>),
    Yield,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let simple = prop_oneof![
        3 => (any::<bool>(), any::<u8>()).prop_map(|(variable, value)| Act::Set(variable, value)),
        1 => Just(Act::Yield),
    ];
    let act = simple.prop_recursive(4, 40, 5, |act| {
        let acts = prop::collection::vec(act, 0..5);
        prop_oneof![
            (any::<bool>(), any::<u8>(), acts.clone())
                .prop_map(|(y, v, acts)| Act::Scope(y, v, acts)),
            acts.clone().prop_map(Act::Copied),
            (any::<bool>(), acts.clone()).prop_map(|(eager, acts)| Act::Child(eager, acts)),
            acts.prop_map(Act::Callback),
        ]
    });
    prop::collection::vec(act, 0..8)
}

fn check(model: &Model) {
    for y in [false, true] {
        assert_eq!(variable(y).get().ok(), model.get(&y).copied());
    }
}

fn perform(acts: Vec<Act>, model: &mut Model, can_wait: bool) -> Result<()> {
    for act in acts {
        check(model);
        match act {
            Act::Set(y, value) => {
                variable(y).set(value);
                model.insert(y, value);
            }
            Act::Scope(y, value, acts) => {
                let before = model.insert(y, value);
                variable(y).scope(value, || perform(acts, model, can_wait))?;
                match before {
                    Some(before) => model.insert(y, before),
                    None => model.remove(&y),
                };
            }
            Act::Copied(acts) => {
                let mut copy = model.clone();
                copy_context().run(|| perform(acts, &mut copy, can_wait))?;
            }
            Act::Child(eager, acts) => {
                let mut copy = model.clone();
                let options = TaskOptions::new().eager(eager);
                drop(create_task_with(options, move || perform(acts, &mut copy, true)));
            }
            Act::Callback(acts) => {
                let mut copy = model.clone();
                get_running_loop()?.call_soon(move || {
                    perform(acts, &mut copy, false).expect("nothing waits");
                });
            }
            Act::Yield if can_wait => yield_now()?,
            Act::Yield => {}
        }
    }
    check(model);
    Ok(())
}

proptest! {
    #[test]
    fn contexts_are_isolated(acts in acts()) {
        let failures = Rc::new(RefCell::new(Vec::new()));
        let failed = Rc::clone(&failures);
        virtual_run(move || {
            get_running_loop()?.set_exception_handler(move |report| {
                failed.borrow_mut().push(report.to_string());
            });
            perform(acts, &mut Model::new(), true)?;
            settle()
        }).expect("the main task ends");
        prop_assert_eq!(failures.take(), Vec::<String>::new());
    }
}
