use std::rc::Rc;

fn main() -> corio::Result<()> {
    let event = Rc::new(corio::Event::new());
    corio::to_thread(move || Ok(event.set()))
}
