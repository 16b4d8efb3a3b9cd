//! What becomes of a suspended body when its coroutine is dropped.
//!
//! With `panic = "unwind"` its stack is unwound. With `panic = "abort"` it cannot be: a body that owns all it
//! uses is leaked, which is safe, and one that borrows ends the process, because its borrows must not survive.
//! All that differs between the two is chosen here.

cfg_select! {
    panic = "unwind" => {
        mod unwind;
        pub(crate) use self::unwind::{Claim, end, stop_for_good};
    }
    _ => {
        mod leak;
        pub(crate) use self::leak::{Claim, end, stop_for_good};
    }
}
