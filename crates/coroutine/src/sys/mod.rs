//! What the operating system is asked for: memory for stacks, and nothing else.
//!
//! Each platform module offers the same items, chosen here once:
//!
//! | item | meaning |
//! |---|---|
//! | `page_size` | the size of a page, in bytes |
//! | `MAX_SLOTS` | the most stacks that one mapping may hold |
//! | `Mapping` | address space, given back when dropped |
//! | `guard` | make a page at the low end of a stack fault when touched |
//! | `discard` | give the memory under an unused range back, keep the address space |
//! | `resident_pages` | which pages of a range are in memory, from the top down to a gap |
//! | `GAP` | how large that gap is |
//! | `GuardSupport` | which ways of guarding this system has |

cfg_select! {
    unix => {
        mod unix;
        pub(crate) use self::unix::*;
    }
    windows => {
        mod windows;
        pub(crate) use self::windows::*;
    }
    _ => {
        compile_error!("corio-coroutine knows how to allocate stacks on Unix and on Windows only");
    }
}
