use corio::iter::IteratorExt;

fn main() -> corio::Result<()> {
    corio::run(|| {
        let items = corio::task_group(|group| Ok((0..3).within(group).buffered(1)))?;
        items.count();
        Ok(())
    })
}
