//! A context manager as a type: what sets up, what tidies up, and what becomes of an error.
//!
//! In Python it has `__enter__` and `__exit__`, and `__exit__` returns `True` for an error that it has
//! handled. Here `exit` is given the outcome of the body and returns what is to become of it.

use std::fs;
use std::io::Write;
use std::num::ParseIntError;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use corio::{ContextManager, Error, with, with_suppressing};

struct File {
    file_name: PathBuf,
    file_obj: Option<Rc<fs::File>>,
}

impl File {
    fn new(file_name: &Path) -> Self {
        Self { file_name: file_name.to_owned(), file_obj: None }
    }
}

impl ContextManager for File {
    type Value = Rc<fs::File>;

    fn enter(&mut self) -> corio::Result<Rc<fs::File>> {
        let file_obj = Rc::new(fs::File::create(&self.file_name)?);
        println!("opened");
        Ok(Rc::clone(self.file_obj.insert(file_obj)))
    }

    fn exit(self, outcome: corio::Result<()>) -> corio::Result<()> {
        drop(self.file_obj);
        println!("closed");
        match outcome {
            Err(error) if error.downcast_ref::<ParseIntError>().is_some() => Ok(()),
            outcome => outcome,
        }
    }
}

/// Whether the number was one, and is written.
fn write_number(path: &Path, number: &str) -> corio::Result<bool> {
    let written = with_suppressing(File::new(path), |opened_file| {
        writeln!(&*opened_file, "{}", number.parse::<u32>()?)?;
        println!("written");
        Ok(())
    })?;
    Ok(written.is_some())
}

fn main() -> corio::Result<()> {
    let path = std::env::temp_dir().join(format!("tutorial-02-{}.txt", std::process::id()));

    write_number(&path, "12")?;
    if !write_number(&path, "twelve")? {
        println!("that it is no number was handled");
    }

    if write_number(&path.join("inside"), "12").is_err() {
        println!("a file is no folder: not entered, so not left");
    }

    let failed = with(File::new(&path), |_| Err::<(), _>(Error::msg("out of ink")));
    if let Err(error) = failed {
        println!("propagated: {error}");
    }

    Ok(fs::remove_file(&path)?)
}
