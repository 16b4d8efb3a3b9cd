//! Files, and standard input and output.

use std::cell::{Cell, RefCell};
use std::fs as std_fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use corio::fs::{self, File, OpenOptions};
use corio::{Error, Result, create_task, get_running_loop, run, task_group, timeout};
use corio_tests::{ms, yield_now};

/// A directory of its own for each test.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("corio-fs-{}-{name}", std::process::id()));
        std_fs::create_dir(&path)?;
        Ok(Self(path))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std_fs::remove_dir_all(&self.0);
    }
}

fn read_and_write() -> OpenOptions {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).clone()
}

#[test]
fn what_is_written_can_be_read() -> Result<()> {
    let directory = Directory::new("written")?;
    run(|| {
        let mut file = File::open_with(&read_and_write(), directory.path("x"))?;
        assert_eq!(file.write(&[])?, 0);
        file.write_all(b"hello, world")?;
        assert_eq!(file.seek(SeekFrom::Current(-5))?, 7);
        assert_eq!(file.read(&mut [])?, 0);
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        assert_eq!(text, "world");
        file.set_len(5)?;
        file.sync_all()?;
        assert_eq!(file.metadata()?.len(), 5);
        Ok(())
    })
}

#[test]
fn large_files_go_in_several_pieces() -> Result<()> {
    let directory = Directory::new("large")?;
    run(|| {
        let bytes: Vec<u8> = (0..5_000_000_u32).map(|number| (number / 7) as u8).collect();
        File::create(directory.path("x"))?.write_all(&bytes)?;
        let mut read = Vec::new();
        File::open(directory.path("x"))?.read_to_end(&mut read)?;
        assert!(read == bytes);
        Ok(())
    })
}

#[test]
fn the_functions_do_what_those_of_std_do() -> Result<()> {
    let directory = Directory::new("functions")?;
    run(|| {
        let (a, b) = (directory.path("a"), directory.path("b"));
        fs::write(&a, "text")?;
        assert_eq!(fs::read(&a)?, b"text");
        assert_eq!(fs::copy(&a, &b)?, 4);
        fs::remove_file(&a)?;
        assert!(!fs::try_exists(&a)?);
        fs::rename(&b, &a)?;
        assert_eq!(fs::read_to_string(&a)?, "text");
        assert_eq!(fs::metadata(&a)?.len(), 4);
        fs::create_dir_all(directory.path("c/d"))?;
        let mut names: Vec<_> =
            fs::read_dir(&directory.0)?.iter().map(|entry| entry.file_name()).collect();
        names.sort();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(fs::canonicalize(directory.path("c/../a"))?, fs::canonicalize(&a)?);
        fs::remove_dir(directory.path("c/d"))?;
        Ok(fs::remove_dir_all(directory.path("c"))?)
    })
}

#[test]
fn errors_name_the_path() -> Result<()> {
    run(|| {
        let error = File::open("/no/such/file").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("cannot open \"/no/such/file\": "), "{error}");
        let error = fs::remove_dir("/no/such/file").unwrap_err();
        assert!(error.to_string().contains("cannot remove the directory"), "{error}");
        Ok(())
    })
}

#[test]
fn off_the_loop_nothing_is_done() {
    let path = Path::new("/tmp/corio-fs-off-the-loop");
    let error = fs::write(path, "x").unwrap_err();
    assert!(Error::from(error).to_string().contains("no running event loop"));
    assert!(!path.exists());
}

#[test]
fn others_run_meanwhile() -> Result<()> {
    run(|| {
        let other = create_task(|| Ok(()));
        fs::metadata("/")?;
        assert!(other.done());
        Ok(())
    })
}

/// A pipe in the place of a file: reading takes as long as the test wants.
fn slow_file() -> Result<(File, std::io::PipeWriter)> {
    let (reader, writer) = std::io::pipe()?;
    let reader = std::os::fd::OwnedFd::from(reader);
    Ok((File::from_std(reader.into()), writer))
}

#[test]
fn a_cancelled_read_loses_nothing() -> Result<()> {
    run(|| {
        let (mut file, mut writer) = slow_file()?;
        for _ in 0..3 {
            let error = timeout(ms(2), || Ok(file.read(&mut [0; 3])?)).unwrap_err();
            assert!(error.is_timeout());
        }
        writer.write_all(b"all of it")?;
        drop(writer);
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        assert_eq!(text, "all of it");
        Ok(())
    })
}

#[test]
fn the_position_is_that_of_the_last_read_that_was_not_cancelled() -> Result<()> {
    let directory = Directory::new("position")?;
    run(|| {
        fs::write(directory.path("x"), "0123456789")?;
        let mut file =
            File::open_with(OpenOptions::new().read(true).write(true), directory.path("x"))?;
        // A task that is cancelled before its wait can end, whatever the thread does meanwhile.
        for round in 0..20 {
            let position = file.stream_position()?;
            let task = corio::current_task()?;
            get_running_loop()?.call_soon(move || _ = task.cancel());
            let cancelled = file.read(&mut [0; 4]).unwrap_err();
            assert!(Error::from(cancelled).is_cancelled(), "round {round}");
            corio::current_task()?.uncancel();
            assert_eq!(file.stream_position()?, position);
        }
        let mut byte = [0];
        file.read_exact(&mut byte)?;
        file.write_all(b"x")?;
        assert_eq!(fs::read_to_string(directory.path("x"))?, "0x23456789");
        Ok(())
    })
}

#[test]
fn an_operation_that_was_cancelled_before_it_began_is_never_done() -> Result<()> {
    let directory = Directory::new("never")?;
    run(|| {
        let path = directory.path("x");
        // An executor that takes its time.
        let works = Rc::new(RefCell::new(Vec::new()));
        let later = Rc::clone(&works);
        get_running_loop()?.set_default_executor(move |work| later.borrow_mut().push(work));
        assert!(timeout(ms(1), || Ok(fs::write(&path, "x")?)).unwrap_err().is_timeout());
        works.take().into_iter().for_each(|work: corio::Work| work());
        assert!(!path.exists());
        Ok(())
    })
}

/// Else the pool would soon have no thread for anything else.
#[test]
fn operations_that_are_given_up_wait_in_line_and_not_on_threads() -> Result<()> {
    run(|| {
        let (mut file, mut writer) = slow_file()?;
        let works = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&works);
        let gate = Arc::new(Mutex::new(()));
        let (entrance, closed) = (Arc::clone(&gate), gate.lock());
        get_running_loop()?.set_default_executor(move |work: corio::Work| {
            counted.fetch_add(1, Ordering::Relaxed);
            let entrance = Arc::clone(&entrance);
            drop(std::thread::spawn(move || {
                drop(entrance.lock());
                work();
            }));
        });
        for _ in 0..20 {
            assert!(timeout(ms(1), || Ok(file.read(&mut [0; 3])?)).unwrap_err().is_timeout());
            assert!(timeout(ms(1), || Ok(file.metadata()?)).unwrap_err().is_timeout());
        }
        assert_eq!(works.load(Ordering::Relaxed), 1, "the first read");
        drop(closed);
        writer.write_all(b"all of it")?;
        drop(writer);
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        assert_eq!(text, "all of it");
        Ok(())
    })
}

#[test]
fn an_executor_that_drops_its_work_is_an_error_and_no_hang() -> Result<()> {
    let directory = Directory::new("dropped")?;
    run(|| {
        let path = directory.path("x");
        let file = File::create(&path)?;
        let refuse = Rc::new(Cell::new(true));
        let refusing = Rc::clone(&refuse);
        get_running_loop()?.set_default_executor(move |work: corio::Work| {
            if !refusing.get() {
                work();
            }
        });
        for _ in 0..2 {
            let error = Error::from(file.set_len(7).unwrap_err());
            assert!(error.downcast_ref::<corio::JobDropped>().is_some(), "{error}");
        }
        refuse.set(false);
        file.set_len(5)?;
        assert_eq!(file.metadata()?.len(), 5);
        Ok(())
    })
}

#[test]
fn files_are_shared_through_a_lock() -> Result<()> {
    let directory = Directory::new("shared")?;
    run(|| {
        let log = corio::Lock::new(File::create(directory.path("log"))?);
        task_group(|group| {
            for number in 0..10 {
                let log = &log;
                group.create_task(move || Ok(writeln!(log.lock()?, "line {number}")?));
            }
            Ok(())
        })?;
        let file = BufReader::new(File::open(directory.path("log"))?);
        let lines: std::io::Result<Vec<_>> = file.lines().collect();
        let expected: Vec<_> = (0..10).map(|number| format!("line {number}")).collect();
        assert_eq!(lines?, expected);
        Ok(())
    })
}

#[test]
fn standard_output_takes_what_tasks_write() -> Result<()> {
    run(|| {
        let mut stdout = corio::stdio::stdout();
        let other = create_task(|| Ok(()));
        writeln!(stdout, "a line of a test")?;
        stdout.flush()?;
        yield_now()?;
        assert!(other.done());
        Ok(())
    })
}

#[test]
fn nobody_waits_at_the_end_for_standard_input() -> Result<()> {
    let began = std::time::Instant::now();
    run(|| {
        let read = create_task(|| Ok(corio::stdio::stdin().read(&mut [0])?));
        yield_now()?;
        read.cancel();
        let _ = read.wait(); // if there is none, the end has come at once
        Ok(())
    })?;
    assert!(began.elapsed() < Duration::from_secs(5));
    Ok(())
}
