use corio_coroutine::Generator;

fn main() {
    let text = String::from("short-lived");
    let letters = Generator::new(|co| text.chars().for_each(|letter| co.yield_(letter)));
    println!("{}", letters.count());
}
