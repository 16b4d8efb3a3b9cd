//! Running one test in a process of its own.

use std::env;
use std::process::{Command, Output};

const CHILD: &str = "CORIO_COROUTINE_CHILD";

/// Runs `body` in a child process, which is this program with the test `name` only, and returns what became of it.
pub(crate) fn in_child(name: &str, body: impl FnOnce()) -> Output {
    if env::var(CHILD).is_ok_and(|child| child == name) {
        body();
        std::process::exit(0);
    }
    let program = env::current_exe().expect("the path of this program");
    let output = Command::new(program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(CHILD, name)
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("a child process");
    assert!(
        !String::from_utf8_lossy(&output.stdout).contains("running 0 tests"),
        "there is no test {name}"
    );
    output
}

/// What the child wrote to its standard error.
pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
