use corio::ContextVar;

const USER: ContextVar<u32> = ContextVar::new("user");

fn main() {
    USER.set(1);
}
