//! Random scripts agree with the model.

use corio_coroutine::script::{Action, Event, Manner, Script, Step, scripts};
use proptest::prelude::*;
use proptest::test_runner::Config;

/// How many scripts: `CORIO_SCRIPTS=100000` for a thorough run.
fn cases() -> u32 {
    std::env::var("CORIO_SCRIPTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000)
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn random_scripts_agree_with_the_model(script in scripts()) {
        prop_assert_eq!(script.run(), script.predict());
    }
}

#[test]
fn what_is_ended_by_force_while_the_thread_panics_yields_no_more() {
    let body = vec![
        Step::Catch(vec![Step::Yield(1, Manner::Ignore), Step::Yield(2, Manner::Ignore)]),
        Step::Yield(3, Manner::Ignore),
        Step::Trap(4),
    ];
    let script = Script::new(
        vec![Step::Trap(5), Step::Defer(body, vec![Action::Next]), Step::Panic(6)],
        vec![Action::Next],
    );
    let events = script.run();
    assert_eq!(events, script.predict());
    // Both traps saw that the thread panics already.
    let end = [Event::Dropped(4), Event::Gone(None), Event::Dropped(5)];
    assert!(events.windows(3).any(|events| events == end), "{events:?}");
}
