//! `switch`: into a coroutine and back out, nothing else.
//!
//! One operation is one resume and one yield, of a coroutine or generator that yields for ever. It is made outside the
//! measured time. The coroutine and what comes out of it go through `black_box` at each resume, so that nobody's body is
//! optimised away, nor kept in registers as no coroutine that is stored somewhere could be.
//! - `switch`: no values either way;
//! - `switch/values`: a `u64` in and a `u64` out;
//! - `switch/next`: a generator as an `Iterator` of `u64`;
//! - `switch/send`: a generator's `send`.
//!
//! corosensei and generator-rs are stackful, as corio is: their bodies may yield from any depth of calls. genawaiter and
//! async-stream are compiled to state machines, which yield from their own body only, and which the compiler
//! may inline into the loop that resumes them; they show what depth costs. genawaiter is measured in the form that is kept
//! on the heap (`rc`), which can be returned and stored as a `Generator` can, and in the one that is pinned to the
//! caller's stack (`stack`), its fastest.

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use futures_lite::Stream;
use genawaiter::stack::let_gen_using;
use generator::{Generator, Gn};

use crate::harness::{Bench, Comparison, Result, Session, time};

pub(crate) const BENCH: Bench = Bench {
    name: "switch",
    about: "one resume and one yield: plain, with values, a generator's next and send",
    run,
    child: None,
};

fn run(session: &Session) -> Result<()> {
    Comparison::new("switch", "resume and yield")
        .reference("corosensei")
        .case("corio", |n| corio(n, ()))
        .case("corosensei", |n| corosensei(n, ()))
        .case("generator-rs", |n| generator_rs(n, ()))
        .case("genawaiter-rc", |n| genawaiter_rc(n, ()))
        .case("genawaiter-stack", |n| genawaiter_stack(n, ()))
        .case("async-stream", |n| async_stream(n, ()))
        .run(session);
    Comparison::new("switch/values", "resume and yield, a u64 each way")
        .reference("corosensei")
        .case("corio", |n| corio(n, 1_u64))
        .case("corosensei", |n| corosensei(n, 1_u64))
        .case("generator-rs", |n| generator_rs(n, 1_u64))
        .case("genawaiter-rc", |n| genawaiter_rc(n, 1_u64))
        .case("genawaiter-stack", |n| genawaiter_stack(n, 1_u64))
        .run(session);
    Comparison::new("switch/next", "a generator's next")
        .reference("generator-rs")
        .case("corio", corio_next)
        .case("corosensei", |n| corosensei(n, 1_u64))
        .case("generator-rs", generator_rs_next)
        .case("genawaiter-rc", genawaiter_rc_next)
        .case("async-stream", |n| async_stream(n, 1_u64))
        .run(session);
    Comparison::new("switch/send", "a generator's send")
        .reference("generator-rs")
        .case("corio", corio_send)
        .case("corosensei", |n| corosensei(n, 1_u64))
        .case("generator-rs", |n| generator_rs(n, 1_u64))
        .case("genawaiter-rc", |n| genawaiter_rc(n, 1_u64))
        .run(session);
    Ok(())
}

/// Times `resume`, `iterations` times over.
fn repeat<C, T>(iterations: u64, mut coroutine: C, resume: impl Fn(&mut C) -> T) -> Duration {
    time(|| {
        for _ in 0..iterations {
            black_box(resume(black_box(&mut coroutine)));
        }
    })
}

fn corio<T: Copy + 'static>(iterations: u64, value: T) -> Duration {
    let coroutine = corio_coroutine::Coroutine::<T, T, ()>::new(|yielder, mut value| {
        loop {
            value = yielder.yield_(value);
        }
    });
    repeat(iterations, coroutine, |coroutine| coroutine.resume(value))
}

fn corio_next(iterations: u64) -> Duration {
    let values = corio_coroutine::Generator::new(|co| {
        for value in 0_u64.. {
            co.yield_(value);
        }
    });
    repeat(iterations, values, |values| values.next())
}

fn corio_send(iterations: u64) -> Duration {
    let generator = corio_coroutine::Generator::<u64, u64>::two_way(|co| {
        let mut value = 0;
        loop {
            value = co.yield_(value);
        }
    });
    generator.start().expect("it is fresh");
    repeat(iterations, generator, |generator| generator.send(1))
}

fn corosensei<T: Copy + 'static>(iterations: u64, value: T) -> Duration {
    let coroutine = corosensei::Coroutine::<T, T, ()>::new(|yielder, mut value| {
        loop {
            value = yielder.suspend(value);
        }
    });
    repeat(iterations, coroutine, |coroutine| coroutine.resume(value))
}

fn generator_rs<T: Copy + Send + 'static>(iterations: u64, value: T) -> Duration {
    let mut generator: Generator<'static, T, T> = Gn::new_scoped(move |mut scope| {
        let mut value = value;
        while let Some(sent) = scope.yield_(value) {
            value = sent;
        }
        value
    });
    generator.resume(); // to the first yield, which is the first to take what is sent
    repeat(iterations, generator, |generator| generator.send(value))
}

fn generator_rs_next(iterations: u64) -> Duration {
    let values = Gn::new_scoped(|mut scope| {
        for value in 0.. {
            scope.yield_(value);
        }
        0
    });
    repeat(iterations, values, |values| values.next())
}

fn genawaiter_rc<T: Copy>(iterations: u64, value: T) -> Duration {
    let generator = genawaiter::rc::Gen::<T, T, _>::new(|co| async move {
        let mut value = value;
        loop {
            value = co.yield_(value).await;
        }
    });
    repeat(iterations, generator, |generator| generator.resume_with(value))
}

fn genawaiter_rc_next(iterations: u64) -> Duration {
    let generator = genawaiter::rc::Gen::new(|co| async move {
        for value in 0_u64.. {
            co.yield_(value).await;
        }
    });
    let values = generator.into_iter();
    repeat(iterations, values, |values| values.next())
}

fn genawaiter_stack<T: Copy + Default>(iterations: u64, value: T) -> Duration {
    async fn body<T: Copy + Default>(co: genawaiter::stack::Co<'_, T, T>) {
        let mut value = T::default();
        loop {
            value = co.yield_(value).await;
        }
    }
    let_gen_using!(generator, body);
    repeat(iterations, generator, |generator| generator.resume_with(value))
}

fn async_stream<T: Copy>(iterations: u64, value: T) -> Duration {
    let stream = pin!(async_stream::stream! {
        loop {
            yield value;
        }
    });
    repeat(iterations, stream, |stream| {
        let mut context = Context::from_waker(Waker::noop());
        stream.as_mut().poll_next(&mut context)
    })
}
