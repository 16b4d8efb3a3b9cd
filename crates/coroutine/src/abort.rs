//! Ending the process where going on would be unsound.

use std::fmt;
use std::io::{self, Write as _};
use std::process;

/// Writes `message` to standard error and aborts.
pub(crate) fn with_message(message: fmt::Arguments<'_>) -> ! {
    // Nothing can be done about a standard error that cannot be written to.
    let _ = writeln!(io::stderr(), "\nfatal: {message}");
    process::abort();
}
