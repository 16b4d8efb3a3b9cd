//! Turning a visitor inside out: a directory walker that only takes a callback becomes an iterator, which stops
//! when its user has seen enough.
//!
//! Run with `cargo run -p corio-coroutine --example visitor -- FOLDER`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use corio_coroutine::Generator;

/// Somebody else's walker: it calls back for every file, and there is no way to stop it but an error.
fn visit(folder: &Path, callback: &mut dyn FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            visit(&path, callback)?;
        } else {
            callback(&path)?;
        }
    }
    Ok(())
}

/// The same as an iterator. What it returns in the end is the walker's result.
fn files(folder: PathBuf) -> Generator<PathBuf, (), io::Result<()>> {
    Generator::new(move |co| {
        visit(&folder, &mut |path| co.try_yield(path.to_owned()).map_err(io::Error::other))
    })
}

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut files = files(folder.into());
    let sources = files.by_ref().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    for path in sources.take(5) {
        println!("{}", path.display());
    }
    // The walker is stopped in the middle, and cleans up.
    match files.close().map_err(io::Error::other)? {
        Some(Err(error)) => println!("stopped: {error}"),
        Some(Ok(())) | None => println!("there were no more"),
    }
    Ok(())
}
