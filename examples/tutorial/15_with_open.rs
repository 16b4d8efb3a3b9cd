//! A file that is closed whatever happens while it is open.
//!
//! In Python that takes a `with`, or a `try … finally`. Here a file closes itself where its owner goes
//! out of scope: Rust's guards come first, context managers are for what they cannot do.

use std::fs::{self, File};
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("tutorial-15-{}.txt", std::process::id()));

    {
        let mut opened_file = File::create(&path)?;
        opened_file.write_all(b"Hello, world!")?;
    }
    println!("{}", fs::read_to_string(&path)?);

    let mut file = File::create(&path)?;
    let written = file.write_all(b"Hello!");
    drop(file); // by hand
    written?;
    println!("{}", fs::read_to_string(&path)?);

    fs::remove_file(&path)
}
