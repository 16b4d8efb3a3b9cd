fn main() -> corio::Result<()> {
    corio::run(|| {
        let task = corio::create_task(|| Ok(1));
        task.wait()?;
        task.wait()
    })
    .map(drop)
}
