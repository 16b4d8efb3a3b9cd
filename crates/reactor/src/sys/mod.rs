//! Everything that depends on the operating system.
//!
//! Each platform contributes two files under one set of names: how a source is named to the kernel
//! and a poller woken (`unix`, `windows`) and the selector that [`Backend::Native`] stands for (`epoll`, elsewhere
//! `portable`). The selector without a system (`manual`) is the same everywhere. The rest of the crate has no
//! `cfg`.

#[cfg(target_os = "linux")]
mod epoll;
mod manual;
mod portable;
mod selector;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use self::epoll as native;
#[cfg(not(target_os = "linux"))]
use self::portable as native;
#[cfg(unix)]
use self::unix as raw;
#[cfg(windows)]
use self::windows as raw;

use self::raw::{Bell, Number, Ringer};
pub(crate) use self::raw::{Handle, UNWATCHABLE};
pub use self::selector::Backend;
pub(crate) use self::selector::{Event, Selector, Waker};
