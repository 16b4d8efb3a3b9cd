//! Iterators that wait, and what helps with them.

mod background;
mod chunks;
mod comprehension;
mod drops;
mod map_concurrent;
mod merge;
mod ticks;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use corio::{Deadlock, Event, Result, all_tasks, get_running_loop, sleep};
use corio_tests::{ms, now, virtual_run};

/// Runs `main` in virtual time, and sees that it leaves neither a task nor a timer behind.
fn run_to_rest(main: impl FnOnce() -> Result<()>) -> Result<()> {
    virtual_run(|| {
        main()?;
        assert_at_rest()
    })
}

fn assert_at_rest() -> Result<()> {
    assert_eq!(all_tasks()?.len(), 1, "{:?}", all_tasks()?);
    assert_eq!(get_running_loop()?.statistics().tasks, 1);
    // What waits for nothing is interrupted at once, unless there is a timer to wait for first.
    let then = now();
    let error = Event::new().wait().unwrap_err();
    assert!(error.downcast_ref::<Deadlock>().is_some(), "{error:?}");
    assert_eq!(now(), then, "a timer was left behind");
    Ok(())
}

/// Items that each take so many milliseconds to come by.
fn slow<T: 'static>(
    items: impl IntoIterator<Item = (u64, T), IntoIter: 'static>,
) -> impl Iterator<Item = Result<T>> + 'static {
    items.into_iter().map(|(delay, item)| sleep(ms(delay)).map(|()| item))
}

/// How many are at something, and the most that ever were.
#[derive(Clone, Default)]
struct Gauge(Rc<Cell<(usize, usize)>>);

impl Gauge {
    fn most(&self) -> usize {
        self.0.get().1
    }

    fn now(&self) -> usize {
        self.0.get().0
    }

    fn enter(&self) -> impl Drop + use<> {
        let (now, most) = self.0.get();
        self.0.set((now + 1, most.max(now + 1)));
        let gauge = self.clone();
        corio_tests::OnDrop(move || {
            let (now, most) = gauge.0.get();
            gauge.0.set((now - 1, most));
        })
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
