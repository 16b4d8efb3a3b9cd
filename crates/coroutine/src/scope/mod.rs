//! Coroutines and generators that borrow.
//!
//! A coroutine may be forgotten, and then its stack, with all the borrows on it, is never unwound. That is
//! harmless if it owns all it uses, and unsound if it borrows: a thread that it started inside
//! [`std::thread::scope`] would go on using what it borrowed after the owner took it back. So what borrows
//! belongs to a [`Scope`], which is a function call and cannot be forgotten: when it ends, by returning or by
//! unwinding, everything made in it has ended. The handles are only references; forgetting one changes nothing.
//!
//! What is made later may use what was made earlier, so they are ended in reverse order.

mod handles;
mod member;

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;

pub use self::handles::{ScopedCoroutine, ScopedGenerator};
use self::member::{Member, Slot};
use crate::abort;
use crate::coroutine::{Coroutine, no_stack};
use crate::generator::{Co, Generator};
use crate::quiet::{self, First, Payload, drop_quietly};
use crate::stack::Stack;
use crate::yielder::Yielder;

/// Runs `body` with a [`Scope`], whose coroutines and generators may borrow whatever outlives this call.
///
/// When `body` has returned or unwound, all that was made in the scope is dropped, the latest first, whatever
/// became of the handles.
///
/// # Panics
///
/// If `body` panics, or else if something made in the scope panics while it is dropped.
///
/// # Examples
///
/// ```
/// use corio_coroutine::scope;
///
/// let words = ["to", "be"];
/// let mut log = Vec::new();
/// let total: usize = scope(|s| {
///     let lengths = s.generator(|co| {
///         for word in &words {
///             log.push(*word);
///             co.yield_(word.len());
///         }
///     });
///     let doubled = s.generator(move |co| lengths.for_each(|n| co.yield_(2 * n)));
///     doubled.sum()
/// });
/// assert_eq!(total, 8);
/// assert_eq!(log, words);
/// ```
///
/// What borrows cannot leave:
///
/// ```compile_fail,E0521
/// let mut escaped = None;
/// corio_coroutine::scope(|s| escaped = Some(s.generator(|co| co.yield_(1))));
/// # let _ = escaped;
/// ```
///
/// Neither can what it borrows be touched meanwhile, or end before it:
///
/// ```compile_fail,E0499
/// let mut count = 0;
/// corio_coroutine::scope(|s| {
///     let mut counter = s.generator(|co| loop { count += 1; co.yield_(()); });
///     counter.next();
///     count = 0;
///     counter.next();
/// # let _ = &mut count;
/// });
/// ```
pub fn scope<'env, F, A>(body: F) -> A
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> A,
{
    let scope = Scope { members: Cell::new(Vec::new()), _scope: PhantomData, _env: PhantomData };
    let result = panic::catch_unwind(AssertUnwindSafe(|| body(&scope)));
    let ending = Ending;
    let panicked = scope.finish();
    mem::forget(ending);
    match result {
        Err(payload) => {
            drop_quietly(panicked);
            panic::resume_unwind(payload)
        }
        Ok(result) => {
            if let Some(payload) = panicked {
                quiet::resume(payload);
            }
            result
        }
    }
}

/// Ends the process if members remain whose borrows are about to end.
struct Ending;

impl Drop for Ending {
    fn drop(&mut self) {
        abort::with_message(format_args!(
            "a scope unwound while it ended what was made in it: this is a bug in corio-coroutine"
        ));
    }
}

/// Where coroutines and generators that borrow are made; from [`scope()`].
///
/// As with [`std::thread::Scope`], `'env` is how long the things outside live that may be borrowed, and
/// `'scope` how long what is made in the scope may live.
pub struct Scope<'scope, 'env: 'scope> {
    /// In the order of their making. Their lifetimes are erased: they are finished before `'scope` ends.
    members: Cell<Vec<Rc<dyn Member>>>,
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

impl<'scope> Scope<'scope, '_> {
    /// A generator that may borrow, on a stack of [`Stack::DEFAULT_SIZE`] with the place of this call as its label.
    ///
    /// # Panics
    ///
    /// If no stack can be had.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::scope;
    /// let text = String::from("a b");
    /// let last = scope(|s| s.generator(|co| text.split(' ').for_each(|word| co.yield_(word))).last());
    /// assert_eq!(last, Some("b"));
    /// ```
    #[track_caller]
    pub fn generator<T, R, F>(&'scope self, body: F) -> ScopedGenerator<'scope, T, (), R>
    where
        F: FnOnce(&Co<T>) -> R + 'scope,
        T: 'scope,
        R: 'scope,
    {
        self.generator_with_stack(default_stack(), body)
    }

    /// A generator that may borrow, is sent values of type `S`, and runs on `stack`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{scope, Stack, StackError};
    /// let mut sent = Vec::new();
    /// let stack = Stack::new(64 * 1024)?;
    /// scope(|s| {
    ///     let collect = s.generator_with_stack::<(), u8, (), _>(stack, |co| loop {
    ///         sent.push(co.yield_(()));
    ///     });
    ///     collect.start().unwrap();
    ///     collect.send(1).unwrap();
    ///     collect.send(2).unwrap();
    /// });
    /// assert_eq!(sent, [1, 2]);
    /// # Ok::<(), StackError>(())
    /// ```
    pub fn generator_with_stack<T, S, R, F>(
        &'scope self,
        stack: Stack,
        body: F,
    ) -> ScopedGenerator<'scope, T, S, R>
    where
        F: FnOnce(&Co<T, S>) -> R + 'scope,
        T: 'scope,
        S: 'scope,
        R: 'scope,
    {
        // SAFETY: what is borrowed lives as long as `'scope`, and the scope ends the body before that. Handles
        // give out shared references only, so the generator cannot be moved into `yield_from`.
        let generator = unsafe { Generator::with_stack_unchecked(stack, body) };
        ScopedGenerator::new(self.adopt(generator))
    }

    /// A coroutine that may borrow, on a stack of [`Stack::DEFAULT_SIZE`] with the place of this call as its label.
    ///
    /// # Panics
    ///
    /// If no stack can be had.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::{scope, CoroutineState::{Complete, Yielded}};
    /// let mut sum = 0;
    /// scope(|s| {
    ///     let mut add = s.coroutine::<u32, u32, &str, _>(|co, first| {
    ///         sum += first;
    ///         sum += co.yield_(sum);
    ///         "enough"
    ///     });
    ///     assert_eq!(add.resume(1), Yielded(1));
    ///     assert_eq!(add.resume(2), Complete("enough"));
    /// });
    /// assert_eq!(sum, 3);
    /// ```
    #[track_caller]
    pub fn coroutine<In, Out, Ret, F>(
        &'scope self,
        body: F,
    ) -> ScopedCoroutine<'scope, In, Out, Ret>
    where
        F: FnOnce(&Yielder<In, Out>, In) -> Ret + 'scope,
        In: 'scope,
        Out: 'scope,
        Ret: 'scope,
    {
        self.coroutine_with_stack(default_stack(), body)
    }

    /// A coroutine that may borrow, on `stack`.
    pub fn coroutine_with_stack<In, Out, Ret, F>(
        &'scope self,
        stack: Stack,
        body: F,
    ) -> ScopedCoroutine<'scope, In, Out, Ret>
    where
        F: FnOnce(&Yielder<In, Out>, In) -> Ret + 'scope,
        In: 'scope,
        Out: 'scope,
        Ret: 'scope,
    {
        // SAFETY: what is borrowed lives as long as `'scope`, and the scope drops the coroutine before that.
        let coroutine = unsafe { Coroutine::with_stack_unchecked(stack, body) };
        ScopedCoroutine::new(self.adopt(Slot::new(Some(coroutine))))
    }

    /// Makes `member` end with the scope.
    fn adopt<M: Member + 'scope>(&self, member: M) -> Rc<M> {
        let member = Rc::new(member);
        // SAFETY: only the lifetime changes. `finish` ends every member before `'scope` is over, and what is
        // left of it is an empty shell.
        let erased = unsafe {
            mem::transmute::<Rc<dyn Member + 'scope>, Rc<dyn Member + 'static>>(member.clone())
        };
        let mut members = self.members.take();
        let mut ended = Vec::new();
        if members.len() == members.capacity() {
            (members, ended) = members.into_iter().partition(|member| !member.is_over());
            members.reserve(members.len() + 1);
        }
        members.push(erased);
        self.members.set(members);
        // Last, as it may run code that makes more of them.
        drop(ended);
        member
    }

    /// Ends all members, the latest first. Returns the first panic among them, and does not unwind itself.
    fn finish(&self) -> Option<Payload> {
        let mut panicked = First::default();
        loop {
            // Ending one may run code that makes more of them.
            let mut members = self.members.take();
            let Some(member) = members.pop() else { return panicked.take() };
            self.members.set(members);
            panicked.note(member.end());
            panicked.catch(|| drop(member));
        }
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

#[track_caller]
fn default_stack() -> Stack {
    match Stack::for_caller() {
        Ok(stack) => stack,
        Err(error) => no_stack(&error),
    }
}
