use std::io::Write;

fn main() -> corio::Result<()> {
    corio::run(|| {
        let mut stream = corio::net::TcpStream::connect("127.0.0.1:80")?;
        std::thread::spawn(move || stream.write_all(b"from elsewhere"));
        Ok(())
    })
}
