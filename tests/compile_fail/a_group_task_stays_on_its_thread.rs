fn main() -> corio::Result<()> {
    corio::task_group(|group| {
        std::thread::scope(|scope| {
            scope.spawn(|| drop(group.create_task(|| Ok(()))));
        });
        Ok(())
    })
}
