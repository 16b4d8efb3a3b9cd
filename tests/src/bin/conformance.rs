//! Runs conformance programs on corio and compares their traces with asyncio's.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::path::Path;
use std::process::ExitCode;

use corio_tests::conformance::{check, load};

const USAGE: &str = "\
usage: conformance FILE-OR-FOLDER...

Runs the programs in each file, or in each .json file of a folder, and prints where corio's trace
is not asyncio's. Exit code: 0 if all pass, 1 if some fail, 2 if some cannot be read.";

fn main() -> ExitCode {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    if paths.is_empty() || paths.iter().any(|path| path == "-h" || path == "--help") {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    let (mut passed, mut failed, mut unreadable) = (0, 0, false);
    for path in &paths {
        let cases = load(Path::new(path)).unwrap_or_else(|error| {
            eprintln!("conformance: {error}");
            unreadable = true;
            Vec::new()
        });
        for case in cases {
            match check(&case) {
                Ok(()) => passed += 1,
                Err(failure) => {
                    failed += 1;
                    println!("{failure}\n");
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    match (unreadable, failed) {
        (true, _) => ExitCode::from(2),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    }
}
