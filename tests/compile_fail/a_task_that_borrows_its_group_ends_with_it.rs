fn main() -> corio::Result<()> {
    let task = corio::task_group(|group| {
        Ok(group.create_task(move || {
            group.cancel();
            Ok(1)
        }))
    })?;
    task.wait()?;
    Ok(())
}
