//! A process from its start until it is reaped.
//!
//! Architecture Invariant: only the loop's thread reaps a process that can still be sent a signal, and
//! once it has, no signal is sent.

use std::cell::{Cell, RefCell};
use std::io;
use std::process::{self, ExitStatus};
use std::rc::Rc;

use corio_futures::Error;
use rustix::process::{Pid, Signal};

use super::exit::{Exit, reap_by_thread};
use crate::event_loop::EventLoop;
use crate::task::{TaskOptions, create_task_with};

pub(super) struct Process {
    child: RefCell<process::Child>,
    exit: Exit,
    ended: Cell<Option<Ended>>,
}

#[derive(Clone, Copy, Debug)]
enum Ended {
    Reaped(ExitStatus),
    /// Somebody else has reaped it, and nobody can tell how it ended.
    Lost,
}

impl Process {
    /// Takes charge of a child. If that fails, the child is killed, and reaped.
    pub(super) fn new(mut child: process::Child) -> io::Result<Rc<Self>> {
        let pid = pid_of(&child);
        match Exit::of(pid) {
            Ok(exit) => {
                Ok(Rc::new(Self { child: RefCell::new(child), exit, ended: Cell::new(None) }))
            }
            Err(error) => {
                // It may have ended already.
                let _ = child.kill();
                reap_by_thread(pid);
                let message = format!("cannot wait for process {pid}, which was killed: {error}");
                Err(io::Error::new(error.kind(), message))
            }
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.borrow().id()
    }

    /// How it ended, if it has. Reaps it.
    pub(super) fn poll(&self) -> io::Result<Option<ExitStatus>> {
        if self.ended.get().is_none() {
            let polled = self.child.borrow_mut().try_wait();
            match polled {
                Ok(status) => self.ended.set(status.map(Ended::Reaped)),
                Err(error) if is_no_child(&error) => self.ended.set(Some(Ended::Lost)),
                Err(error) => return Err(error),
            }
        }
        match self.ended.get() {
            Some(Ended::Reaped(status)) => Ok(Some(status)),
            Some(Ended::Lost) => Err(io::Error::other(Lost { id: self.id() })),
            None => Ok(None),
        }
    }

    #[track_caller]
    pub(super) fn wait(&self) -> io::Result<ExitStatus> {
        match self.ended.get() {
            Some(Ended::Reaped(status)) => Ok(status),
            _ => self.exit.wait(|| self.poll()),
        }
    }

    /// Sends a signal, if the process has not ended.
    pub(super) fn send_signal(&self, signal: i32) -> io::Result<()> {
        let Some(named) = Signal::from_named_raw(signal) else {
            let message = format!("there is no signal {signal} that could be sent");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        if self.ended.get().is_some() {
            return Ok(());
        }
        self.exit.send(named).map_err(|error| {
            let name = crate::signal::name(signal).unwrap_or("a signal");
            let message = format!("cannot send {name} to process {}: {error}", self.id());
            io::Error::new(error.kind(), message)
        })
    }

    /// Sees to it that the process is reaped, some time.
    pub(super) fn reap_in_background(self: Rc<Self>) {
        if !matches!(self.poll(), Ok(None)) || EventLoop::current("a process").is_err() {
            return;
        }
        let options = TaskOptions::new().name(format!("reaper of process {}", self.id()));
        drop(create_task_with(options, move || {
            // If the loop ends first, a thread takes over as this is dropped.
            self.wait().map(drop).or_else(|error| {
                let error = Error::from(error);
                if error.is_cancelled() { Err(error) } else { Ok(()) }
            })
        }));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.poll() {
            reap_by_thread(pid_of(self.child.get_mut()));
        }
    }
}

pub(super) fn pid_of(child: &process::Child) -> Pid {
    Pid::from_child(child)
}

fn is_no_child(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::CHILD.raw_os_error())
}

/// A child has ended, and how is not known.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "process {id} has ended, but somebody else has asked how: does the program ignore SIGCHLD, or \
     wait for any child there is?"
)]
struct Lost {
    id: u32,
}
