//! What asyncio does, corio does: the programs in `conformance/`, one test for each family.

use std::path::Path;

use corio_tests::conformance::{check, load};

/// Runs all programs of a family.
#[track_caller]
fn run(family: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let cases = load(&folder.join(family).with_extension("json")).expect("there are cases");
    let failures: Vec<_> = cases.iter().filter_map(|case| check(case).err()).collect();
    let reports: Vec<_> = failures.iter().map(ToString::to_string).collect();
    let (failed, of) = (failures.len(), cases.len());
    assert!(failures.is_empty(), "{failed} of {of} failed:\n\n{}", reports.join("\n\n"));
}

macro_rules! families {
    ($($family:ident)+) => {
        $(
            #[test]
            fn $family() {
                run(stringify!($family));
            }
        )+
    };
}

families!(cancel future group mix queue steps sync timeout wait);
