use corio_coroutine::Coroutine;

fn main() {
    let mut coroutine = Coroutine::<(), (), ()>::new(|co, ()| co.yield_(()));
    std::thread::spawn(move || coroutine.resume(()));
}
