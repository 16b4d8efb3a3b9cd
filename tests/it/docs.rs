//! What `docs/` says about the tests.

use std::fs;
use std::path::{Path, PathBuf};

/// The file that a name in the table of tests leads to, and the test's own name.
fn place_of(name: &str) -> (PathBuf, &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (module, test) = name.split_once("::").expect("only names with a module are looked up");
    let path = match module.split_once('/') {
        Some(("futures", module)) => format!("crates/futures/tests/it/{module}.rs"),
        Some(("sync", module)) => format!("crates/futures/tests/sync/{module}.rs"),
        Some(("coroutine", module)) => format!("crates/coroutine/tests/it/{module}.rs"),
        Some(_) | None => format!("tests/it/{module}.rs"),
    };
    (root.join(path), test)
}

#[test]
fn every_test_that_the_documentation_names_is_there() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let mut missing = Vec::new();
    for page in ["semantics.md", "deviations.md"] {
        let text = fs::read_to_string(docs.join(page)).expect("the page is there");
        let rows = text.lines().filter(|line| line.starts_with('|'));
        let quoted = rows.flat_map(|line| line.split('`').skip(1).step_by(2));
        for name in quoted.filter(|name| name.contains("::") && !name.ends_with('…')) {
            let (file, test) = place_of(name);
            let source = fs::read_to_string(&file).unwrap_or_default();
            if !source.contains(&format!("fn {test}(")) {
                missing.push(format!("{page}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
