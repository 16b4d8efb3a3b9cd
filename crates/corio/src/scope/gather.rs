//! Several things at once.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;

use corio_futures::completion::Watcher;
use corio_futures::contract::Wait;
use corio_futures::{Cancelled, CannotWait, Error, Result, WaitList};

use super::nursery::{Nursery, Open};
use crate::coroutine::Coroutine;
use crate::event_loop::current_header;
use crate::task::{
    Awaited, CannotAwait, Members, Panicked, Runnable, SharedTask, Task, TaskOptions,
};

/// Runs several things at once and returns all their results, in the order in which they were
/// given. asyncio's `gather`.
///
/// Takes a tuple, for results of different types, or an array or `Vec`, for many of one type. The
/// members are closures, which become tasks and may borrow, or [`Task`]s that run already.
///
/// The first error is gather's. As in asyncio, tasks that were passed in then run on. Closures are
/// cancelled, and gather waits until they have ended: they may borrow what its caller owns.
///
/// # Cancellation
///
/// Cancels every member and goes on when all have ended.
///
/// # Errors
///
/// The first error of a member; [`Cancelled`] if a member or this task was cancelled.
///
/// # Panics
///
/// If a member does, once the closures have ended.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// corio::run(|| {
///     let words = ["to", "be", "or", "not"];
///     let (count, longest) = corio::gather((
///         || Ok(words.len()),
///         || {
///             corio::sleep(Duration::from_millis(1))?;
///             Ok(words.iter().max_by_key(|word| word.len()).copied())
///         },
///     ))?;
///     assert_eq!((count, longest), (4, Some("not")));
///
///     let lengths = corio::gather(words.map(|word| move || Ok(word.len())))?;
///     assert_eq!(lengths, [2, 2, 2, 3]);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn gather<'a, G: Gather + 'a>(members: G) -> Result<G::Output> {
    let joint = Joint::<'a>::new(Wait::new("the members of a gather"), OnError::Stop)?;
    G::values(members.gather_in(&joint)?)
}

/// As [`gather`], but waits for all members, and returns what each came to: value or error.
/// asyncio's `gather(…, return_exceptions=True)`.
///
/// # Cancellation
///
/// Cancels every member and goes on when all have ended. The gathering task is cancelled then,
/// whatever the members made of it.
///
/// # Errors
///
/// [`Cancelled`] if this task was cancelled.
///
/// # Panics
///
/// If a member does, once all have ended.
///
/// # Examples
///
/// ```
/// use corio::Error;
///
/// corio::run(|| {
///     let (good, bad) = corio::gather_results((
///         || Ok(1),
///         || Err::<(), _>(Error::msg("no")),
///     ))?;
///     assert_eq!(good?, 1);
///     assert_eq!(bad.unwrap_err().to_string(), "no");
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[track_caller]
pub fn gather_results<'a, G: Gather + 'a>(members: G) -> Result<G::Results> {
    let joint = Joint::<'a>::new(Wait::new("the members of a gather"), OnError::GoOn)?;
    members.gather_in(&joint)
}

/// What [`gather`] takes: a tuple, an array or a `Vec` of [`Gathered`] members.
pub trait Gather {
    /// The members' values, in a container of the same shape.
    type Output;

    /// What each member came to, value or error, in a container of the same shape.
    type Results;

    #[doc(hidden)]
    fn gather_in<'a>(self, joint: &Joint<'a>) -> Result<Self::Results>
    where
        Self: 'a;

    #[doc(hidden)]
    fn values(results: Self::Results) -> Result<Self::Output>;
}

/// A member of a [`gather`]: a closure, a [`Coroutine`], or a [`Task`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be gathered",
    note = "members are closures that take nothing and return `corio::Result<T>`, coroutines, or tasks"
)]
pub trait Gathered {
    /// What it comes to.
    type Output;

    #[doc(hidden)]
    fn begin<'a>(self, joint: &Joint<'a>) -> Member<'a, Self::Output>
    where
        Self: 'a,
        Self::Output: 'a;
}

/// A member that has begun, and how to ask for its result when it has ended.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "nobody can hold one")]
#[expect(unnameable_types, reason = "the traits above are for corio alone to implement")]
pub struct Member<'a, T>(Kind<'a, T>);

enum Kind<'a, T> {
    Own(Task<'a, T>),
    Shared(SharedTask<'a, T>, fn(&SharedTask<'a, T>) -> Result<T>),
}

impl<T> Member<'_, T> {
    fn collect(self) -> Result<T> {
        match self.0 {
            Kind::Own(task) => task.wait(),
            Kind::Shared(task, wait) => wait(&task),
        }
    }
}

impl<T, F: FnOnce() -> Result<T>> Gathered for F {
    type Output = T;

    fn begin<'a>(self, joint: &Joint<'a>) -> Member<'a, T>
    where
        Self: 'a,
        T: 'a,
    {
        Member(Kind::Own(joint.spawn(self)))
    }
}

impl<T, F: FnOnce() -> Result<T>> Gathered for Coroutine<F> {
    type Output = T;

    fn begin<'a>(self, joint: &Joint<'a>) -> Member<'a, T>
    where
        Self: 'a,
        T: 'a,
    {
        self.into_fn().begin(joint)
    }
}

impl<T> Gathered for Task<'_, T> {
    type Output = T;

    fn begin<'a>(self, joint: &Joint<'a>) -> Member<'a, T>
    where
        Self: 'a,
        T: 'a,
    {
        joint.watch(&self);
        Member(Kind::Own(self))
    }
}

impl<T: Clone> Gathered for SharedTask<'_, T> {
    type Output = T;

    fn begin<'a>(self, joint: &Joint<'a>) -> Member<'a, T>
    where
        Self: 'a,
        T: 'a,
    {
        joint.watch(self.task());
        let outcome = |member: &SharedTask<'a, T>| match member.done() {
            true => member.task().outcome_by_ref(),
            false => member.wait(), // which says why it cannot
        };
        Member(Kind::Shared(self, outcome))
    }
}

impl<G: Gathered> Gather for Vec<G> {
    type Output = Vec<G::Output>;
    type Results = Vec<Result<G::Output>>;

    fn gather_in<'a>(self, joint: &Joint<'a>) -> Result<Self::Results>
    where
        Self: 'a,
    {
        let members: Vec<_> = self.into_iter().map(|member| member.begin(joint)).collect();
        joint.join()?;
        Ok(members.into_iter().map(Member::collect).collect())
    }

    fn values(results: Self::Results) -> Result<Self::Output> {
        results.into_iter().collect()
    }
}

impl<G: Gathered, const N: usize> Gather for [G; N] {
    type Output = [G::Output; N];
    type Results = [Result<G::Output>; N];

    fn gather_in<'a>(self, joint: &Joint<'a>) -> Result<Self::Results>
    where
        Self: 'a,
    {
        Ok(as_many(Vec::from(self).gather_in(joint)?))
    }

    fn values(results: Self::Results) -> Result<Self::Output> {
        Ok(as_many(Vec::<G>::values(results.into())?))
    }
}

/// An array of what an array was made into.
fn as_many<T, const N: usize>(items: Vec<T>) -> [T; N] {
    items.try_into().unwrap_or_else(|_| unreachable!("there are as many as members"))
}

macro_rules! gather_tuple {
    ($($member:ident)+) => {
        impl<$($member: Gathered),+> Gather for ($($member,)+) {
            type Output = ($($member::Output,)+);
            type Results = ($(Result<$member::Output>,)+);

            #[expect(non_snake_case, reason = "the type's name serves as the variable's")]
            fn gather_in<'a>(self, joint: &Joint<'a>) -> Result<Self::Results>
            where
                Self: 'a,
            {
                let ($($member,)+) = self;
                let ($($member,)+) = ($($member.begin(joint),)+);
                joint.join()?;
                Ok(($($member.collect(),)+))
            }

            #[expect(non_snake_case, reason = "the type's name serves as the variable's")]
            fn values(($($member,)+): Self::Results) -> Result<Self::Output> {
                Ok(($($member?,)+))
            }
        }
    };
}

gather_tuple!(A);
gather_tuple!(A B);
gather_tuple!(A B C);
gather_tuple!(A B C D);
gather_tuple!(A B C D E);
gather_tuple!(A B C D E F);
gather_tuple!(A B C D E F G);
gather_tuple!(A B C D E F G H);

/// One call of [`gather`]. The closures among its members are done before it is gone.
///
/// Architecture Invariant: made by `gather` alone, for an `'a` that its caller chose and that
/// therefore outlives the call; dropped before `gather` returns. Invariant in `'a`, so that no
/// implementation of the traits above can choose a shorter one.
#[expect(missing_debug_implementations, reason = "nobody can hold one")]
#[expect(unnameable_types, reason = "the traits above are for corio alone to implement")]
pub struct Joint<'a> {
    state: Rc<State>,
    /// Dropped after the nursery was joined: see `Drop`.
    _nursery: Open,
    wait: Wait<'static>,
    lifetime: PhantomData<fn(&'a ()) -> &'a ()>,
}

impl<'a> Joint<'a> {
    fn new(wait: Wait<'static>, on_error: OnError) -> Result<Self> {
        let nursery = Nursery::open(wait.what())?;
        let state = Rc::new(State {
            nursery: Rc::clone(&nursery),
            on_error,
            given: RefCell::default(),
            pending: Cell::new(0),
            first_error: RefCell::new(None),
            cancelled: Cell::new(false),
            changed: WaitList::new(),
        });
        let weak = Rc::downgrade(&state);
        state.nursery.on_end(move |failure| {
            if let Some(state) = weak.upgrade() {
                state.member_ended(failure);
            }
        });
        Ok(Self { state, _nursery: nursery, wait, lifetime: PhantomData })
    }

    fn spawn<T: 'a>(&self, body: impl FnOnce() -> Result<T> + 'a) -> Task<'a, T> {
        self.state.pending.set(self.state.pending.get() + 1);
        // SAFETY: `self` owns the open nursery, and `gather` drops it before `'a` ends: see the
        // invariant.
        let child = unsafe { self.state.nursery.spawn(TaskOptions::new(), body) };
        child.header().note_creation(self.wait.location());
        Task::new(child)
    }

    fn watch<T>(&self, task: &Task<'a, T>) {
        if let Some(running) = task.running() {
            if let Err(error) = CannotAwait::check(running.header()) {
                return self.state.fail(error);
            }
            self.state.pending.set(self.state.pending.get() + 1);
            let watcher: Rc<dyn Watcher> = Rc::clone(&self.state) as _;
            let mut given = self.state.given.borrow_mut();
            running.any_completion().watch(watcher, given.len());
            given.push(running);
        } else if let Ok(Some(error)) | Err(error) = task.exception().map(Option::<&Error>::cloned)
        {
            self.state.fail(error);
        }
    }

    /// Waits until all members have ended or one has failed; then until the closures have ended.
    fn join(&self) -> Result<()> {
        let state = &*self.state;
        let waited = state.wait(&self.wait);
        let first_error = state.first_error.take();
        let failed = waited.is_err() || first_error.is_some();
        let rest = self.end_closures(failed);
        // An interruption of this task is worth more than what it interrupted.
        waited.and(rest)?;
        if let Some(error) = first_error {
            Panicked::resurface(&error);
            return Err(error);
        }
        if state.cancelled.get() { Err(Cancelled::new().into()) } else { Ok(()) }
    }

    fn end_closures(&self, cancel: bool) -> Result<()> {
        let nursery = &self.state.nursery;
        if cancel && !self.state.cancelled.get() {
            nursery.cancel(&Cancelled::new());
        }
        let mut interrupted = Ok(());
        nursery.join(&self.wait, |error| {
            nursery.cancel(&Cancelled::new());
            interrupted = Err(error);
        });
        interrupted
    }
}

impl Drop for Joint<'_> {
    fn drop(&mut self) {
        // Nothing to do, unless a member could not even be begun.
        let ended = self.end_closures(true);
        drop(ended);
    }
}

/// What becomes of the wait when a member fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnError {
    Stop,
    GoOn,
}

#[derive(Debug)]
struct State {
    nursery: Rc<Nursery>,
    on_error: OnError,
    /// Members that were tasks before.
    given: RefCell<Vec<Rc<dyn Runnable>>>,
    pending: Cell<usize>,
    first_error: RefCell<Option<Error>>,
    /// A cancellation of the gathering task was passed on to the members.
    cancelled: Cell<bool>,
    changed: WaitList,
}

impl State {
    /// Waits until the members have ended, or one has failed and the others need not be waited for.
    fn wait(&self, wait: &Wait<'static>) -> Result<()> {
        let undecided = || self.pending.get() > 0 && self.first_error.borrow().is_none();
        if !undecided() {
            return Ok(());
        }
        let Some(current) = current_header() else {
            return Err(CannotWait::InCallback(wait.what()).into());
        };
        current.while_awaiting(&Awaited::Members(self), || {
            while undecided() {
                self.changed.wait(wait)?;
            }
            Ok(())
        })
    }

    fn fail(&self, error: Error) {
        if self.on_error == OnError::Stop {
            self.first_error.borrow_mut().get_or_insert(error);
            self.changed.notify_all();
        }
    }
}

impl Watcher for State {
    fn completed(self: Rc<Self>, index: usize) {
        let task = Rc::clone(&self.given.borrow()[index]);
        let failure = task.any_completion().failure().cloned();
        if failure.is_some() {
            task.mark_retrieved();
        }
        // A step later, as a done-callback: asyncio's `gather` is made of those.
        let event_loop = Rc::clone(&task.header().event_loop);
        event_loop.call_soon(Box::new(move || self.member_ended(failure)));
    }
}

impl Members for State {
    fn unfinished(&self) -> Vec<Rc<dyn Runnable>> {
        let mut tasks = self.given.borrow().clone();
        tasks.extend(self.nursery.children());
        tasks.retain(|task| !task.header().is_done());
        tasks
    }

    fn passed_on(&self) {
        self.cancelled.set(true);
    }
}

impl State {
    fn member_ended(&self, failure: Option<Error>) {
        self.pending.set(self.pending.get() - 1);
        if let Some(error) = failure {
            self.fail(error);
        }
        if self.pending.get() == 0 {
            self.changed.notify_all();
        }
    }
}
