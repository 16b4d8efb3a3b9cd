//! Asking the processor for the memory of tasks that will be looked at soon.
//!
//! What is asked for, and how long before, was measured; the loop decides when it is worth it.

use std::ptr::NonNull;

use corio_coroutine::prefetch;

use super::Header;

/// The size of a cache line on most machines.
const LINE: usize = 64;
/// Cache lines of a task with a small body and outcome.
const CELL_LINES: usize = 6;
/// Cache lines of the frames that a task waits in, and how many of them are below its `Wait`.
const FRAME_LINES: usize = 12;
const LINES_BELOW_WAIT: usize = 4;

impl Header {
    /// Asks for the cell of a task.
    #[inline]
    pub(crate) fn prefetch(this: NonNull<Self>) {
        // The counts of the `Rc` are before the header, the outcome and the rest behind it.
        let cell = this.as_ptr().cast::<u8>().wrapping_sub(2 * size_of::<usize>());
        prefetch_lines(cell, CELL_LINES);
    }

    /// Asks for what waking the task touches.
    #[inline]
    pub(crate) fn prefetch_state(&self) {
        prefetch(self.state.as_ptr().cast());
    }

    /// Asks for the base of the task's stack and for what the task waits for, and so for the
    /// translations of their addresses.
    #[inline]
    pub(crate) fn prefetch_pages(&self) {
        if let Some(yielder) = self.yielder.get() {
            prefetch(yielder.as_ptr().cast_const().cast());
        }
        if let Some(wait) = self.waiting.get() {
            prefetch(wait.as_ptr().cast_const().cast());
        }
    }

    /// Asks for what the next step needs of the task's stack: where it waits, or the top if it only
    /// gave up its turn.
    #[inline]
    pub(crate) fn prefetch_stack(&self) {
        let Some(yielder) = self.yielder.get() else { return };
        let Some(wait) = self.waiting.get() else { return self.yielder().prefetch_stack() };
        prefetch(yielder.as_ptr().cast_const().cast());
        let wait = wait.as_ptr().cast_const().cast::<u8>();
        prefetch_lines(wait.wrapping_sub(LINES_BELOW_WAIT * LINE), FRAME_LINES);
    }
}

#[inline]
fn prefetch_lines(first: *const u8, count: usize) {
    for line in 0..count {
        prefetch(first.wrapping_add(line * LINE));
    }
}
