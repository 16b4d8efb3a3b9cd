//! A context manager as a generator that waits: a transaction, which ends as its body does.
//!
//! In Python it is an `async def` with a yield, decorated with `@asynccontextmanager`. Here it is
//! `contextmanager`, as in the third example.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use corio::{ContextManager, Error, contextmanager, sleep, with};

const A_MOMENT: Duration = Duration::from_millis(1);

type Rows = Rc<RefCell<Vec<u32>>>;

fn transaction(rows: &Rows) -> impl ContextManager<Value = Rows> + use<> {
    let rows = Rc::clone(rows);
    contextmanager(move |co| {
        sleep(A_MOMENT)?;
        println!("begin");
        let saved = rows.borrow().clone();
        let outcome = co.yield_(Rc::clone(&rows));
        if outcome.is_err() {
            rows.replace(saved);
        }
        sleep(A_MOMENT)?;
        println!("{}", if outcome.is_ok() { "commit" } else { "roll back" });
        outcome
    })
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let table = Rows::default();

        with(transaction(&table), |rows| {
            rows.borrow_mut().push(1);
            rows.borrow_mut().push(2);
            Ok(())
        })?;
        println!("{:?}", table.borrow());

        let failed = with(transaction(&table), |rows| {
            rows.borrow_mut().push(3);
            Err::<(), _>(Error::msg("three is too many"))
        });
        if let Err(error) = failed {
            println!("{error}");
        }
        println!("{:?}", table.borrow());
        Ok(())
    })
}
