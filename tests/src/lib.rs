//! What the tests share: a loop in virtual time, a log of events, and a process to crash in.

#[cfg(doctest)]
mod book;
pub mod conformance;
#[cfg(target_os = "linux")]
pub mod soak;
pub mod tls_configs;

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use corio::{Result, Runner};

/// Runs `main` on a loop of its own, in virtual time, and ends whatever it leaves behind.
///
/// # Errors
///
/// As [`corio::run`].
pub fn virtual_run<T>(main: impl FnOnce() -> Result<T>) -> Result<T> {
    let mut runner = Runner::with_virtual_clock()?;
    runner.run(main)
}

/// So many milliseconds.
#[must_use]
pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The time by the clock of the loop that runs.
///
/// # Panics
///
/// Off the loop.
#[must_use]
pub fn now() -> Instant {
    corio::get_running_loop().expect("a loop runs").time()
}

/// Lets every other task that is ready run once.
///
/// # Errors
///
/// As [`corio::sleep`].
pub fn yield_now() -> Result<()> {
    corio::sleep(Duration::ZERO)
}

/// Lets everything run that can run without time passing.
///
/// # Errors
///
/// As [`corio::sleep`].
pub fn settle() -> Result<()> {
    corio::sleep(Duration::from_nanos(1))
}

/// What happened, in order. Clones are the same log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    events: Rc<RefCell<Vec<String>>>,
}

impl Log {
    /// A log of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes an event.
    pub fn note(&self, event: impl Into<String>) {
        self.events.borrow_mut().push(event.into());
    }

    /// Takes what was noted so far.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        self.events.take()
    }

    /// Something that notes an event when it is dropped.
    pub fn on_drop(&self, event: &'static str) -> OnDrop<impl FnMut() + use<>> {
        let log = self.clone();
        OnDrop(move || log.note(event))
    }

    /// Has this log note the reports of the loop that runs.
    ///
    /// # Panics
    ///
    /// Off the loop.
    pub fn note_reports(&self) {
        let log = self.clone();
        corio::get_running_loop()
            .expect("a loop runs")
            .set_exception_handler(move |report| log.note(report.to_string()));
    }
}

/// Does something when it is dropped.
#[derive(Debug)]
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// A folder that goes, with all that is in it, when this is dropped.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// A folder that nobody else uses.
    ///
    /// # Panics
    ///
    /// If there can be none.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "there is nothing default about a folder")]
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("corio-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a folder can be made");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // It is only in the way.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What `code` panics with, as text.
///
/// # Panics
///
/// If it does not.
pub fn panic_of<T>(code: impl FnOnce() -> T) -> String {
    let Err(payload) = panic::catch_unwind(AssertUnwindSafe(code)) else {
        panic!("this should have panicked")
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast_ref::<&str>().expect("a text").to_string(),
    }
}

/// Runs `body` in a process of its own, which it may crash; says here how that ended.
///
/// `test` is the path of the calling test, by which the process finds its way to `body`. There
/// this returns `None`, and the test is to return.
///
/// # Panics
///
/// If there can be no other process.
pub fn in_a_process(test: &str, body: impl FnOnce()) -> Option<Output> {
    let mut process = process_of(test, body)?;
    let output = process.output().expect("the test's program can be started again");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("running 1 test"), "no test is called {test}: {stdout}");
    Some(output)
}

/// As [`in_a_process`], but the process is the caller's to start.
///
/// # Panics
///
/// If there can be no other process.
pub fn process_of(test: &str, body: impl FnOnce()) -> Option<Command> {
    const WHICH: &str = "CORIO_TEST_IN_A_PROCESS";
    if std::env::var(WHICH).is_ok_and(|which| which == test) {
        body();
        return None;
    }
    let program = std::env::current_exe().expect("the test's program has a path");
    let mut process = Command::new(program);
    process.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(WHICH, test);
    Some(process)
}
