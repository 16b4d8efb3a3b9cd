fn main() -> corio::Result<()> {
    corio::run(|| {
        let (mut reader, _writer) = corio::open_connection("127.0.0.1:80")?;
        corio::gather((|| reader.read_line(), || reader.read_line()))?;
        Ok(())
    })
}
