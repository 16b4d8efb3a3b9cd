fn main() {
    let mut kept = None;
    corio_coroutine::scope(|s| kept = Some(s.generator(|co| co.yield_(1))));
    println!("{}", kept.unwrap().count());
}
