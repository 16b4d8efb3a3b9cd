//! Small concurrent programs, and what asyncio makes of them.
//!
//! A *case* is a program in a language of its own and the trace that CPython's asyncio leaves when
//! it runs the program on a virtual clock: for each task what it did, when, and what came of it.
//! corio must leave the same. How the events of two tasks interleave is not compared.
//!
//! * [`program`]: the language; `parse` reads it;
//! * [`trace`]: what a run leaves behind;
//! * [`interpreter`]: runs a program on corio; what it does to a lock or a queue is in `objects`;
//! * [`report`]: what differs, side by side.

mod body;
pub mod interpreter;
mod objects;
mod parse;
pub mod program;
mod recorder;
pub mod report;
pub mod trace;

use std::fs;
use std::path::{Path, PathBuf};

use corio::{Error, Result};

use program::Case;
use report::Failure;

/// Runs a case; says what differs, if anything does.
///
/// # Errors
///
/// What differs.
pub fn check(case: &Case) -> Result<(), Failure> {
    let run = interpreter::run(&case.program);
    Failure::of(case, run).map_or(Ok(()), Err)
}

/// The cases in a file, or in all files of a folder whose names end in `.json`.
///
/// # Errors
///
/// If there is no such file, or none that is as it should be.
pub fn load(path: &Path) -> Result<Vec<Case>> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = json_files(path).map_err(|error| about(path, &error.into()))?;
    }
    let mut cases = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).map_err(Error::from);
        let read = text.and_then(|text| parse::parse(&text));
        cases.extend(read.map_err(|error| about(&file, &error))?);
    }
    if cases.is_empty() {
        return Err(about(path, &Error::msg("there are no cases here")));
    }
    Ok(cases)
}

fn json_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut files = entries.collect::<std::io::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

fn about(path: &Path, error: &Error) -> Error {
    Error::msg(format!("{}: {error}", path.display()))
}
