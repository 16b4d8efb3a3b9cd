use corio::iter::IteratorExt;

fn main() -> corio::Result<()> {
    corio::run(|| {
        corio::task_group(|group| {
            let words = [String::from("of"), String::from("the body's")];
            words.iter().within(group).buffered(1).count();
            Ok(())
        })
    })
}
