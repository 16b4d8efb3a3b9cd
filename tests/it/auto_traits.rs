//! What may cross threads, and what must not: everything of a loop stays on its thread.

use std::rc::Rc;

/// Compiles only if `$type` does not implement `$trait`: else `_` has two answers.
macro_rules! assert_not {
    ($trait:ident: $($type:ty),+ $(,)?) => {$({
        trait Either<A> {
            fn either() {}
        }
        impl<T: ?Sized> Either<()> for T {}
        struct Implements;
        impl<T: ?Sized + $trait> Either<Implements> for T {}
        <$type as Either<_>>::either();
    })+};
}

fn crosses<T: Send + Sync + 'static>() {}

#[test]
fn errors_cross_threads() {
    crosses::<corio::Error>();
    crosses::<corio::ErrorGroup>();
    crosses::<corio::Cancelled>();
    crosses::<corio::Deadlock>();
    crosses::<corio::Panicked>();
    crosses::<corio::Report>();
    crosses::<corio::TaskOptions>();
    crosses::<corio::Statistics>();
    crosses::<corio::ContextVarNotSet>();
    crosses::<corio::IncompleteRead>();
    crosses::<corio::LimitOverrun>();
    crosses::<corio::streams::ServerMisused>();
    crosses::<corio::net::ListenOptions>();
}

#[test]
fn a_context_variable_is_a_static_whatever_its_values() {
    fn is_sync<T: Sync>() {}
    fn is_send<T: Send>() {}
    is_sync::<corio::ContextVar<Rc<()>>>();
    is_send::<corio::SendContext>();
}

#[test]
fn what_other_threads_hold_crosses_to_them() {
    crosses::<corio::LoopHandle>();
    crosses::<corio::ThreadsafeCallHandle>();
    crosses::<corio::ThreadsafeFunction<u32>>();
    // Whether what it comes to may be shared is nobody's concern before it is taken.
    crosses::<corio::RemoteTask<std::cell::Cell<()>>>();
}

#[test]
fn whatever_belongs_to_a_loop_stays_on_its_thread() {
    assert_not!(Send:
        corio::Runner,
        corio::EventLoopHandle,
        corio::Task<'static, ()>,
        corio::TaskHandle,
        corio::Context,
        &'static corio::TaskGroup<'static, 'static>,
        corio::Future<()>,
        corio::SharedFuture<()>,
        corio::Promise<()>,
        corio::Job<()>,
        corio::RemoteTask<Rc<()>>,
        &'static corio::Event,
        &'static corio::Lock<()>,
        corio::LockGuard<'static, ()>,
        corio::Generator<u8>,
        &'static corio::Co<'static, u8>,
        corio::ExitStack<'static>,
        corio::net::Async<std::net::TcpStream>,
        corio::net::Incoming<'static>,
        corio::net::TcpListener,
        corio::net::TcpStream,
        corio::net::UdpSocket,
        corio::Server,
        corio::StreamReader,
        corio::StreamWriter,
    );
    assert_not!(Sync:
        corio::Runner,
        corio::EventLoopHandle,
        corio::Task<'static, ()>,
        corio::TaskHandle,
        corio::Context,
        corio::TaskGroup<'static, 'static>,
        corio::Future<()>,
        corio::SharedFuture<()>,
        corio::Promise<()>,
        corio::Job<()>,
        corio::Event,
        corio::Lock<()>,
        corio::LockGuard<'static, ()>,
        corio::net::TcpStream,
        corio::net::TcpListener,
    );
}

#[test]
fn what_has_no_thread_bound_value_needs_none() -> corio::Result<()> {
    // `Rc` lives across waits, in tasks, in results and in what is guarded.
    corio::run(|| {
        let value = Rc::new(5);
        let lock = Rc::new(corio::Lock::new(Rc::clone(&value)));
        let in_task = Rc::clone(&lock);
        let task = corio::create_task(move || Ok(Rc::clone(&*in_task.lock()?)));
        assert!(Rc::ptr_eq(&task.wait()?, &value));
        Ok(())
    })
}
