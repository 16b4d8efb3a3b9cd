//! Stacks: sizes, the pool, memory.

use corio_coroutine::{
    Coroutine, GuardMethod, Stack, StackError, StackLabel, StackOptions, resident_bytes,
    statistics, trim,
};

use crate::child::{errors, in_child};

const KIB: usize = 1024;

/// Writes to about `bytes` of the stack it is called on.
#[inline(never)]
fn touch(bytes: usize) -> u8 {
    let mut block = [0_u8; 4 * KIB];
    std::hint::black_box(&mut block);
    if bytes > 4 * KIB { touch(bytes - 4 * KIB) + std::hint::black_box(block[0]) } else { block[1] }
}

fn touching(stack: Stack, bytes: usize) -> Coroutine {
    let mut co = Coroutine::with_stack(stack, move |co, ()| {
        touch(bytes);
        co.yield_(());
    });
    co.resume(());
    co
}

#[test]
fn sizes_are_checked_and_rounded() {
    for (asked, got) in [(16 * KIB, 16 * KIB), (16 * KIB + 1, 20 * KIB), (1 << 20, 1 << 20)] {
        assert_eq!(Stack::new(asked).unwrap().size(), got);
    }
    let message = |size| Stack::new(size).unwrap_err().to_string();
    assert_eq!(message(0), "a stack of 0 bytes is too small: ask for at least 16 KiB");
    assert_eq!(
        message(16 * KIB - 1),
        "a stack of 16383 bytes is too small: ask for at least 16 KiB"
    );
    assert!(matches!(Stack::new(usize::MAX), Err(StackError::TooLarge { .. })));
    assert!(message(1 << 40).contains("a stack of 1 TiB is too large: ask for at most 64 GiB"));
}

#[test]
fn ranges_hold_what_is_on_the_stack_and_do_not_overlap() {
    let mut stacks: Vec<_> = (0..100).map(|_| Stack::new(16 * KIB).unwrap()).collect();
    stacks.sort_by_key(|stack| stack.range().start);
    for pair in stacks.windows(2) {
        assert!(pair[0].range().end < pair[1].range().start);
        assert!((13 * KIB..=16 * KIB).contains(&pair[0].range().len()));
    }
    let mut co = Coroutine::<(), usize, ()>::with_stack(stacks.pop().unwrap(), |co, ()| {
        let local = 0_u8;
        co.yield_(std::ptr::from_ref(std::hint::black_box(&local)).addr());
    });
    let local = co.resume(()).yielded().unwrap();
    assert!(co.stack().range().contains(&local));
}

#[test]
fn the_last_one_back_is_the_next_one_out() {
    let (a, b) = (Stack::new(64 * KIB).unwrap(), Stack::new(64 * KIB).unwrap());
    let (base_a, base_b) = (a.range(), b.range());
    assert_ne!(base_a, base_b);
    drop(a);
    drop(b);
    let before = statistics();
    let (b, a) = (Stack::new(64 * KIB).unwrap(), Stack::new(64 * KIB).unwrap());
    assert_eq!((b.range(), a.range()), (base_b, base_a));
    assert_eq!(statistics().mapped_bytes, before.mapped_bytes);
    assert_eq!((statistics().live, statistics().pooled), (before.live + 2, before.pooled - 2));
}

#[test]
fn bases_are_coloured_unless_told_otherwise() {
    let offsets = || {
        let stacks: Vec<_> = (0..16).map(|_| Stack::new(64 * KIB).unwrap()).collect();
        let mut offsets: Vec<_> = stacks.iter().map(|stack| stack.range().end % 4096).collect();
        offsets.sort_unstable();
        offsets.dedup();
        offsets.len()
    };
    let coloured = std::thread::spawn(offsets).join().unwrap();
    let plain = std::thread::spawn(move || {
        StackOptions::new().colour(false).apply().unwrap();
        offsets()
    });
    assert_eq!((coloured, plain.join().unwrap()), (16, 1));
}

#[test]
fn a_label_does_not_outlive_its_use() {
    let stack = Stack::new(40 * KIB).unwrap();
    let name: std::rc::Rc<str> = "held".into();
    stack.set_label(StackLabel::Named(name.clone()));
    assert_eq!(stack.label().to_string(), "'held'");
    drop(stack);
    assert_eq!(std::rc::Rc::strong_count(&name), 1);
    assert_eq!(Stack::new(40 * KIB).unwrap().label().to_string(), "without a name");
}

#[test]
#[cfg(unix)]
fn the_high_water_mark_follows_what_is_touched() {
    let fresh = Stack::new(512 * KIB).unwrap();
    assert_eq!(fresh.touched(), 4 * KIB);
    let deep = touching(fresh, 200 * KIB);
    let touched = deep.stack().touched();
    assert!((200 * KIB..260 * KIB).contains(&touched), "{touched}");
    drop(deep);
    trim();
    assert_eq!(Stack::new(512 * KIB).unwrap().touched(), 4 * KIB);
}

#[test]
#[cfg(all(unix, target_pointer_width = "64"))]
fn the_high_water_mark_of_a_huge_stack_costs_what_was_touched() {
    let huge = touching(Stack::new(32 << 30).unwrap(), 5 << 20);
    let start = std::time::Instant::now();
    for _ in 0..50 {
        let touched = huge.stack().touched();
        assert!((5 << 20..6 << 20).contains(&touched), "{touched}");
        assert!((touched - 8 * KIB..touched + 8 * KIB).contains(&resident_bytes()));
    }
    // Asking about all of its pages takes 30 milliseconds each time.
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}

#[test]
#[cfg(unix)]
fn trim_gives_everything_back() {
    let kept = touching(Stack::new(128 * KIB).unwrap(), 40 * KIB);
    let many: Vec<_> =
        (0..100).map(|_| touching(Stack::new(128 * KIB).unwrap(), 40 * KIB)).collect();
    let peak = resident_bytes();
    assert!(peak > 100 * 40 * KIB, "{peak}");
    drop(many);
    assert!(resident_bytes() > 100 * 40 * KIB, "pooled stacks keep their memory");
    trim();
    let after = resident_bytes();
    assert!((40 * KIB..60 * KIB).contains(&after), "{after}");
    assert_eq!((statistics().pooled, statistics().live), (0, 1));
    assert!(statistics().slabs <= 1);
    drop(kept);
    trim();
    assert_eq!((resident_bytes(), statistics().mapped_bytes), (0, 0));
    // And it goes on from there.
    drop(touching(Stack::new(128 * KIB).unwrap(), 40 * KIB));
}

#[test]
#[cfg(unix)]
fn a_peak_and_a_deep_call_are_forgotten_gradually() {
    let many: Vec<_> =
        (0..500).map(|_| touching(Stack::new(128 * KIB).unwrap(), 100 * KIB)).collect();
    drop(many);
    let peak = resident_bytes();
    assert!(peak > 500 * 100 * KIB, "{peak}");
    for _ in 0..200_000 {
        drop(Stack::new(128 * KIB).unwrap());
    }
    let after = resident_bytes();
    assert!(after < 64 * KIB * 20, "{after} of {peak} are still resident");
}

#[test]
#[cfg(unix)]
fn a_peak_is_not_forgotten_while_its_stacks_come_back() {
    const PEAK: usize = 20_000;
    drop((0..PEAK).map(|_| Stack::new(16 * KIB).unwrap()).collect::<Vec<_>>());
    assert_eq!(statistics().pooled, PEAK, "nothing says yet that they are not needed");
    for _ in 0..100_000 {
        drop(Stack::new(16 * KIB).unwrap());
    }
    assert!(statistics().pooled < PEAK - 1000, "{}", statistics().pooled);
}

#[test]
#[cfg(unix)]
fn as_much_may_be_kept_resident_as_there_are_numbers() {
    for keep in [0, 1, 96 * KIB, 128 * KIB, usize::MAX - 4095, usize::MAX] {
        let resident = std::thread::spawn(move || {
            StackOptions::new().keep_resident(keep).apply().unwrap();
            for _ in 0..2000 {
                drop(touching(Stack::new(128 * KIB).unwrap(), 4 * KIB));
            }
            let deep = touching(Stack::new(128 * KIB).unwrap(), 100 * KIB);
            deep.stack().touched()
        });
        assert!((100 * KIB..=128 * KIB).contains(&resident.join().unwrap()), "keeping {keep}");
    }
}

#[test]
#[cfg(unix)]
fn both_guards_work_and_are_told() {
    for method in [GuardMethod::Install, GuardMethod::Protect] {
        let seen = std::thread::spawn(move || {
            StackOptions::new().guard(method).apply().unwrap();
            assert!(StackOptions::new().apply().is_err());
            // More than one slab, so that every slot's guard has to be right.
            let many: Result<Vec<_>, _> = (0..200).map(|_| Stack::new(32 * KIB)).collect();
            many.map(|many| {
                many.into_iter().for_each(|stack| drop(touching(stack, 24 * KIB)));
                statistics().guard
            })
        });
        match seen.join().unwrap() {
            Ok(seen) => assert_eq!(seen, method),
            // A kernel older than 6.13, where the other way is the default.
            Err(error) => {
                assert!(method == GuardMethod::Install && matches!(error, StackError::Guard { .. }))
            }
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "takes 4 GiB of memory and some seconds"]
fn a_million_suspended_coroutines_take_a_page_each() {
    /// A value of `/proc/self/status` in bytes.
    fn status(name: &str) -> usize {
        let text = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * KIB
    }
    const COUNT: usize = 1_000_000;
    let before = status("VmRSS") + status("VmPTE");
    let mut all = Vec::with_capacity(COUNT);
    for number in 0..COUNT {
        let stack = Stack::new(64 * KIB).unwrap();
        let mut co = Coroutine::<(), usize, ()>::with_stack(stack, move |co, ()| co.yield_(number));
        assert_eq!(co.resume(()).yielded(), Some(number));
        all.push(co);
    }
    let each = (status("VmRSS") + status("VmPTE") - before) / COUNT;
    assert!(each <= 4608, "{each} bytes each");
    if statistics().guard == GuardMethod::Install {
        let mappings = std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
        assert!(mappings < 500, "{mappings} mappings");
    }
    all.iter_mut().for_each(|co| assert_eq!(co.resume(()).complete(), Some(())));
}

#[test]
#[cfg(target_os = "linux")]
fn out_of_mappings_is_an_error_that_names_the_setting() {
    let output = in_child("stack::out_of_mappings_is_an_error_that_names_the_setting", || {
        StackOptions::new().guard(GuardMethod::Protect).apply().unwrap();
        let mut stacks = Vec::new();
        let error = loop {
            match Stack::new(16 * KIB) {
                Ok(stack) if stacks.len() < 1_000_000 => stacks.push(stack),
                Ok(_) => return,
                Err(error) => break error,
            }
        };
        let text = error.to_string();
        assert!(
            text.contains("vm.max_map_count") && text.contains("two memory mappings"),
            "{text}"
        );
        let StackError::Guard { live, .. } = error else { panic!("{error:?}") };
        assert!(live > 10_000);
        // Those that are there go on working, and those given back are used again.
        stacks.truncate(1000);
        drop(touching(Stack::new(16 * KIB).unwrap(), 8 * KIB));
    });
    assert!(output.status.success(), "{}", errors(&output));
}

#[test]
#[cfg(target_os = "linux")]
fn locked_memory_is_guarded_the_other_way() {
    let output = in_child("stack::locked_memory_is_guarded_the_other_way", || {
        // SAFETY: locks what this process, a child made for that, maps from now on, once it is touched.
        if unsafe { libc::mlockall(libc::MCL_FUTURE | libc::MCL_ONFAULT) } != 0 {
            return;
        }
        drop(touching(Stack::new(32 * KIB).unwrap(), 8 * KIB));
        assert_eq!(statistics().guard, GuardMethod::Protect);
        let forced = std::thread::spawn(|| {
            StackOptions::new().guard(GuardMethod::Install).apply().unwrap();
            Stack::new(32 * KIB).unwrap_err().to_string()
        });
        let text = forced.join().unwrap();
        assert!(text.starts_with("cannot guard another stack of 32 KiB, with 0 alive"), "{text}");
        assert!(text.ends_with("leave the method to the pool"), "{text}");
    });
    assert!(output.status.success(), "{}", errors(&output));
}

#[test]
#[cfg(target_os = "linux")]
fn out_of_address_space_is_an_error_and_a_clear_panic() {
    let output =
        in_child("stack::out_of_address_space_is_an_error_and_a_clear_panic", || {
            let limit = libc::rlimit { rlim_cur: 1 << 30, rlim_max: 1 << 30 };
            // SAFETY: lowers a limit of this process, which is a child made for that.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
            let error = Stack::new(4 << 30).unwrap_err();
            assert!(matches!(error, StackError::AddressSpace { live: 0, .. }), "{error:?}");
            assert!(error.to_string().starts_with(
                "cannot reserve address space for another stack of 4 GiB, with 0 alive"
            ));
            let mut many = Vec::new();
            while let Ok(co) = Coroutine::<(), (), ()>::try_new(|_, ()| ()) {
                many.push(co);
            }
            assert!(many.len() > 1000, "smaller slabs were tried: {}", many.len());
            many.push(Coroutine::new(|_, ()| ()));
        });
    let errors = errors(&output);
    assert!(!output.status.success());
    assert!(
        errors.contains("stack.rs:")
            && errors.contains("cannot make a coroutine: cannot reserve address space"),
        "{errors}"
    );
    assert!(errors.contains("ulimit -v"), "{errors}");
}
