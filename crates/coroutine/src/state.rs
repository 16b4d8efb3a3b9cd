//! What a coroutine did.

/// What a [`Coroutine`](crate::Coroutine) did when it was resumed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way to stop running")]
pub enum CoroutineState<Out, Ret> {
    /// It yielded this, and can be resumed.
    Yielded(Out),
    /// It returned this, and cannot.
    Complete(Ret),
}

impl<Out, Ret> CoroutineState<Out, Ret> {
    /// What was yielded, if it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::CoroutineState;
    /// assert_eq!(CoroutineState::<u8, ()>::Yielded(1).yielded(), Some(1));
    /// ```
    #[inline]
    pub fn yielded(self) -> Option<Out> {
        match self {
            Self::Yielded(value) => Some(value),
            Self::Complete(_) => None,
        }
    }

    /// What was returned, if it was.
    ///
    /// # Examples
    ///
    /// ```
    /// # use corio_coroutine::CoroutineState;
    /// assert_eq!(CoroutineState::<(), u8>::Complete(2).complete(), Some(2));
    /// ```
    #[inline]
    pub fn complete(self) -> Option<Ret> {
        match self {
            Self::Yielded(_) => None,
            Self::Complete(value) => Some(value),
        }
    }
}
