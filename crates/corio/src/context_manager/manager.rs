//! What a context manager is.

use corio_futures::Result;

/// Something to be entered before a piece of code and left after it, whatever comes of it: used by
/// [`with`](crate::with()). Python's `__aenter__` and `__aexit__`.
///
/// # Examples
///
/// A transaction, which is committed if the body succeeds and rolled back if it fails:
///
/// ```
/// use std::{cell::RefCell, time::Duration};
/// use corio::{ContextManager, Error, Result, with};
///
/// struct Transaction<'d> { rows: &'d RefCell<Vec<u32>>, saved: Vec<u32> }
///
/// impl<'d> ContextManager for Transaction<'d> {
///     type Value = &'d RefCell<Vec<u32>>;
///
///     fn enter(&mut self) -> Result<Self::Value> {
///         corio::sleep(Duration::from_millis(1))?; // both may wait
///         self.saved = self.rows.borrow().clone();
///         Ok(self.rows)
///     }
///
///     fn exit(self, outcome: Result<()>) -> Result<()> {
///         corio::sleep(Duration::from_millis(1))?;
///         if outcome.is_err() {
///             self.rows.replace(self.saved);
///         }
///         outcome // to swallow an error: `Ok(())`
///     }
/// }
///
/// corio::run(|| {
///     let rows = RefCell::default();
///     let transaction = || Transaction { rows: &rows, saved: Vec::new() };
///     with(transaction(), |rows| Ok(rows.borrow_mut().push(1)))?;
///
///     let failed = with(transaction(), |rows| {
///         rows.borrow_mut().push(2);
///         Err::<(), _>(Error::msg("no"))
///     });
///     assert_eq!(failed.unwrap_err().to_string(), "no");
///     assert_eq!(*rows.borrow(), [1]);
///     Ok(())
/// })?;
/// # Ok::<(), corio::Error>(())
/// ```
pub trait ContextManager {
    /// What the body is given: what `as` binds in Python. A handle to what the manager manages,
    /// such as an `Rc` or a reference that the manager has, too.
    type Value;

    /// Sets up.
    ///
    /// # Errors
    ///
    /// Those of setting up. The body does not run then, and [`exit`](Self::exit) is not called.
    fn enter(&mut self) -> Result<Self::Value>;

    /// Tidies up after a body that ended with `outcome`, and says how the whole ends.
    ///
    /// Return `outcome` to leave it as it is, another error to replace the body's, and `Ok(())` to
    /// swallow it. If the body panicked, the outcome is a [`BodyPanicked`](crate::BodyPanicked);
    /// waiting works nevertheless, and the panic goes on afterwards.
    ///
    /// # Errors
    ///
    /// The body's, another in its place, or those of tidying up. One that is not the body's own
    /// carries the body's along, as an [`ExitFailed`](crate::ExitFailed).
    fn exit(self, outcome: Result<()>) -> Result<()>;
}
