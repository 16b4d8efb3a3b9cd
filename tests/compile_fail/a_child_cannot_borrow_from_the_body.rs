fn main() -> corio::Result<()> {
    corio::task_group(|group| {
        let local = String::from("gone when the body returns");
        group.create_task(|| Ok(local.len()));
        Ok(())
    })
}
