//! What `Timers` costs, beside a `BTreeMap` from deadline to action: `cargo bench -p corio-reactor
//! --bench timers`.
#![expect(clippy::print_stdout, reason = "the table is the purpose")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use corio_reactor::{TimerKey, Timers};

/// What both structures can do.
trait Subject: Default {
    type Key: Copy;
    fn insert(&mut self, deadline: Instant, action: u64) -> Self::Key;
    fn cancel(&mut self, key: Self::Key) -> Option<u64>;
    fn pop_expired(&mut self, now: Instant) -> Option<u64>;
}

impl Subject for Timers<u64> {
    type Key = TimerKey;
    fn insert(&mut self, deadline: Instant, action: u64) -> TimerKey {
        self.insert(deadline, action)
    }
    fn cancel(&mut self, key: TimerKey) -> Option<u64> {
        self.cancel(key)
    }
    fn pop_expired(&mut self, now: Instant) -> Option<u64> {
        self.pop_expired(now)
    }
}

#[derive(Default)]
struct Tree {
    timers: BTreeMap<(Instant, u64), u64>,
    serial: u64,
}

impl Subject for Tree {
    type Key = (Instant, u64);
    fn insert(&mut self, deadline: Instant, action: u64) -> Self::Key {
        self.serial += 1;
        self.timers.insert((deadline, self.serial), action);
        (deadline, self.serial)
    }
    fn cancel(&mut self, key: Self::Key) -> Option<u64> {
        self.timers.remove(&key)
    }
    fn pop_expired(&mut self, now: Instant) -> Option<u64> {
        let first = self.timers.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

/// A generator of numbers that look random (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn nanoseconds_each(times: u64, mut operation: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        operation();
    }
    start.elapsed().as_nanos() as f64 / times as f64
}

/// One round with `pending` timers: set and cancel the latest; cancel a random one and set it as
/// the latest; expire all.
fn round<S: Subject>(pending: u64) -> [f64; 3] {
    const TIMES: u64 = 1_000_000;
    const SPAN: u64 = 30_000_000_000;
    let base = Instant::now();
    let mut numbers = Numbers(88_172_645_463_325_252);
    let mut latest = 0;
    let mut later = |step| {
        latest += step;
        base + Duration::from_nanos(latest)
    };
    let mut timers = S::default();
    let mut keys: Vec<_> = (0..pending).map(|i| timers.insert(later(SPAN / pending), i)).collect();
    let set = nanoseconds_each(TIMES, || {
        let key = timers.insert(later(100), 0);
        black_box(timers.cancel(black_box(key)));
    });
    let reset = nanoseconds_each(TIMES, || {
        let key = &mut keys[numbers.below(pending) as usize];
        black_box(timers.cancel(*key));
        *key = timers.insert(later(100), 0);
    });
    let mut pop = 0.0;
    let refills = (TIMES / pending).clamp(1, 10_000);
    for _ in 0..refills {
        let mut timers = S::default();
        for i in 0..pending {
            timers.insert(base + Duration::from_nanos(numbers.below(SPAN)), i);
        }
        pop += nanoseconds_each(pending, || {
            black_box(timers.pop_expired(base + Duration::from_nanos(SPAN)));
        });
    }
    [set, reset, pop / refills as f64]
}

fn best<S: Subject>(name: &str, pending: u64) {
    let rounds = [(); 3].map(|()| round::<S>(pending));
    let [set, reset, pop] =
        [0, 1, 2].map(|i| rounds.iter().map(|round| round[i]).fold(f64::MAX, f64::min));
    println!("{pending:>9} {name:<10} set {set:>6.1}  reset {reset:>7.1}  pop {pop:>6.1}  ns");
}

fn main() {
    // `cargo test --benches` only asks whether this runs.
    let sizes: &[u64] = if std::env::args().any(|argument| argument == "--bench") {
        &[10, 1_000, 100_000, 1_000_000]
    } else {
        &[]
    };
    for &pending in sizes {
        best::<Tree>("BTreeMap", pending);
        best::<Timers<u64>>("Timers", pending);
    }
}
