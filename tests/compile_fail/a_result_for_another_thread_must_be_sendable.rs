use std::rc::Rc;

fn main() -> corio::Result<()> {
    let event_loop = corio::get_running_loop()?.handle();
    event_loop.run_coroutine_threadsafe(|| Ok(Rc::new(1)))?.wait().map(drop)
}
