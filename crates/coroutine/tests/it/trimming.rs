//! Stacks that come and go in any order, and are trimmed in between.

use corio_coroutine::{Coroutine, CoroutineState, Stack, statistics, trim};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

const KIB: usize = 1024;

#[derive(Clone, Debug)]
enum Step {
    Take { stacks: usize, size: usize, mark: u8 },
    PutBack(Vec<Index>),
    Trim,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![Just(16 * KIB), Just(64 * KIB)];
    let step = prop_oneof![
        (1..30_usize, size, any::<u8>()).prop_map(|(stacks, size, mark)| Step::Take {
            stacks,
            size,
            mark
        }),
        vec(any::<Index>(), 1..40).prop_map(Step::PutBack),
        Just(Step::Trim),
    ];
    vec(step, 1..40)
}

/// A coroutine that stands on a marked stack, and says in the end whether the marks are still there.
fn standing(size: usize, mark: u8) -> Coroutine<(), (), bool> {
    let stack = Stack::new(size).expect("there is memory");
    let mut standing = Coroutine::with_stack(stack, move |co, ()| {
        let mut marks = [mark; 6 * KIB];
        std::hint::black_box(&mut marks);
        co.yield_(());
        std::hint::black_box(&marks).iter().all(|&left| left == mark)
    });
    assert_eq!(standing.resume(()), CoroutineState::Yielded(()));
    standing
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_in_use_keeps_its_memory_and_all_else_can_be_trimmed(steps in steps()) {
        let mut live = Vec::new();
        for step in steps {
            match step {
                Step::Take { stacks, size, mark } => {
                    live.extend((0..stacks).map(|_| standing(size, mark)));
                }
                Step::PutBack(which) => {
                    for index in which {
                        if !live.is_empty() {
                            let mut back = live.swap_remove(index.index(live.len()));
                            prop_assert_eq!(back.resume(()), CoroutineState::Complete(true));
                        }
                    }
                }
                Step::Trim => {
                    trim();
                    prop_assert_eq!(statistics().pooled, 0);
                }
            }
            prop_assert_eq!(statistics().live, live.len());
        }
        for mut back in live {
            prop_assert_eq!(back.resume(()), CoroutineState::Complete(true));
        }
        trim();
        let left = statistics();
        prop_assert_eq!((left.live, left.pooled, left.slabs, left.mapped_bytes), (0, 0, 0, 0));
    }
}
