//! The programs of the tutorial print what the Python ones print.
//!
//! They are run as cargo builds them, `main` and `println!` and all. `cargo test` builds the examples
//! along with the tests, unless it is told to build only some; then this has it build them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

/// Runs the scripts that it is given, in one process, and prints what each printed, with a NUL after
/// it; prints nothing if Python is too old for them.
const RUN_SCRIPTS: &str = r#"
import contextlib, io, runpy, sys
sys.stdout.reconfigure(newline="\n")
if sys.version_info >= (3, 11):
    for path in sys.argv[1:]:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            runpy.run_path(path, run_name="__main__")
        print(out.getvalue(), end="\0")
"#;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tutorial")
}

/// The files of a folder that have this extension, by their names without it.
fn files(folder: &Path, extension: &str) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect()
}

/// What each program is to print.
fn expected() -> BTreeMap<String, String> {
    let files = files(&folder().join("expected"), "txt").into_iter();
    files.map(|(name, path)| (name, fs::read_to_string(path).expect("it can be read"))).collect()
}

/// The program that cargo has made of an example: beside the folder of this test's own.
fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a test has a path");
    let profile = this.ancestors().nth(2).expect("the folder of the profile");
    let program = format!("tutorial_{name}{}", std::env::consts::EXE_SUFFIX);
    let program = profile.join("examples").join(program);
    if !is_fresh(&program) {
        static BUILT: Once = Once::new();
        BUILT.call_once(|| build_examples(profile));
    }
    program
}

fn build_examples(profile: &Path) {
    let target = profile.parent().expect("the folder that cargo builds in");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "-p", "corio-examples", "--examples", "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.output().expect("cargo can be run");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

/// Whether a program is there, and not older than what cargo says it was made of.
fn is_fresh(program: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path)?.modified();
    let Ok(built) = modified(program) else { return false };
    let sources = fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    // Cargo writes `program: source source…`, with `\ ` for a space in a path.
    let sources = sources.replace("\\ ", "\0");
    let mut sources = sources.split_whitespace().skip(1).map(|path| path.replace('\0', " "));
    !sources.any(|source| modified(Path::new(&source)).is_ok_and(|modified| modified > built))
}

#[test]
fn every_program_prints_what_is_expected() {
    for (name, expected) in expected() {
        let output = Command::new(example(&name)).output().expect("it can be run");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{name}");
        assert!(output.status.success(), "{name}: {output:?}");
    }
}

#[test]
fn what_is_expected_is_what_python_prints() {
    let scripts = files(&folder().join("python"), "py");
    let python =
        Command::new("python3").args(["-I", "-c", RUN_SCRIPTS]).args(scripts.values()).output();
    let Ok(output) = python else {
        return eprintln!("there is no python3 to ask");
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    if output.stdout.is_empty() {
        return eprintln!("this python3 is older than 3.11");
    }
    let printed = String::from_utf8(output.stdout).expect("the scripts print text");
    let printed: BTreeMap<_, _> =
        scripts.into_keys().zip(printed.split_terminator('\0').map(String::from)).collect();
    assert_eq!(printed, expected());
}

#[test]
fn every_program_is_there_in_both_languages_and_listed() {
    let names: Vec<_> = files(&folder(), "rs").into_keys().collect();
    assert_eq!(files(&folder().join("python"), "py").into_keys().collect::<Vec<_>>(), names);
    assert_eq!(expected().into_keys().collect::<Vec<_>>(), names);

    let readme = fs::read_to_string(folder().join("README.md")).expect("it can be read");
    for name in names {
        assert!(readme.contains(&format!("({name}.rs)")), "README.md does not list {name}");
    }
}
