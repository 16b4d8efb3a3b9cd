fn main() -> corio::Result<()> {
    corio::run(|| {
        let local = String::from("of main's");
        corio::create_task(|| Ok(local.len())).wait().map(drop)
    })
}
