fn main() -> corio::Result<()> {
    let text = String::from("moved away");
    corio::task_group(|group| {
        group.create_task(|| Ok(text.len()));
        drop(text);
        Ok(())
    })
}
