fn main() -> corio::Result<()> {
    let (_promise, future) = corio::create_future::<u8>();
    future.wait()?;
    future.wait()?;
    Ok(())
}
