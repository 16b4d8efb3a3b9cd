//! What debug mode has to say about a step that took too long.

use std::backtrace::Backtrace;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// In debug mode: a step of a task, or a callback, has held up the event loop.
///
/// The error of the [`Report`](crate::Report) that the exception handler gets, which finds it by
/// `report.error().downcast_ref()`. As text, it says where the step began and ended, and how the
/// task had come there. See [`Runner::debug`](crate::Runner::debug).
#[derive(Debug)]
pub struct SlowStep {
    task: Option<String>,
    took: Duration,
    on_processor: Option<Duration>,
    from: Place,
    to: Place,
    stack: Option<Backtrace>,
}

/// Where a step began or ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// The beginning of the task, or of the callback, and where it was asked for.
    Start(Option<&'static Location<'static>>),
    Wait(&'static str, &'static Location<'static>),
    Yield,
    End,
}

impl SlowStep {
    pub(super) fn new(
        task: Option<String>,
        took: Duration,
        on_processor: Option<Duration>,
        from: Place,
        to: Place,
        stack: Option<Backtrace>,
    ) -> Self {
        Self { task, took, on_processor, from, to, stack }
    }

    /// The name of the task; `None` if it was a callback.
    pub fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }

    /// How long the step took, by the system's clock.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// For how much of that the thread had a processor: nearly all, if the step computed; little,
    /// if it blocked the thread. `None` where the system does not say.
    pub fn on_processor(&self) -> Option<Duration> {
        self.on_processor
    }

    /// The stack with which the task suspended at the end of the step. None if that was the end of
    /// the task.
    pub fn stack(&self) -> Option<&Backtrace> {
        self.stack.as_ref()
    }
}

impl fmt::Display for SlowStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it ran for {} ms", self.took.as_millis())?;
        if let Some(on_processor) = self.on_processor {
            write!(f, ", {} ms of them on the processor", on_processor.as_millis())?;
        }
        f.write_str("\n  from ")?;
        match self.from {
            Place::Start(asked_for) => {
                f.write_str("its start")?;
                if let (None, Some(place)) = (&self.task, asked_for) {
                    write!(f, ", which was asked for at {place}")?;
                }
            }
            Place::Wait(what, place) => write!(f, "{place}, where it had waited for {what}")?,
            Place::Yield => f.write_str("where it had let others run")?,
            Place::End => {}
        }
        f.write_str("\n  to ")?;
        match self.to {
            Place::Wait(what, place) => write!(f, "{place}, where it waits for {what}")?,
            Place::Yield => f.write_str("where it lets others run")?,
            Place::Start(_) | Place::End => f.write_str("its end")?,
        }
        if let Some(stack) = &self.stack {
            write!(f, "; the stack there:\n{}", own_frames(&stack.to_string()))?;
        }
        match self.on_processor {
            Some(on_processor) if on_processor < self.took / 2 => f.write_str(
                "\n  help: wait by what corio offers, or in another thread: this blocked the thread \
                 (unless the system was busy elsewhere)",
            ),
            _ => f.write_str(
                "\n  help: compute in another thread, or call `sleep(Duration::ZERO)` now and then for \
                 others to run",
            ),
        }
    }
}

impl std::error::Error for SlowStep {}

/// The frames of a task's stack that are the program's own. All, if this cannot tell.
fn own_frames(stack: &str) -> String {
    let inner = ["corio", "<corio"];
    let outer = ["std::panic", "core::panic", "<core::panic", "__rust_try", "core::ops::function"];
    let mut frames: Vec<String> = Vec::new();
    for line in stack.lines() {
        match frames.last_mut() {
            Some(frame) if symbol(line).is_none() => {
                frame.push('\n');
                frame.push_str(line);
            }
            _ => frames.push(line.to_owned()),
        }
    }
    let is = |frame: &String, kinds: &[&str]| {
        let symbol = symbol(frame).unwrap_or_default();
        kinds.iter().any(|kind| symbol.starts_with(kind))
    };
    let look = |frame: &String| symbol(frame).is_some_and(|it| it.contains("Debug::note_stack"));
    let looked = frames.iter().position(look).unwrap_or_default();
    let begin = frames[looked..].iter().position(|frame| !is(frame, &inner));
    let begin = begin.map(|begin| looked + begin);
    let root = |frame: &String| symbol(frame).is_some_and(|it| it.contains("corio::task::cell::"));
    let end = frames.iter().rposition(root).unwrap_or(frames.len());
    let own = begin.filter(|begin| *begin < end).map_or(&frames[..], |begin| {
        let last = frames[begin..end].iter().rposition(|frame| !is(frame, &outer));
        &frames[begin..last.map_or(end, |last| begin + last + 1)]
    });
    let numbered = own.iter().enumerate().map(|(number, frame)| {
        let symbol = symbol(frame).unwrap_or(frame);
        format!("{number:4}: {symbol}")
    });
    numbered.collect::<Vec<_>>().join("\n")
}

/// The name of the function, on the first line of a frame: `  12: name`.
fn symbol(line: &str) -> Option<&str> {
    let (number, symbol) = line.trim_start().split_once(": ")?;
    number.parse::<u32>().ok().map(|_| symbol)
}
