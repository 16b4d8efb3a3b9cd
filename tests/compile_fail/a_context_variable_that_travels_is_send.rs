use std::rc::Rc;

use corio::ContextVar;

static LOCAL: ContextVar<Rc<u32>> = ContextVar::local("local");
static SENT: ContextVar<Rc<u32>> = ContextVar::new("sent");

fn main() {
    LOCAL.set(Rc::new(1));
    SENT.set(Rc::new(1));
}
