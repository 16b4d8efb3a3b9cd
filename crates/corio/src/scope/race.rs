//! A race whose candidates set out one after the other: asyncio's `staggered_race`, on which happy
//! eyeballs are built.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use corio_futures::contract::Wait;
use corio_futures::{Cancelled, Error, ErrorGroup, Result, WaitList};

use super::nursery::Nursery;
use crate::task::{Task, TaskOptions};
use crate::timeout::timeout;

/// Runs `candidates` until one succeeds, each a while after the one before. asyncio's
/// `staggered_race`.
///
/// The next candidate starts when `delay` has passed since the last one started, or as soon as
/// that one has failed; with no delay (`None`), only then. The first value wins: the candidates
/// that still run are cancelled, and waited for. They may borrow what the caller owns.
///
/// # Cancellation
///
/// Cancels the candidates, and goes on when they have ended.
///
/// # Errors
///
/// An [`ErrorGroup`] of all their errors, in the order of the candidates, if none succeeds;
/// [`NoCandidates`] if there are none; [`Cancelled`] if this task was cancelled.
///
/// # Panics
///
/// If a candidate does, once the others have ended.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use corio::{Error, sleep, staggered_race};
///
/// let mut runner = corio::Runner::with_virtual_clock()?;
/// runner.run(|| {
///     let servers = [("down", 10), ("slow", 900), ("quick", 30), ("spare", 1)];
///     let fetch = |(name, ms)| {
///         move || {
///             sleep(Duration::from_millis(ms))?;
///             if name == "down" { Err(Error::msg("no route")) } else { Ok(name) }
///         }
///     };
///     let winner = staggered_race(servers.map(fetch), Duration::from_millis(250))?;
///     assert_eq!((winner.value, winner.index), ("quick", 2));
///     let errors: Vec<_> = winner.losers.iter().map(|(_, error)| error.to_string()).collect();
///     assert_eq!(errors, ["no route", "cancelled"]);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn staggered_race<'a, T, F>(
    candidates: impl IntoIterator<Item = F>,
    delay: impl Into<Option<Duration>>,
) -> Result<Winner<T>>
where
    T: 'a,
    F: FnOnce() -> Result<T> + 'a,
{
    // All at once: code of others must not panic while candidates run.
    let candidates: Vec<F> = candidates.into_iter().collect();
    let wait = Wait::new("the candidates of a race");
    let nursery = Nursery::open(wait.what())?;
    let board = Rc::new(Board::new());
    let mut tasks: Vec<Task<'a, ()>> = Vec::new();
    let raced = board.race(&wait, delay.into(), candidates, |attempt| {
        let body = move || attempt.run();
        // SAFETY: `nursery` is joined below, before this function returns, and so before `'a` ends,
        // which its caller chose.
        tasks.push(Task::new(unsafe { nursery.spawn(TaskOptions::new(), body) }));
    });

    nursery.cancel(&Cancelled::new());
    let mut ended = Ok(());
    nursery.join(&wait, |interrupted| {
        nursery.cancel(&Cancelled::new());
        ended = Err(interrupted);
    });
    // A panic goes on here.
    let waited: Vec<Result<()>> = tasks.into_iter().map(Task::wait).collect();
    raced.and(ended)?;
    board.result(waited)
}

/// What came of a [`staggered_race`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Winner<T> {
    /// What the winner returned.
    pub value: T,
    /// Which candidate it was, counted from 0.
    pub index: usize,
    /// The other candidates that had started, and what they failed with: [`Cancelled`], as a rule,
    /// if they were still running. One that swallowed that and succeeded too late is left out.
    pub losers: Vec<(usize, Error)>,
}

/// What the candidates and the task that races them know.
struct Board<T> {
    entries: RefCell<Vec<Entry<T>>>,
    /// The first to succeed.
    winner: Cell<Option<usize>>,
    panicked: Cell<bool>,
    changed: WaitList,
}

enum Entry<T> {
    Running,
    Returned(Result<T>),
    /// Panicked, or never ran: its task knows.
    Gone,
}

impl<T> Board<T> {
    fn new() -> Self {
        Self {
            entries: RefCell::default(),
            winner: Cell::new(None),
            panicked: Cell::new(false),
            changed: WaitList::new(),
        }
    }

    /// Starts one candidate after the other, until one has succeeded or all have ended.
    fn race<F: FnOnce() -> Result<T>>(
        self: &Rc<Self>,
        wait: &Wait<'_>,
        delay: Option<Duration>,
        candidates: Vec<F>,
        mut start: impl FnMut(Attempt<T, F>),
    ) -> Result<()> {
        for (index, candidate) in candidates.into_iter().enumerate() {
            if index > 0 {
                self.wait_for(wait, delay, |entries| !entries[index - 1].is_running())?;
            }
            if self.is_decided() {
                return Ok(());
            }
            self.entries.borrow_mut().push(Entry::Running);
            start(Attempt { candidate, place: Place { board: Rc::clone(self), index } });
        }
        self.wait_for(wait, None, |entries| !entries.iter().any(Entry::is_running))
    }

    fn is_decided(&self) -> bool {
        self.winner.get().is_some() || self.panicked.get()
    }

    /// Waits until `enough` says so, the race is decided, or `limit` has passed.
    fn wait_for(
        &self,
        wait: &Wait<'_>,
        limit: Option<Duration>,
        enough: impl Fn(&[Entry<T>]) -> bool,
    ) -> Result<()> {
        let wait = || {
            while !self.is_decided() && !enough(&self.entries.borrow()) {
                self.changed.wait(wait)?;
            }
            Ok(())
        };
        let Some(limit) = limit else { return wait() };
        match timeout(limit, wait) {
            Err(error) if error.is_timeout() => Ok(()),
            waited => waited,
        }
    }

    /// Takes note of what has become of a candidate.
    fn enter(&self, index: usize, entry: Entry<T>) {
        if matches!(entry, Entry::Returned(Ok(_))) && !self.is_decided() {
            self.winner.set(Some(index));
        }
        self.entries.borrow_mut()[index] = entry;
        self.changed.notify_all();
    }

    /// The result of the race, now that all have ended; `waited` is what their tasks came to.
    fn result(&self, waited: Vec<Result<()>>) -> Result<Winner<T>> {
        let (mut winner, mut losers) = (None, Vec::new());
        for (index, (entry, waited)) in self.entries.take().into_iter().zip(waited).enumerate() {
            match (entry, waited) {
                (Entry::Returned(Ok(value)), _) if self.winner.get() == Some(index) => {
                    winner = Some((value, index));
                }
                (Entry::Returned(Ok(_)), _) => {} // too late
                (Entry::Returned(Err(error)), _) | (_, Err(error)) => losers.push((index, error)),
                (Entry::Running | Entry::Gone, Ok(())) => {}
            }
        }
        match winner {
            Some((value, index)) => Ok(Winner { value, index, losers }),
            None if losers.is_empty() => Err(NoCandidates.into()),
            None => {
                let errors = losers.into_iter().map(|(_, error)| error).collect();
                Err(ErrorGroup::new("every candidate of a race failed", errors).into())
            }
        }
    }
}

impl<T> Entry<T> {
    fn is_running(&self) -> bool {
        matches!(self, Self::Running)
    }
}

/// A candidate as a task runs it.
struct Attempt<T, F> {
    candidate: F,
    place: Place<T>,
}

impl<T, F: FnOnce() -> Result<T>> Attempt<T, F> {
    fn run(self) -> Result<()> {
        let result = (self.candidate)();
        self.place.board.enter(self.place.index, Entry::Returned(result));
        Ok(())
    }
}

/// A candidate's place on the board, which learns of its end also if it panics or never runs.
struct Place<T> {
    board: Rc<Board<T>>,
    index: usize,
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        if self.board.entries.borrow()[self.index].is_running() {
            self.board.panicked.set(self.board.panicked.get() || std::thread::panicking());
            self.board.enter(self.index, Entry::Gone);
        }
    }
}

/// [`staggered_race`] was called without candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is nobody to race: `staggered_race` needs at least one candidate")]
pub struct NoCandidates;
