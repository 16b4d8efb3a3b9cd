//! A context manager as a generator: what is before the yield sets up, what is after it tidies up.
//!
//! In Python it is decorated with `@contextmanager`, and an error of the body is raised at the yield,
//! so it takes a `try … finally`. Here the yield returns the outcome of the body.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;

use corio::{ContextManager, Error, contextmanager, with};

fn file(file_name: PathBuf) -> impl ContextManager<Value = Rc<fs::File>> {
    contextmanager(move |co| {
        let file_obj = Rc::new(fs::File::create(file_name)?);
        println!("opened");
        let outcome = co.yield_(Rc::clone(&file_obj));
        drop(file_obj);
        println!("closed");
        outcome
    })
}

fn main() -> corio::Result<()> {
    let path = std::env::temp_dir().join(format!("tutorial-03-{}.txt", std::process::id()));

    with(file(path.clone()), |opened_file| {
        write!(&*opened_file, "Hello, world!")?;
        println!("written");
        Ok(())
    })?;
    println!("{}", fs::read_to_string(&path)?);

    let failed = with(file(path.clone()), |_| Err::<(), _>(Error::msg("out of ink")));
    if let Err(error) = failed {
        println!("propagated: {error}");
    }

    Ok(fs::remove_file(&path)?)
}
