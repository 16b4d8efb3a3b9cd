//! The usual way to run a program: one call of `run`, with all that waits inside.
//!
//! In Python it is `asyncio.run(main())`.

use std::time::Duration;

use corio::sleep;

const A_MOMENT: Duration = Duration::from_millis(1);

fn get_data_from_io(n: u32) -> corio::Result<u32> {
    sleep(A_MOMENT)?;
    Ok(n)
}

fn process_data(data: u32) -> corio::Result<()> {
    sleep(A_MOMENT)?;
    println!("processed {data}");
    Ok(())
}

fn main() -> corio::Result<()> {
    corio::run(|| {
        for n in 0..3 {
            let data = get_data_from_io(n)?;
            process_data(data)?;
        }
        Ok(())
    })
}
