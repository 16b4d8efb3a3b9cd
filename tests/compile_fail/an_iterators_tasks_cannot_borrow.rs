use corio::iter::IteratorExt;

fn main() -> corio::Result<()> {
    corio::run(|| {
        let words = [String::from("of"), String::from("main's")];
        words.iter().buffered(1).count();
        Ok(())
    })
}
