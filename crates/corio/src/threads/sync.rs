//! What the files that are checked by loom may use of the standard library. There they find loom's.

pub(super) use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
pub(super) use std::sync::{Arc, Condvar, Mutex};
