fn main() -> corio::Result<()> {
    corio::run(|| {
        let task = corio::create_task(|| Ok(String::new()));
        corio::sleep(std::time::Duration::ZERO)?;
        let result = task.result()?;
        task.wait()?;
        println!("{result}");
        Ok(())
    })
}
