//! Random scripts agree with the model.

use corio_coroutine::script::scripts;
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
