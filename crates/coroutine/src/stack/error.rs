//! Why a stack could not be had.

use std::io;

use super::bytes::Bytes;
use super::options::GuardMethod;

/// A stack could not be had, and what to change.
///
/// # Examples
///
/// ```
/// use corio_coroutine::{Stack, StackError};
///
/// let error = Stack::new(1024).unwrap_err();
/// assert!(matches!(error, StackError::TooSmall { size: 1024, .. }));
/// assert_eq!(error.to_string(), "a stack of 1 KiB is too small: ask for at least 16 KiB");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StackError {
    /// The size is below [`Stack::MIN_SIZE`](super::Stack::MIN_SIZE).
    #[error("a stack of {} is too small: ask for at least {}", Bytes(*size), Bytes(*minimum))]
    #[non_exhaustive]
    TooSmall {
        /// The size asked for, in bytes.
        size: usize,
        /// The smallest size there is, in bytes.
        minimum: usize,
    },

    /// The size is above [`Stack::MAX_SIZE`](super::Stack::MAX_SIZE).
    #[error("a stack of {} is too large: ask for at most {}", Bytes(*size), Bytes(*maximum))]
    #[non_exhaustive]
    TooLarge {
        /// The size asked for, in bytes.
        size: usize,
        /// The largest size there is, in bytes.
        maximum: usize,
    },

    /// The system has no address space left for another stack.
    #[error(
        "cannot reserve address space for another stack of {}, with {live} alive on this thread: {source}; \
         ask for smaller stacks, keep fewer coroutines alive, or raise the limit of the address space \
         (ulimit -v) or of memory mappings (sysctl vm.max_map_count)",
        Bytes(*size)
    )]
    #[non_exhaustive]
    AddressSpace {
        /// The size asked for, in bytes.
        size: usize,
        /// How many stacks of that size are alive on this thread.
        live: usize,
        /// What the operating system said.
        source: io::Error,
    },

    /// The system cannot guard another stack.
    #[error(
        "cannot guard another stack of {}, with {live} alive on this thread: {source}; {}",
        Bytes(*size),
        guard_help(*method)
    )]
    #[non_exhaustive]
    Guard {
        /// The size asked for, in bytes.
        size: usize,
        /// How many stacks of that size are alive on this thread.
        live: usize,
        /// How it was to be guarded.
        method: GuardMethod,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What to do where a guard cannot be had.
fn guard_help(method: GuardMethod) -> &'static str {
    match method {
        GuardMethod::Protect => {
            "each guarded stack takes two memory mappings here: raise sysctl vm.max_map_count, keep fewer coroutines \
             alive, or use Linux 6.13 or later, where a guard takes none"
        }
        GuardMethod::Install => {
            "GuardMethod::Install, which was asked for, needs Linux 6.13 or later and memory that is not locked: leave \
             the method to the pool"
        }
    }
}
