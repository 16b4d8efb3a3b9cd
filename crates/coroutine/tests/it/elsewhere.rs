//! Yielding from other stacks than the coroutine's own.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, Location};
use std::ptr;
use std::rc::Rc;

use corio_coroutine::CoroutineState::{Complete, Yielded};
use corio_coroutine::{
    Co, Coroutine, CoroutineState, Generator, Interrupted, Stack, Yielder, runs_on, scope,
};

/// The inside end of a coroutine, as a library could smuggle it out: the reference is valid while the coroutine stands.
type Smuggled<T> = Rc<Cell<*const T>>;

fn smuggled<T>() -> Smuggled<T> {
    Rc::new(Cell::new(ptr::null()))
}

/// # Safety
///
/// The coroutine must stand at a yield.
unsafe fn open<T>(smuggled: &Smuggled<T>) -> &T {
    // SAFETY: stored by the body, which has not ended, as the caller promises.
    unsafe { &*smuggled.get() }
}

/// A suspended coroutine that gives its yielder away, and counts what reaches its yields.
fn host() -> (Coroutine<(), u32, u32>, Smuggled<Yielder<(), u32>>) {
    let yielder = smuggled();
    let stored = Rc::clone(&yielder);
    let mut host = Coroutine::new(move |co: &Yielder<(), u32>, ()| {
        stored.set(co);
        co.yield_(1);
        7
    });
    assert_eq!(host.resume(()), Yielded(1));
    (host, yielder)
}

/// The message of a panic.
fn panic_of(body: impl FnOnce()) -> String {
    let payload = panic::catch_unwind(AssertUnwindSafe(body)).unwrap_err();
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().unwrap().to_string(),
    }
}

fn assert_outside(message: &str) {
    assert!(message.contains("was called from outside its coroutine"), "{message}");
}

#[test]
fn a_sibling_cannot_yield() {
    let (mut host, yielder) = host();
    let mut sibling = Coroutine::<(), (), String>::new(move |_, ()| {
        // SAFETY: the host stands at its yield.
        panic_of(|| unsafe { open(&yielder) }.yield_(2))
    });
    assert_outside(&sibling.resume(()).complete().unwrap());
    assert_eq!(host.resume(()), Complete(7));
}

#[test]
fn a_sibling_in_between_cannot_yield() {
    let (mut host, yielder) = host();
    // The host is resumed by the code that yields, instead of the other way round.
    let mut inner = Coroutine::<(), (), String>::new(move |_, ()| {
        let message = {
            // SAFETY: the host stands at its yield.
            panic_of(|| unsafe { open(&yielder) }.yield_(2))
        };
        assert_eq!(host.resume(()), Complete(7));
        message
    });
    let mut outer =
        Coroutine::<(), (), String>::new(move |_, ()| inner.resume(()).complete().unwrap());
    assert_outside(&outer.resume(()).complete().unwrap());
}

#[test]
fn the_stack_of_a_thread_cannot_yield() {
    let (mut host, yielder) = host();
    // SAFETY: the host stands at its yield.
    assert_outside(&panic_of(|| unsafe { open(&yielder) }.yield_(2)));
    assert_eq!(host.resume(()), Complete(7));
}

#[test]
fn the_panic_names_the_caller() {
    let (_host, yielder) = host();
    let place = Rc::new(Cell::new(0));
    thread_local!(static LINE: Cell<u32> = const { Cell::new(0) });
    let old = panic::take_hook();
    let me = std::thread::current().id();
    panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == me {
            LINE.set(info.location().map_or(0, Location::line));
        }
    }));
    // SAFETY: the host stands at its yield.
    panic_of(|| unsafe { open(&yielder) }.yield_(2));
    place.set(line!() - 1);
    panic::set_hook(old);
    assert_eq!(LINE.get(), place.get());
}

#[test]
fn a_generator_cannot_be_yielded_for_from_outside() {
    let co = smuggled::<Co<u32>>();
    let stored = Rc::clone(&co);
    let mut numbers = Generator::new(move |co: &Co<u32>| {
        stored.set(co);
        co.yield_(1);
        co.yield_(2);
    });
    assert_eq!(numbers.next(), Some(1));
    let dropped = Rc::new(());
    let alive = Rc::downgrade(&dropped);
    let mut sibling = Coroutine::<(), (), ()>::new(move |_, ()| {
        // SAFETY: the generator stands at its yield.
        let co = unsafe { open(&co) };
        assert_outside(&panic_of(|| co.yield_(3)));
        assert!(matches!(co.try_yield(3), Err(Interrupted::Outside)));
        assert_outside(&panic_of(|| co.yield_all([3])));
        let other = || {
            let dropped = Rc::clone(&dropped);
            Generator::new(move |co: &Co<u32>| {
                let _dropped = dropped;
                co.yield_(3);
            })
        };
        assert!(matches!(co.try_yield_from(other()), Err(Interrupted::Outside)));
        assert_outside(&panic_of(|| {
            co.yield_from(other());
        }));
        drop(dropped);
    });
    assert_eq!(sibling.resume(()), Complete(()));
    assert!(alive.upgrade().is_none());
    assert_eq!(numbers.next(), Some(2));
    assert_eq!(numbers.next(), None);
}

/// Resumes `depth` coroutines inside each other, the innermost of which runs `body`.
fn nested(depth: u32, body: &mut dyn FnMut()) {
    if depth == 0 {
        return body();
    }
    scope(|s| {
        let mut inner = s.coroutine::<(), (), (), _>(|_, ()| nested(depth - 1, body));
        assert_eq!(inner.resume(()), Complete(()));
    });
}

#[test]
fn nested_coroutines_yield_for_outer_ones() {
    for depth in 1..=3 {
        let mut outer = Coroutine::<u32, u32, ()>::new(move |co, mut value| {
            nested(depth, &mut || {
                for _ in 0..3 {
                    value = co.yield_(value + 1);
                }
            });
        });
        assert_eq!(outer.resume(1), Yielded(2));
        assert_eq!(outer.resume(2), Yielded(3));
        // From another stack, deeper than before.
        nested(2, &mut || assert_eq!(outer.resume(3), Yielded(4)));
        let mut elsewhere =
            Coroutine::<(), (), CoroutineState<u32, ()>>::new(move |_, ()| outer.resume(4));
        assert_eq!(elsewhere.resume(()), Complete(Complete(())));
    }
}

#[test]
fn nested_generators_yield_for_outer_ones() {
    for depth in 1..=3 {
        let outer = Generator::<u32>::new(move |co| {
            nested(depth, &mut || {
                co.yield_(1);
                co.try_yield(2).unwrap();
                co.yield_from(Generator::new(|co| {
                    co.yield_(3);
                    co.yield_(4);
                }));
                co.yield_all(5..7);
            });
        });
        let mut taken = vec![(&outer).next().unwrap()];
        nested(1, &mut || taken.extend((&outer).next()));
        taken.extend(&outer);
        assert_eq!(taken, [1, 2, 3, 4, 5, 6]);
    }
}

#[test]
fn a_nested_coroutine_that_is_unwound_may_answer() {
    let mut outer = Coroutine::<(), u32, ()>::new(|co, ()| {
        struct Answer<'a>(&'a Yielder<(), u32>);
        impl Drop for Answer<'_> {
            fn drop(&mut self) {
                if !std::thread::panicking() {
                    self.0.yield_(2);
                }
            }
        }
        nested(2, &mut || {
            let _answer = Answer(co);
            co.yield_(1);
        });
    });
    assert_eq!(outer.resume(()), Yielded(1));
    assert_eq!(outer.resume(()), Yielded(2));
    drop(outer);
}

#[test]
fn deep_frames_are_on_the_stack_too() {
    fn descend(levels: usize, co: &Yielder<(), usize>) -> u8 {
        let frame = std::hint::black_box([1_u8; 1024]);
        if levels > 0 {
            return frame[0] + descend(levels - 1, co);
        }
        co.yield_(levels);
        0
    }
    for size in [Stack::MIN_SIZE, 64 << 10, 1 << 20] {
        let stack = Stack::new(size).unwrap();
        let levels = stack.range().len() / if cfg!(debug_assertions) { 4096 } else { 1600 };
        let mut deep = Coroutine::<(), usize, u8>::with_stack(stack, move |co, ()| {
            descend(levels.min(200), co)
        });
        assert_eq!(deep.resume(()), Yielded(0));
        assert!(deep.resume(()).complete().is_some());
    }
}

#[test]
fn nothing_yields_across_a_boundary() {
    let mut outer = Coroutine::<(), u32, String>::new(|co, ()| {
        let message = scope(|s| {
            let task = Stack::new(Stack::DEFAULT_SIZE).unwrap();
            task.set_boundary(true);
            let mut task = s.coroutine_with_stack::<(), u32, String, _>(task, |own, ()| {
                own.yield_(1);
                // For the boundary itself, also from stacks nested in it.
                nested(2, &mut || own.yield_(2));
                let nested_panic = Cell::new(String::new());
                nested(2, &mut || nested_panic.set(panic_of(|| co.yield_(99))));
                assert_outside(&nested_panic.take());
                panic_of(|| co.yield_(99))
            });
            assert_eq!(task.resume(()), Yielded(1));
            assert_eq!(task.resume(()), Yielded(2));
            task.resume(()).complete().unwrap()
        });
        co.yield_(3);
        message
    });
    assert_eq!(outer.resume(()), Yielded(3));
    assert_outside(&outer.resume(()).complete().unwrap());
}

#[test]
fn a_boundary_ends_with_its_stack_s_use() {
    let stack = Stack::new(Stack::DEFAULT_SIZE).unwrap();
    let range = stack.range();
    stack.set_boundary(true);
    drop(stack);
    let mut outer =
        Coroutine::<(), u32, ()>::with_stack(Stack::new(64 << 10).unwrap(), move |co, ()| {
            let stack = Stack::new(Stack::DEFAULT_SIZE).unwrap();
            assert_eq!(stack.range(), range);
            scope(|s| {
                s.coroutine_with_stack::<(), (), (), _>(stack, |_, ()| co.yield_(1)).resume(());
            });
        });
    assert_eq!(outer.resume(()), Yielded(1));
    assert_eq!(outer.resume(()), Complete(()));
}

#[test]
fn a_boundary_can_be_lifted() {
    let mut outer = Coroutine::<(), u32, ()>::new(|co, ()| {
        scope(|s| {
            let stack = Stack::new(Stack::DEFAULT_SIZE).unwrap();
            stack.set_boundary(true);
            stack.set_boundary(false);
            s.coroutine_with_stack::<(), (), (), _>(stack, |_, ()| co.yield_(1)).resume(());
        });
    });
    assert_eq!(outer.resume(()), Yielded(1));
}

#[test]
fn code_can_ask_where_it_runs() {
    let stack = Stack::new(Stack::DEFAULT_SIZE).unwrap();
    let range = stack.range();
    assert!(!runs_on(&range));
    assert!(!runs_on(&(0..0)));
    let inside = range.clone();
    let mut outer = Coroutine::<(), (), ()>::with_stack(stack, move |co, ()| {
        assert!(runs_on(&inside));
        nested(3, &mut || assert!(runs_on(&inside)));
        co.yield_(());
        scope(|s| {
            let task = Stack::new(Stack::DEFAULT_SIZE).unwrap();
            task.set_boundary(true);
            let own = task.range();
            let inside = &inside;
            let mut task = s.coroutine_with_stack::<(), (), (), _>(task, move |_, ()| {
                assert!(runs_on(&own));
                assert!(!runs_on(inside));
                nested(1, &mut || assert!(runs_on(&own) && !runs_on(inside)));
            });
            task.resume(());
        });
    });
    outer.resume(());
    let apart = range.clone();
    Coroutine::<(), (), ()>::new(move |_, ()| assert!(!runs_on(&apart))).resume(());
    outer.resume(());
    assert!(!runs_on(&range));
}

#[test]
fn a_yield_that_is_not_checked_works_like_any_other() {
    let mut co = Coroutine::<u32, u32, u32>::new(|co, first| {
        // SAFETY: on the coroutine's own stack.
        unsafe { co.yield_unchecked(first + 1) }
    });
    assert_eq!(co.resume(1), Yielded(2));
    assert_eq!(co.resume(3), Complete(3));
}

#[test]
fn a_running_generator_cannot_be_entered_from_another_stack() {
    // As where a task waits inside a generator: the body suspends the stack that it is nested in.
    let generator = Rc::new(Cell::new(None::<Generator<u32>>));
    let task_yielder = smuggled::<Yielder<(), ()>>();
    let waits = Rc::clone(&task_yielder);
    let numbers = Rc::new(Generator::<u32>::new(move |co| {
        co.yield_(1);
        // SAFETY: the task is suspended no earlier than by this.
        unsafe { open(&waits) }.yield_(());
        co.yield_(2);
    }));
    let shared = Rc::clone(&numbers);
    let mut task = Coroutine::<(), (), (Option<u32>, Option<u32>)>::new(move |co, ()| {
        task_yielder.set(co);
        ((&*shared).next(), (&*shared).next())
    });
    assert_eq!(task.resume(()), Yielded(()));
    let other = Rc::clone(&numbers);
    let refused = Coroutine::<(), (), bool>::new(move |_, ()| other.try_next().is_err()).resume(());
    assert_eq!(refused, Complete(true));
    assert_eq!(task.resume(()), Complete((Some(1), Some(2))));
    drop(generator);
}

#[test]
fn nested_yields_work_while_the_thread_ends() {
    struct Late(Cell<bool>);
    impl Drop for Late {
        fn drop(&mut self) {
            let mut outer = Coroutine::<(), u32, ()>::new(|co, ()| nested(2, &mut || co.yield_(1)));
            assert_eq!(outer.resume(()), Yielded(1));
            assert_eq!(outer.resume(()), Complete(()));
            SEEN.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
    static SEEN: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    thread_local!(static LATE: Late = const { Late(Cell::new(false)) });
    std::thread::spawn(|| {
        LATE.with(|late| late.0.set(true));
        // Later in the making, and so earlier in the end: the pool is closed when `LATE` goes.
        drop(Stack::new(Stack::DEFAULT_SIZE).unwrap());
    })
    .join()
    .unwrap();
    assert!(SEEN.load(std::sync::atomic::Ordering::SeqCst));
}
