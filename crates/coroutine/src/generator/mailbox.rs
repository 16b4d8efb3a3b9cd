//! The word that the two ends of a generator pass messages through.
//!
//! An ordinary `next` passes nothing but the value that is sent in and the one that is yielded, and both travel in
//! registers. Whatever is rarer is left in the [`word`](Header::word) of the stack's header:
//!
//! | who writes | the word | who reads, and clears it |
//! |---|---|---|
//! | driver, before it resumes without a value | points to an [`Interrupt`] in the driver's frame | body, when it wakes |
//! | driver, before it resumes while the thread is panicking; body, in place of an interrupt then | [`PANICKING`] | body, when it yields; driver |
//! | body, before it suspends to delegate | points to a [`Request`] in the body's frame | driver |
//! | body that cannot be unwound (`panic = "abort"`) | [`STUCK`] | driver |
//!
//! A pointer is used only while its owner is stopped in the middle of the call that holds the value.

use std::any::Any;
use std::mem::MaybeUninit;
use std::ptr;
use std::thread;

use super::erased::Erased;
use super::error::BoxError;
use super::slot::Slot;
use crate::coroutine::Coroutine;
use crate::stack::Header;

/// The coroutine under a generator: what it returns is erased, so that all that yield `T` and are sent `S` have
/// one type.
///
/// What goes in and out is initialised unless there is a message: then it is not, and the message tells what to
/// do. So an ordinary value travels as bare as in a plain coroutine.
pub(super) type Raw<T, S> = Coroutine<MaybeUninit<S>, Slot<T>, Erased>;

/// What the body finds, instead of a value, when it wakes.
pub(super) enum Interrupt {
    /// Nobody wants more.
    Close,
    /// The caller threw this.
    Throw(BoxError),
    /// The generator that the body delegated to has ended.
    Delegated(Outcome),
}

/// How a delegate ended.
pub(super) enum Outcome {
    /// It returned this.
    Returned(Erased),
    /// It unwound with this.
    Unwound(Box<dyn Any + Send>),
}

/// A body asks for another generator to be run in its place.
pub(super) struct Request<T, S> {
    /// The coroutine of that generator.
    pub(super) own: Raw<T, S>,
    /// Those that it delegates to itself, innermost last.
    pub(super) delegates: Vec<Raw<T, S>>,
    /// What the innermost is resumed with: nothing if it has not started.
    pub(super) first: Option<S>,
}

/// The body was resumed while the thread was panicking.
const PANICKING: *mut () = ptr::without_provenance_mut(1);
/// The body cannot be unwound and will never yield again.
const STUCK: *mut () = ptr::without_provenance_mut(2);

/// What the driver finds when the body has stopped.
pub(super) enum Left<T, S> {
    /// Nothing: the value is a yielded one.
    Value,
    /// A request; there is no value.
    Request(Request<T, S>),
    /// The body is stuck; there is no value.
    Stuck,
}

/// Leaves word that the thread is panicking while the body runs.
pub(super) fn leave_panicking(header: &Header) {
    header.word.set(PANICKING);
}

/// Empties the word: of a new generator's stack, where it is whatever somebody else left, and of a body that begins to
/// unwind, so that it is not taken for one that runs in a panicking thread.
#[inline]
pub(super) fn clear(header: &Header) {
    header.word.set(ptr::null_mut());
}

/// Whether the body was resumed by a panicking thread.
pub(super) fn was_panicking(header: &Header) -> bool {
    header.word.get() == PANICKING
}

/// Leaves an interrupt for the body.
///
/// # Safety
///
/// `interrupt` must stay where it is until the body has stopped again.
pub(super) unsafe fn leave_interrupt(header: &Header, interrupt: &mut Option<Interrupt>) {
    header.word.set(ptr::from_mut(interrupt).cast());
}

/// Whether the driver left an interrupt, for a body that was just resumed.
#[inline]
pub(super) fn is_interrupted(header: &Header) -> bool {
    let word = header.word.get();
    !word.is_null() && word != PANICKING
}

/// Takes the interrupt that the driver left, if there is one; in a panicking thread, leaves word of that instead.
///
/// # Safety
///
/// To be called by a body that was just resumed.
pub(super) unsafe fn take_interrupt(header: &Header) -> Option<Interrupt> {
    if !is_interrupted(header) {
        return None;
    }
    // A body that stands at a yield does not unwind, so whoever resumed it does.
    let rest = if thread::panicking() { PANICKING } else { ptr::null_mut() };
    let word = header.word.replace(rest).cast::<Option<Interrupt>>();
    // SAFETY: the driver stored a pointer to a value in its frame, and it is stopped in the resume that led here.
    unsafe { &mut *word }.take()
}

/// Leaves a request for the driver.
///
/// # Safety
///
/// `request` must stay where it is until the body is resumed.
pub(super) unsafe fn leave_request<T, S>(header: &Header, request: &mut Option<Request<T, S>>) {
    header.word.set(ptr::from_mut(request).cast());
}

/// Leaves word that the body is stuck.
pub(super) fn leave_stuck(header: &Header) {
    header.word.set(STUCK);
}

/// Whether the body left nothing, so that what it yielded is a value.
#[inline]
pub(super) fn is_empty(header: &Header) -> bool {
    header.word.get().is_null()
}

/// Takes what the body left when it stopped.
///
/// # Safety
///
/// To be called when the coroutine of `header`, of the types `T` and `S`, has just yielded.
#[inline]
pub(super) unsafe fn take_left<T, S>(header: &Header) -> Left<T, S> {
    let word = header.word.replace(ptr::null_mut());
    if word == STUCK {
        return Left::Stuck;
    }
    if word.is_null() || word == PANICKING {
        return Left::Value;
    }
    // SAFETY: the body stored a pointer to a value in its frame, of this type, and it is stopped there.
    let request = unsafe { &mut *word.cast::<Option<Request<T, S>>>() };
    request.take().map_or(Left::Value, Left::Request)
}
