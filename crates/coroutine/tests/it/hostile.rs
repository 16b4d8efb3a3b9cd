//! User code that panics or comes back where it is least expected: destructors, `Default`, `Into`.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::panic::{self, AssertUnwindSafe, panic_any, resume_unwind};
use std::process::Output;
use std::rc::Rc;
use std::thread;

use corio_coroutine::{
    Co, Coroutine, CoroutineState, Generator, GeneratorError, Interrupted, scope, statistics,
};

use crate::child::{errors, in_child};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new("bomb"));
    }
}

/// Counts its drops.
struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// Does something when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Calls `body`, catches its panic, and says what it was if it was words.
fn caught<A>(body: impl FnOnce() -> A) -> Result<A, Option<&'static str>> {
    panic::catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let words = payload.downcast_ref().copied();
        std::mem::forget(payload);
        words
    })
}

/// Calls `body` in a destructor of a thread that panics.
fn while_panicking(body: impl FnMut()) {
    let body = OnDrop(body);
    let payload = panic::catch_unwind(AssertUnwindSafe(move || {
        let _body = body;
        resume_unwind(Box::new("first"));
    }))
    .unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"first"));
    assert!(!thread::panicking());
}

#[track_caller]
fn survived(output: &Output) {
    assert!(output.status.success(), "{}: {}", output.status, errors(output));
}

/// Answers being closed with a payload that is a bomb.
fn spite(co: &Co<u32>) {
    let _ = co.try_yield(1);
    resume_unwind(Box::new(Bomb));
}

#[test]
fn a_scope_ends_all_although_payloads_are_bombs() {
    let output = in_child("hostile::a_scope_ends_all_although_payloads_are_bombs", || {
        let ended = Cell::new(0);
        let result = caught(|| {
            scope(|s| {
                for _ in 0..2 {
                    let first = s.generator(|co| {
                        let _ended = OnDrop(|| ended.set(ended.get() + 1));
                        co.yield_(1);
                    });
                    first.start().unwrap();
                    std::mem::forget(first);
                    for _ in 0..3 {
                        let bomb = s.generator(spite);
                        bomb.start().unwrap();
                        std::mem::forget(bomb);
                    }
                }
            });
        });
        assert_eq!((result, ended.get()), (Err(None), 2));
    });
    survived(&output);
}

#[test]
fn a_scope_that_panics_drops_the_bombs_of_its_members() {
    let output = in_child("hostile::a_scope_that_panics_drops_the_bombs_of_its_members", || {
        let result = caught(|| {
            scope(|s| {
                let bomb = s.generator(spite);
                bomb.start().unwrap();
                std::mem::forget(bomb);
                resume_unwind(Box::new("body"));
            })
        });
        assert_eq!(result, Err(Some("body")));
    });
    survived(&output);
}

#[test]
fn a_delegates_return_value_may_be_a_bomb_when_it_is_closed() {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = seen.clone();
    let generator = Generator::<u32>::new(move |co| {
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            co.yield_from(Generator::<u32, (), Bomb>::new(|co| {
                let _ = co.try_yield(1);
                Bomb
            }))
            .map(std::mem::forget)
        }));
        log.borrow_mut().push(result.unwrap_err().downcast_ref::<&str>().copied());
    });
    generator.start().unwrap();
    assert_eq!(generator.close().unwrap(), Some(()));
    assert_eq!(*seen.borrow(), [Some("bomb")]);
}

#[test]
fn a_scope_forgets_no_body_that_still_stands() {
    let ended = Rc::new(Cell::new(0));
    let result = caught(|| {
        scope(|s| {
            let counted = Counted(ended.clone());
            let generator = s.generator(move |co: &Co<u32>| {
                let _counted = counted;
                let endless = Generator::<u32, (), Bomb>::new(|co| {
                    let _ = co.try_yield(1);
                    Bomb
                });
                std::mem::forget(co.yield_from(endless));
            });
            generator.start().unwrap();
            let _ = caught(|| generator.close());
            assert!(generator.is_done());
            std::mem::forget(generator);
            assert_eq!(ended.get(), 1);
            for _ in 0..20 {
                let other = s.generator(|co: &Co<u32>| co.yield_(1));
                other.start().unwrap();
                std::mem::forget(other);
            }
        });
    });
    assert_eq!((result, ended.get()), (Ok(()), 1));
}

thread_local! {
    static RETURN_TO: RefCell<Option<Rc<Generator<u32, Returning>>>> = const { RefCell::new(None) };
}

/// Its default goes on with a generator.
struct Returning;

impl Default for Returning {
    fn default() -> Self {
        if let Some(generator) = RETURN_TO.take() {
            generator.send(Returning).unwrap();
        }
        Self
    }
}

fn returning(body: impl FnOnce(&Co<u32, Returning>) + 'static) -> Rc<Generator<u32, Returning>> {
    let generator = Rc::new(Generator::two_way(body));
    generator.start().unwrap();
    RETURN_TO.set(Some(generator.clone()));
    generator
}

#[test]
fn a_default_may_come_back_to_the_generator() {
    let output = in_child("hostile::a_default_may_come_back_to_the_generator", || {
        let inner = || {
            Generator::two_way(|co: &Co<u32, Returning>| {
                co.yield_(2);
                co.yield_(3);
            })
        };
        // From a yield of its own into a delegate,
        let generator = returning(move |co| {
            co.yield_(1);
            co.yield_from(inner());
        });
        assert_eq!(generator.try_next().unwrap(), Some(3));
        // out of a delegate,
        let generator = returning(move |co| {
            co.yield_from(Generator::two_way(|co| {
                co.yield_(1);
            }));
            co.yield_(2);
            co.yield_(3);
        });
        assert_eq!(generator.try_next().unwrap(), Some(3));
        // and to the end.
        let generator = returning(|co| {
            co.yield_(1);
        });
        assert_eq!(generator.try_next().unwrap(), None);
        assert!(generator.is_done());
    });
    survived(&output);
}

#[test]
fn an_into_may_come_back_to_the_generator() {
    struct Closes(Rc<Generator<u32>>);
    impl From<Closes> for Box<dyn Error + Send + Sync> {
        fn from(closes: Closes) -> Self {
            closes.0.close().unwrap();
            "closed".into()
        }
    }
    let generator = Rc::new(Generator::new(|co| drop(co.try_yield(1))));
    generator.start().unwrap();
    let result = generator.throw(Closes(generator.clone()));
    assert!(matches!(result, Err(GeneratorError::Thrown(error)) if error.to_string() == "closed"));
}

#[test]
fn a_body_that_never_ran_may_panic_when_it_is_dropped() {
    let output = in_child("hostile::a_body_that_never_ran_may_panic_when_it_is_dropped", || {
        let drops = Rc::new(Cell::new(0));
        let before = statistics().live;
        let make = || {
            let captures = (Counted(drops.clone()), Bomb, Counted(drops.clone()));
            let large = [0_u8; 2000];
            move || {
                let _captures = &captures;
                std::hint::black_box(&large);
            }
        };
        let (small, large) = ((Counted(drops.clone()), Bomb), make());
        let co = Coroutine::<(), (), ()>::new(move |_, ()| drop(small));
        assert_eq!(caught(|| drop(co)), Err(Some("bomb")));
        let co = Coroutine::<(), (), ()>::new(move |_, ()| large());
        assert_eq!(caught(|| drop(co)), Err(Some("bomb")));
        let body = make();
        let generator = Generator::<u32>::new(move |_| body());
        assert_eq!(caught(|| drop(generator)), Err(Some("bomb")));
        let body = make();
        let generator = Generator::<u32>::new(move |_| body());
        assert_eq!(caught(|| generator.close()).err(), Some(Some("bomb")));
        assert!(generator.is_done());
        let (body, again) = (make(), make());
        let mut generators = Some((
            Generator::<u32>::new(move |_| body()),
            Coroutine::new(move |_: &_, ()| again()),
        ));
        while_panicking(|| {
            let pair: Option<(_, Coroutine<(), ()>)> = generators.take();
            drop(pair);
        });
        assert_eq!(drops.get(), 11);
        assert_eq!(statistics().live, before);
    });
    survived(&output);
}

#[test]
fn values_yielded_to_nobody_may_be_bombs() {
    let output = in_child("hostile::values_yielded_to_nobody_may_be_bombs", || {
        let drops = Rc::new(Cell::new(0));
        let counted = Counted(drops.clone());
        let mut stubborn = Coroutine::<(), Option<Bomb>, ()>::new(move |co, ()| {
            let _counted = counted;
            for value in [None, Some(Bomb), Some(Bomb), None] {
                let _ = caught(|| co.yield_(value));
            }
        });
        assert!(matches!(stubborn.resume(()), CoroutineState::Yielded(None)));
        assert_eq!(caught(|| drop(stubborn)), Err(Some("bomb")));
        assert_eq!(drops.get(), 1);
    });
    survived(&output);
}

#[test]
fn a_generator_dropped_during_a_panic_may_answer_with_a_bomb() {
    let output =
        in_child("hostile::a_generator_dropped_during_a_panic_may_answer_with_a_bomb", || {
            let generator = Generator::new(spite);
            generator.start().unwrap();
            let mut generator = Some(generator);
            while_panicking(|| drop(generator.take()));
        });
    survived(&output);
}

#[test]
fn throwing_in_from_a_panicking_thread_is_as_throwing_in_from_another() {
    let output = in_child(
        "hostile::throwing_in_from_a_panicking_thread_is_as_throwing_in_from_another",
        || {
            let tries = Generator::two_way(|co: &Co<u32>| {
                for number in 0..5 {
                    if let Err(Interrupted::Closed) = co.try_yield(number) {
                        break;
                    }
                }
            });
            let catches = Generator::two_way(|co: &Co<u32>| {
                assert!(caught(|| co.yield_(0)).is_err());
                co.yield_(1);
                co.yield_(2);
            });
            let delegates = Generator::two_way(|co: &Co<u32>| {
                let inner = Generator::new(|co| co.yield_(0));
                assert!(matches!(co.try_yield_from(inner), Err(Interrupted::Thrown(_))));
                co.yield_(1);
                co.yield_(2);
            });
            for generator in [tries, catches, delegates] {
                generator.start().unwrap();
                let mut result = None;
                while_panicking(|| result = Some(generator.throw("error")));
                assert!(matches!(result, Some(Ok(CoroutineState::Yielded(1)))), "{result:?}");
                assert_eq!(generator.send(()).unwrap(), CoroutineState::Yielded(2));
            }
        },
    );
    survived(&output);
}

#[test]
fn closing_from_a_panicking_thread_is_as_closing_from_another() {
    let output =
        in_child("hostile::closing_from_a_panicking_thread_is_as_closing_from_another", || {
            let generator = Generator::two_way(|co: &Co<u32>| {
                assert!(matches!(co.try_yield(1), Err(Interrupted::Closed)));
                co.yield_(2);
                3
            });
            generator.start().unwrap();
            let mut result = None;
            while_panicking(|| result = Some(generator.close()));
            assert!(matches!(result, Some(Err(GeneratorError::IgnoredClose))), "{result:?}");
            assert_eq!(generator.send(()).unwrap(), CoroutineState::Complete(3));
        });
    survived(&output);
}

#[test]
fn a_destructor_cannot_yield_when_a_panicking_thread_drops_its_generator() {
    let output = in_child(
        "hostile::a_destructor_cannot_yield_when_a_panicking_thread_drops_its_generator",
        || {
            let refused = Rc::new(Cell::new(false));
            let seen = refused.clone();
            let generator = Generator::new(move |co: &Co<u32>| {
                let _last = OnDrop(|| {
                    seen.set(matches!(co.try_yield(2), Err(Interrupted::Unwinding)));
                });
                co.yield_(1);
            });
            generator.start().unwrap();
            let mut generator = Some(generator);
            while_panicking(|| drop(generator.take()));
            assert!(refused.get());
        },
    );
    survived(&output);
}

#[test]
fn a_closed_body_may_delegate_to_clean_up() {
    let generator = Generator::<u32, (), Option<u32>>::new(|co| {
        let inner = Generator::<u32>::new(|co| co.yield_(1));
        assert!(matches!(co.try_yield_from(inner), Err(Interrupted::Closed)));
        co.try_yield_from(Generator::<u32, (), u32>::new(|_| 42)).unwrap()
    });
    generator.start().unwrap();
    assert_eq!(generator.close().unwrap(), Some(Some(42)));
}

#[test]
fn what_is_done_has_no_stack() {
    let before = statistics().live;
    let closed = Generator::new(|co| co.yield_(1));
    closed.start().unwrap();
    assert_eq!(closed.close().unwrap(), None);
    let panicked = Generator::<u32>::new(|_| resume_unwind(Box::new("words")));
    assert_eq!(caught(|| panicked.start()).err(), Some(Some("words")));
    let thrown = Generator::new(|co| co.yield_(1));
    thrown.start().unwrap();
    assert!(thrown.throw("error").is_err());
    assert!(closed.is_done() && panicked.is_done() && thrown.is_done());
    assert_eq!(statistics().live, before);
}

#[test]
fn values_yielded_to_nobody_are_dropped() {
    let (made, drops) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (count, counts) = (made.clone(), drops.clone());
    let generator = Generator::<Counted>::new(move |co| {
        for _ in 0..3 {
            count.set(count.get() + 2);
            let _ = caught(|| co.yield_(Counted(counts.clone())));
            let counted = Counted(counts.clone());
            let _ = caught(|| co.yield_from(Generator::new(move |co| co.yield_(counted))));
        }
    });
    drop(generator.start().unwrap());
    drop(generator);
    assert_eq!((made.get(), drops.get()), (6, 6));
    panic_any_is_caught();
}

/// Nothing of the above has left the thread panicking.
fn panic_any_is_caught() {
    assert!(panic::catch_unwind(|| panic_any(())).is_err());
    assert!(!thread::panicking());
}
