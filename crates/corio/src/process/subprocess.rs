//! asyncio's functions.

use std::ffi::OsStr;
use std::io;

use super::{Child, Command};

/// Starts a program. asyncio's `create_subprocess_exec`.
///
/// It shares this process's standard streams; for pipes and all else, use a [`Command`], of which
/// this is the short form.
///
/// # Errors
///
/// As [`Command::spawn`].
///
/// # Examples
///
/// ```
/// corio::run(|| {
///     let child = corio::create_subprocess_exec("test", ["1", "-lt", "2"])?;
///     assert!(child.wait()?.success());
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub fn create_subprocess_exec(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item: AsRef<OsStr>>,
) -> io::Result<Child> {
    Command::new(program).args(arguments).spawn()
}

/// Has the shell run a command line. asyncio's `create_subprocess_shell`.
///
/// The short form of [`Command::shell`], which see about quoting.
///
/// # Errors
///
/// As [`Command::spawn`]. Whether there are the programs that `line` names is for the shell to say.
///
/// # Examples
///
/// ```
/// corio::run(|| {
///     let child = corio::create_subprocess_shell("true && exit 3")?;
///     assert_eq!(child.wait()?.code(), Some(3));
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub fn create_subprocess_shell(line: impl AsRef<OsStr>) -> io::Result<Child> {
    Command::shell(line).spawn()
}
