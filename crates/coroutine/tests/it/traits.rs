//! Who may cross threads: nobody that holds a stack.

use corio_coroutine::{
    Co, Coroutine, CoroutineState, Generator, GeneratorError, GuardMethod, Interrupted, Scope,
    ScopedCoroutine, ScopedGenerator, Stack, StackError, StackLabel, StackOptions, StackStatistics,
    Thrown, Yielder,
};

/// Compiles only if the type does not implement the trait: otherwise the two `check`s are ambiguous.
macro_rules! assert_not {
    ($trait:ident: $($type:ty),+ $(,)?) => {
        $({
            trait Ambiguous<A> { fn check() {} }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Implements;
            impl<T: ?Sized + $trait> Ambiguous<Implements> for T {}
            <$type as Ambiguous<_>>::check();
        })+
    };
}

#[test]
fn stacks_and_what_runs_on_them_stay_on_their_thread() {
    assert_not!(Send: Coroutine, Generator<u8>, Stack, &Yielder<(), ()>, &Co<u8>, ScopedGenerator<'_, u8>, ScopedCoroutine<'_>, &Scope<'_, '_>, StackLabel);
    assert_not!(Sync: Coroutine, Generator<u8>, Stack, Yielder<(), ()>, Co<u8>, ScopedGenerator<'_, u8>, ScopedCoroutine<'_>, Scope<'_, '_>);
}

#[test]
fn values_and_errors_go_anywhere() {
    fn anywhere<T: Send + Sync + std::fmt::Debug + 'static>() {}
    anywhere::<CoroutineState<u8, u8>>();
    anywhere::<StackError>();
    anywhere::<GeneratorError>();
    anywhere::<Interrupted>();
    anywhere::<Thrown>();
    anywhere::<GuardMethod>();
    anywhere::<StackOptions>();
    anywhere::<StackStatistics>();
}
