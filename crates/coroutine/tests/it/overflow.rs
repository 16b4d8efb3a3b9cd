//! Overflows, in child processes.

use std::os::unix::process::ExitStatusExt;
use std::panic::Location;
use std::process::Output;

use corio_coroutine::{
    Coroutine, Generator, GuardMethod, Stack, StackLabel, StackOptions, set_overflow_noun,
};

use crate::child::{errors, in_child};

/// Recurses without bounds.
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 16]);
    if std::hint::black_box(true) { recurse(depth + 1) + frame[7] } else { frame[3] }
}

fn overflow(label: StackLabel, size: usize) {
    let stack = Stack::new(size).unwrap();
    stack.set_label(label);
    let mut co = Coroutine::<(), (), u64>::with_stack(stack, |_, ()| recurse(0));
    co.resume(());
}

#[track_caller]
fn check(output: &Output, message: &str) {
    let errors = errors(output);
    if cfg!(feature = "overflow-report") {
        assert!(errors.contains(message), "{message:?} is not in {errors:?}");
        assert_eq!(output.status.signal(), Some(libc::SIGABRT));
    } else {
        assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{errors}");
    }
}

#[test]
fn a_number() {
    let output =
        in_child("overflow::a_number", || overflow(StackLabel::Numbered("Task-", 7), 256 * 1024));
    check(
        &output,
        "\ncoroutine 'Task-7' overflowed its 256 KiB stack\nhelp: give it a larger stack",
    );
}

#[test]
fn a_name_and_another_noun() {
    let output = in_child("overflow::a_name_and_another_noun", || {
        set_overflow_noun("task");
        overflow(StackLabel::Named("parser".into()), 16 * 1024);
    });
    check(&output, "\ntask 'parser' overflowed its 16 KiB stack\n");
}

#[test]
fn nothing_but_the_place() {
    let line = Location::caller().line() + 2;
    let output = in_child("overflow::nothing_but_the_place", || {
        let generator = Generator::<u64>::new(|co| co.yield_(recurse(0)));
        generator.for_each(drop);
    });
    check(&output, &format!("tests/it/overflow.rs:{line} overflowed its 256 KiB stack\n"));
}

#[test]
fn under_a_guard_of_either_kind() {
    let output = in_child("overflow::under_a_guard_of_either_kind", || {
        StackOptions::new().guard(GuardMethod::Protect).apply().unwrap();
        let _others: Vec<_> = (0..20).map(|_| Stack::new(32 * 1024).unwrap()).collect();
        overflow(StackLabel::Unnamed, 32 * 1024);
    });
    check(&output, "\na coroutine overflowed its 32 KiB stack\n");
}

#[test]
fn on_another_thread_without_a_signal_stack() {
    let output = in_child("overflow::on_another_thread_without_a_signal_stack", || {
        std::thread::spawn(|| {
            let none = libc::stack_t {
                ss_sp: std::ptr::null_mut(),
                ss_flags: libc::SS_DISABLE,
                ss_size: 1 << 16,
            };
            // SAFETY: takes this thread's signal stack away, as if the thread were not made by std.
            unsafe { libc::sigaltstack(&none, std::ptr::null_mut()) };
            overflow(StackLabel::Numbered("bare-", 1), 64 * 1024);
        })
        .join()
        .unwrap();
    });
    check(&output, "\ncoroutine 'bare-1' overflowed its 64 KiB stack\n");
}

#[test]
fn the_innermost_of_a_tower_is_named() {
    let output = in_child("overflow::the_innermost_of_a_tower_is_named", || {
        let stack = Stack::new(1 << 20).unwrap();
        stack.set_label(StackLabel::Named("outer".into()));
        let mut outer = Coroutine::<(), (), ()>::with_stack(stack, |_, ()| {
            overflow(StackLabel::Named("inner".into()), 64 * 1024);
        });
        outer.resume(());
    });
    check(&output, "\ncoroutine 'inner' overflowed its 64 KiB stack\n");
}

#[test]
fn other_faults_go_their_usual_way() {
    let output = in_child("overflow::other_faults_go_their_usual_way", || {
        drop(Stack::new(Stack::DEFAULT_SIZE).unwrap());
        let nowhere = std::hint::black_box(std::ptr::without_provenance_mut::<u8>(16));
        // SAFETY: none; the fault is the point.
        unsafe { nowhere.write_volatile(1) };
    });
    assert_eq!(output.status.signal(), Some(libc::SIGSEGV));
    assert!(!errors(&output).contains("overflowed"), "{}", errors(&output));
}

#[test]
fn the_threads_own_stack_is_still_stds_business() {
    let output = in_child("overflow::the_threads_own_stack_is_still_stds_business", || {
        drop(Stack::new(Stack::DEFAULT_SIZE).unwrap());
        recurse(0);
    });
    assert_eq!(output.status.signal(), Some(libc::SIGABRT));
    assert!(errors(&output).contains("has overflowed its stack"), "{}", errors(&output));
}

#[test]
fn a_handler_that_was_there_before_is_asked() {
    extern "C" fn earlier(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: ends the process, without any cleanup, as a signal handler may.
        unsafe { libc::_exit(77) };
    }
    let output = in_child("overflow::a_handler_that_was_there_before_is_asked", || {
        // SAFETY: all zeroes is a valid `sigaction`.
        let mut action = unsafe { std::mem::zeroed::<libc::sigaction>() };
        action.sa_sigaction = earlier as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: sets a handler of the right type.
        assert_eq!(unsafe { libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut()) }, 0);
        drop(Stack::new(Stack::DEFAULT_SIZE).unwrap());
        let nowhere = std::hint::black_box(std::ptr::without_provenance_mut::<u8>(16));
        // SAFETY: none; the fault is the point.
        unsafe { nowhere.write_volatile(1) };
    });
    assert_eq!(output.status.code(), Some(77));
}
