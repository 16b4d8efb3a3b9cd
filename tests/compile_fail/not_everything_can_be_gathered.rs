fn main() -> corio::Result<()> {
    corio::gather((|| Ok(1), 2)).map(drop)
}
