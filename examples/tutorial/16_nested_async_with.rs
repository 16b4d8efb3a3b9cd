//! Two context managers, one inside the other; what is read inside can be used outside.
//!
//! In Python it is an `async with` in an `async with`. Here it is a `with` in a `with`, which returns
//! what its body does. (Managers that do not need one another are given to one `with` as a tuple.)

use std::time::Duration;

use corio::{ContextManager, sleep, with};

const A_MOMENT: Duration = Duration::from_millis(1);

struct FlowProvider {
    store_url: &'static str,
}

/// What `as` binds to a provider.
struct Provider;

impl ContextManager for FlowProvider {
    type Value = Provider;

    fn enter(&mut self) -> corio::Result<Provider> {
        sleep(A_MOMENT)?;
        println!("provider of {} set up", self.store_url);
        Ok(Provider)
    }

    fn exit(self, outcome: corio::Result<()>) -> corio::Result<()> {
        sleep(A_MOMENT)?;
        println!("provider tidied up");
        outcome
    }
}

impl Provider {
    fn open_read(&self, flow_id: &'static str) -> OpenRead {
        OpenRead { flow_id }
    }
}

struct OpenRead {
    flow_id: &'static str,
}

/// What `as` binds to a reader.
struct Reader;

impl ContextManager for OpenRead {
    type Value = Reader;

    fn enter(&mut self) -> corio::Result<Reader> {
        sleep(A_MOMENT)?;
        println!("reader of {} set up", self.flow_id);
        Ok(Reader)
    }

    fn exit(self, outcome: corio::Result<()>) -> corio::Result<()> {
        sleep(A_MOMENT)?;
        println!("reader tidied up");
        outcome
    }
}

impl Reader {
    fn read(&self, start: u32, count: u32) -> corio::Result<Vec<u32>> {
        sleep(A_MOMENT)?;
        Ok((start..start + count).collect())
    }
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        let frames = with(FlowProvider { store_url: "store.example" }, |provider| {
            let frames = with(provider.open_read("flow-1"), |reader| {
                let frames = reader.read(720, 4)?;
                println!("things are done with the reader");
                Ok(frames)
            })?;
            println!("things are done with the provider");
            Ok(frames)
        })?;
        println!("things are done with the frames: {frames:?}");
        Ok(())
    })
}
