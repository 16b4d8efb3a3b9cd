fn main() -> corio::Result<()> {
    let text = String::from("borrowed");
    corio::task_group(|group| {
        let task = group.create_task(|| Ok(text.as_str()));
        task.add_done_callback(|_| {})?;
        Ok(())
    })
}
