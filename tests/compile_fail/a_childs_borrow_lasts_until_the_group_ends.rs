fn main() -> corio::Result<()> {
    let mut text = String::from("borrowed by a child");
    corio::task_group(|group| {
        let task = group.create_task(|| Ok(text.len()));
        text.clear();
        task.wait()
    })?;
    Ok(())
}
