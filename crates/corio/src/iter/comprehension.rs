//! Python's comprehensions.
//!
//! The macro writes the loops out in place. So `?`, `return` and waiting mean in any part of it
//! what they mean where it stands, which no chain of closures could offer; and it is not lazy: a
//! lazy comprehension *is* a chain of std's adaptors.

/// Collects the value of an expression for each item of a source: Python's list, set and dict
/// comprehensions.
///
/// `comprehension![value; for pattern in source; if condition; …]`, with any number of `for`,
/// `if`, `if let` and `let` (Python's `:=`), the first a `for`; each is inside those before it. What
/// it collects into is inferred, as with `collect`: anything that is [`Default`] and [`Extend`], such as a `Vec`, a
/// `HashSet`, a `HashMap` (for values that are pairs), a `String`.
///
/// Any part may wait, and any part may fail: `?` leaves the function around it, as in a loop.
///
/// Python's generator expression, the lazy form, is a chain of `filter` and `map`.
///
/// # Examples
///
/// ```
/// use std::collections::{HashMap, HashSet};
/// use corio::{Queue, Result, comprehension};
///
/// # let mut runner = corio::Runner::with_virtual_clock()?;
/// # runner.run(|| {
/// // [n * n for n in range(10) if n % 2]
/// let squares: Vec<u32> = comprehension![n * n; for n in 0..10; if n % 2 == 1];
/// assert_eq!(squares, [1, 9, 25, 49, 81]);
///
/// // [n for s in texts if (n := int(s)) > 1]
/// let texts = ["1", "2"];
/// let numbers: Vec<_> = comprehension![n; for s in texts; let n = s.parse::<u32>()?; if n > 1];
/// assert_eq!(numbers, [2]);
///
/// // {await orders.get() async for …}: waiting, and failing, in any place
/// let orders = Queue::unbounded();
/// orders.put("tea for 2")?;
/// orders.put("milk for 1")?;
/// orders.shutdown();
/// let goods: HashMap<String, u32> = comprehension![
///     (what.to_owned(), people.parse()?);
///     for order in &orders;
///     if let Some((what, people)) = order?.split_once(" for ")
/// ];
/// assert_eq!(goods["tea"], 2);
///
/// // {x * y for x in xs for y in ys}
/// let products: HashSet<u32> = comprehension![x * y; for x in [1, 2, 3]; for y in [1, 2, 3]];
/// assert_eq!(products.len(), 6);
///
/// // (n * n for n in count(1)): lazy
/// let mut squares = (1_u64..).map(|n| n * n);
/// assert_eq!(squares.next(), Some(1));
/// # Ok(())
/// # })?;
/// # Ok::<(), corio::Error>(())
/// ```
#[macro_export]
macro_rules! comprehension {
    ($value:expr; for $($clauses:tt)+) => {{
        let mut collected = ::core::default::Default::default();
        $crate::comprehension!(@collected [$value] for $($clauses)+);
        collected
    }};
    (@$collected:ident [$value:expr]) => {
        ::core::iter::Extend::extend(&mut $collected, ::core::option::Option::Some($value))
    };
    (@$collected:ident [$value:expr] for $item:pat in $source:expr $(; $($clauses:tt)*)?) => {
        for $item in $source {
            $crate::comprehension!(@$collected [$value] $($($clauses)*)?)
        }
    };
    (@$collected:ident [$value:expr] if let $item:pat = $source:expr $(; $($clauses:tt)*)?) => {
        if let $item = $source {
            $crate::comprehension!(@$collected [$value] $($($clauses)*)?)
        }
    };
    (@$collected:ident [$value:expr] let $item:pat = $source:expr $(; $($clauses:tt)*)?) => {{
        let $item = $source;
        $crate::comprehension!(@$collected [$value] $($($clauses)*)?)
    }};
    (@$collected:ident [$value:expr] if $condition:expr $(; $($clauses:tt)*)?) => {
        if $condition {
            $crate::comprehension!(@$collected [$value] $($($clauses)*)?)
        }
    };
}
