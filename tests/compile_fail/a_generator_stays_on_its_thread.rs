use corio_coroutine::Generator;

fn main() {
    let numbers = Generator::new(|co| co.yield_(1));
    std::thread::scope(|scope| {
        scope.spawn(|| (&numbers).count());
    });
}
