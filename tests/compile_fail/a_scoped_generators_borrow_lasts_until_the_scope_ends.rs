use corio_coroutine::scope;

fn main() {
    let mut count = 0;
    scope(|s| {
        let counter = s.generator(|co| {
            count += 1;
            co.yield_(());
        });
        std::mem::forget(counter);
        count = 0;
    });
}
