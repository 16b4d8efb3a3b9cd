//! `create`: a coroutine is made, runs to its end without a yield, and is dropped.
//!
//! With stacks that are used again, which is what a server or a generator in a loop has. corio's come from its pool;
//! corosensei is given the same stack each time, the least that can be done. corosensei with a
//! new stack each time (`corosensei-new`) is what a pool saves. generator-rs has no pool of its own: its plain form maps
//! a stack each time, and `generator-rs-init` gives new code to a finished generator, as may does for its coroutines. may
//! itself makes coroutines only through its scheduler, so its figure has a spawn and a join in it.

use std::time::Duration;

use corosensei::stack::DefaultStack;

use crate::{
    harness::{Bench, Comparison, Result, Session, time},
    peers,
};

pub(crate) const BENCH: Bench = Bench {
    name: "create",
    about: "create, run and drop a coroutine on a stack that is used again",
    run,
    child: None,
};

fn run(session: &Session) -> Result<()> {
    Comparison::new("create", "create, run to the end, drop")
        .reference("corosensei")
        .case("corio", corio)
        .case("corosensei", corosensei)
        .case("corosensei-new", corosensei_new)
        .case("generator-rs", generator_rs)
        .case("generator-rs-init", generator_rs_init)
        .case("may", may)
        .run(session);
    Ok(())
}

fn corio(iterations: u64) -> Duration {
    time(|| {
        for _ in 0..iterations {
            let mut coroutine = corio_coroutine::Coroutine::<(), (), ()>::new(|_, ()| ());
            coroutine.resume(());
        }
    })
}

fn corosensei(iterations: u64) -> Duration {
    let mut stack = DefaultStack::default();
    time(|| {
        for _ in 0..iterations {
            let mut coroutine =
                corosensei::Coroutine::<(), (), (), _>::with_stack(stack, |_, ()| ());
            coroutine.resume(());
            stack = coroutine.into_stack();
        }
    })
}

fn corosensei_new(iterations: u64) -> Duration {
    time(|| {
        for _ in 0..iterations {
            let mut coroutine = corosensei::Coroutine::<(), (), ()>::new(|_, ()| ());
            coroutine.resume(());
        }
    })
}

fn generator_rs(iterations: u64) -> Duration {
    time(|| {
        for _ in 0..iterations {
            let mut generator = generator::Gn::<()>::new_scoped(|_| ());
            generator.resume();
        }
    })
}

fn generator_rs_init(iterations: u64) -> Duration {
    let mut generator = generator::Gn::<()>::new_scoped(|_| ());
    generator.resume();
    time(|| {
        for _ in 0..iterations {
            generator.init_code(|| ());
            generator.resume();
        }
    })
}

fn may(iterations: u64) -> Duration {
    peers::in_may(move || {
        time(|| {
            for _ in 0..iterations {
                let coroutine = may::go!(|| ());
                coroutine.join().expect("the coroutine does not panic");
            }
        })
    })
}
